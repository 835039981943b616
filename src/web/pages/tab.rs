//! The tab in front of the popup.

use js_sys::Array;

use crate::{
    protocol::Reason,
    web::browser::{chrome, sites},
};

pub struct Tab {
    /// The browser's number for it.
    pub id: i32,
    /// The site that it shows, or why Sotto has nothing to offer on what it shows.
    pub site: Result<String, Reason>,
    /// Whether it stands in a private window.
    pub is_private: bool,
}

impl Tab {
    pub async fn in_front() -> Option<Self> {
        let filter = chrome::object(&[("active", true.into()), ("currentWindow", true.into())]);
        let tab = chrome::query_tabs(&filter).await.map(|tabs| Array::from(&tabs)).unwrap_or_default().get(0);
        let id = chrome::get(&tab, "id").as_f64()? as i32;
        let address = chrome::get(&tab, "url").as_string();
        let site = match sites::closed_by(address.as_deref(), &chrome::own_url("")) {
            Some(Reason::FilePage) if may_read_files().await => Err(Reason::NotOnWeb),
            Some(reason) => Err(reason),
            None => address.and_then(|address| sites::site_of(&address)).ok_or(Reason::NotOnWeb),
        };
        let is_private = chrome::get(&tab, "incognito").is_truthy();
        Some(Self { id, site, is_private })
    }
}

/// Whether the person lets Sotto read files on this computer that the browser shows.
async fn may_read_files() -> bool {
    chrome::may_read_files().await.is_ok_and(|allowed| allowed.as_bool() == Some(true))
}

/// What a person calls a site.
pub fn host_of(site: &str) -> &str {
    site.split_once("://").map_or(site, |(_, host)| host)
}
