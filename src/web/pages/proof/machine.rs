//! What the result names of where it was measured: the computer as far as the browser tells, the browser, and Sotto's version.

use js_sys::Date;
use wasm_bindgen::JsValue;

use crate::web::browser::chrome;

pub struct Machine {
    pub version: &'static str,
    pub browser: String,
    pub n_cores: usize,
    /// As browsers tell it: rounded, and at most so much; Firefox does not.
    pub memory_gb: Option<f64>,
    pub has_web_gpu: bool,
}

impl Machine {
    pub fn here() -> Self {
        let navigator = chrome::get(&js_sys::global(), "navigator");
        let said = |name: &str| chrome::get(&navigator, name);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            browser: said("userAgent").as_string().unwrap_or_default(),
            n_cores: said("hardwareConcurrency").as_f64().unwrap_or(1.0) as usize,
            memory_gb: said("deviceMemory").as_f64(),
            has_web_gpu: !said("gpu").is_undefined(),
        }
    }

    /// `means` are how the engine multiplies here, where that was measured.
    pub fn lines(&self, means: Option<&str>) -> Vec<String> {
        let none = chrome::message("none", &[]);
        let memory = self.memory_gb.map_or_else(|| none.clone(), |memory_gb| memory_gb.to_string());
        let yes_or_no = if self.has_web_gpu { "proofYes" } else { "proofNo" };
        vec![
            chrome::message("proofVersion", &[self.version, &now()]),
            chrome::message("proofBrowser", &[&self.browser]),
            chrome::message("proofComputer", &[&self.n_cores.to_string(), &memory]),
            chrome::message("proofAbilities", &[means.unwrap_or(&none), &chrome::message(yes_or_no, &[])]),
        ]
    }

    pub fn file(&self, means: Option<&str>) -> JsValue {
        chrome::object(&[
            ("sotto", self.version.into()),
            ("date", now().into()),
            ("browser", self.browser.as_str().into()),
            ("language", chrome::language().into()),
            ("cores", (self.n_cores as f64).into()),
            ("memoryGb", self.memory_gb.into()),
            ("means", means.into()),
            ("hasWebGpu", self.has_web_gpu.into()),
        ])
    }
}

/// Only named, never reckoned with: clocks are set.
fn now() -> String {
    Date::new_0().to_iso_string().into()
}
