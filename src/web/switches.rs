//! The switches that need the browser's permission, for one site or for all: the upload guard's, and that of protected pictures. It
//! must never know what follows from one.

use std::fmt::{self, Display, Formatter};

use js_sys::Array;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::browser::{chrome, sites};

const PAGE_CAPTURE: &str = "pageCapture";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Switch {
    Guard,
    Protection,
}

impl Switch {
    /// What the browser must permit. Protection needs all sites even for one: pictures and frames in a page come from others, and
    /// the browser hands over what a page has loaded only to whoever may read all pages.
    pub fn powers(self, site: Option<&str>) -> Powers {
        match self {
            Self::Guard => Powers::on(&site.map_or_else(|| sites::EVERYWHERE.to_owned(), sites::pattern_of)),
            Self::Protection => {
                let knows = chrome::manifest_says("optional_permissions", PAGE_CAPTURE);
                let permissions = Vec::from_iter(knows.then(|| PAGE_CAPTURE.to_owned()));
                Powers { permissions, ..Powers::on(sites::EVERYWHERE) }
            }
        }
    }
}

/// What the browser is asked to permit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Powers {
    /// Match patterns.
    origins: Vec<String>,
    permissions: Vec<String>,
}

impl Powers {
    /// To put scripts into the pages of a pattern.
    pub fn on(pattern: &str) -> Self {
        Self { origins: vec![pattern.to_owned()], permissions: Vec::new() }
    }

    pub async fn are_granted(&self) -> bool {
        chrome::has_permission(&self.to_js()).await.is_ok_and(|answer| answer.is_truthy())
    }

    /// Only inside a click: later it no longer counts.
    #[cfg(feature = "pages")]
    pub fn request(&self) -> js_sys::Promise {
        chrome::request_permission(&self.to_js())
    }

    #[cfg(feature = "pages")]
    pub fn add(&mut self, others: Self) {
        for origin in others.origins {
            if !self.origins.contains(&origin) {
                self.origins.push(origin);
            }
        }
        self.permissions.extend(others.permissions);
    }

    /// But for what others still need.
    #[cfg(feature = "web")]
    pub async fn give_back(mut self, needed: &Self) {
        self.origins.retain(|origin| !needed.origins.contains(origin));
        self.permissions.retain(|permission| !needed.permissions.contains(permission));
        // Refused for permissions the manifest requires, of which there are none in what ships.
        let _ = chrome::remove_permission(&self.to_js()).await;
    }

    fn to_js(&self) -> JsValue {
        let list = |names: &[String]| names.iter().map(|name| JsValue::from_str(name)).collect::<Array>().into();
        chrome::object(&[("origins", list(&self.origins)), ("permissions", list(&self.permissions))])
    }
}

impl Display for Powers {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}", [&self.origins[..], &self.permissions[..]].concat().join(", "))
    }
}
