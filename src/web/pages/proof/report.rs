//! What a run has found so far, as the page saves it: JSON for programs, and the page's own words for people. Nothing is sent.

use js_sys::JSON;
use wasm_bindgen::JsValue;

use super::super::download;
use super::machine::Machine;
use super::parts::{self, Part};
use super::run::Failure;
use crate::web::browser::chrome;

/// Raised when a field changes its meaning.
const VERSION: f64 = 1.0;

pub struct Report {
    machine: Machine,
    /// How the engine multiplies here, once that is known.
    pub means: Option<String>,
    /// By its name: its words, and its figures.
    sections: Vec<(&'static str, Vec<Part>, JsValue)>,
    /// Whether every section had its turn.
    pub is_complete: bool,
}

impl Report {
    pub fn new(machine: Machine) -> Self {
        Self { machine, means: None, sections: Vec::new(), is_complete: false }
    }

    pub fn add(&mut self, name: &'static str, parts: Vec<Part>, figures: JsValue) {
        self.sections.push((name, parts, figures));
    }

    pub fn save_json(&self) {
        let sections: Vec<(&str, JsValue)> =
            self.sections.iter().map(|(name, _, figures)| (*name, figures.clone())).collect();
        let file = chrome::object(&[
            ("sottoProof", VERSION.into()),
            ("complete", self.is_complete.into()),
            ("machine", self.machine.file(self.means.as_deref())),
            ("sections", chrome::object(&sections)),
        ]);
        let text = JSON::stringify_with_replacer_and_space(&file, &JsValue::NULL, &2.into());
        download::save("sotto-proof.json", &text.map(String::from).unwrap_or_default());
    }

    pub fn save_text(&self) {
        let mut text = format!("{}\n\n", chrome::message("proofTitle", &[]));
        for line in self.machine.lines(self.means.as_deref()) {
            text.push_str(&line);
            text.push('\n');
        }
        if !self.is_complete {
            text.push_str(&format!("{}\n", chrome::message("proofStopped", &[])));
        }
        for (name, parts, _) in &self.sections {
            let title = title_of(name);
            text.push_str(&format!("\n{title}\n{}\n{}", "=".repeat(title.chars().count()), parts::write(parts)));
        }
        download::save("sotto-proof.txt", &text);
    }
}

/// A section's heading, as proof.html has it.
pub fn title_of(name: &str) -> String {
    chrome::message(&format!("proof{}{}Title", name[..1].to_uppercase(), &name[1..]), &[])
}

/// What stands in the place of a result.
pub fn instead(failure: Failure) -> (Vec<Part>, JsValue) {
    let words = match failure {
        Failure::Stopped => chrome::message("proofStoppedHere", &[]),
        Failure::Said(words) => words,
    };
    (vec![Part::Line(words.clone())], chrome::object(&[("failed", words.into())]))
}
