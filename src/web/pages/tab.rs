//! The tab in front of the popup.

use js_sys::Array;

use crate::web::browser::{chrome, sites};

pub struct Tab {
    /// The browser's number for it.
    pub id: i32,
    /// None where it shows nothing that is on the web.
    pub site: Option<String>,
}

impl Tab {
    pub async fn in_front() -> Option<Self> {
        let filter = chrome::object(&[("active", true.into()), ("currentWindow", true.into())]);
        let tab = chrome::query_tabs(&filter).await.map(|tabs| Array::from(&tabs)).unwrap_or_default().get(0);
        let site = chrome::get(&tab, "url").as_string().and_then(|url| sites::site_of(&url));
        Some(Self { id: chrome::get(&tab, "id").as_f64()? as i32, site })
    }
}

/// What a person calls a site.
pub fn host_of(site: &str) -> &str {
    site.split_once("://").map_or(site, |(_, host)| host)
}
