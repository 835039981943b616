//! What a person wished for whose permission the browser is still asking them for. It must never know what follows from that.

use std::collections::BTreeMap;

use js_sys::Date;
use serde::{Deserialize, Serialize};

use super::{
    browser::{chrome, wire},
    switches::{Powers, Switch},
};
use crate::protocol::{Reason, Refusal};

/// Wishes that wait for the browser's prompt, by the time of the click: in the session's memory, because the answer may come when
/// popup and worker are gone.
const SESSION_WISHES: &str = "wishes";
/// A permission that is given later than this after the click was given for something else.
const WISH_LASTS_MS: f64 = 600_000.0;

/// What a person wished for with a click.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    pub switch: Switch,
    /// None for all sites.
    pub site: Option<String>,
    powers: Powers,
    since_ms: f64,
}

/// By what tells one wish from another.
type Wishes = BTreeMap<String, Wish>;

/// Whether the browser permits what the person turns on or off. What it does not permit yet is refused, and stays wished for: the
/// page that asks has the browser's prompt answered at the same time.
pub async fn permitted(switch: Switch, site: Option<&String>, on: bool) -> Result<(), Refusal> {
    let powers = switch.powers(site.map(String::as_str));
    let is_granted = !on || powers.are_granted().await;
    wish(switch, site, &powers, !is_granted).await;
    if is_granted {
        return Ok(());
    }
    let detail = format!("the browser has not given Sotto the permission for {powers}");
    Err(Refusal { reason: Reason::NotPermitted, detail })
}

/// Remembers, or forgets, that the person wished for something on a site.
async fn wish(switch: Switch, site: Option<&String>, powers: &Powers, is_wished: bool) {
    let mut wishes = wishes().await;
    let key = format!("{switch:?} {}", site.map_or("", String::as_str));
    let before = wishes.len();
    wishes.remove(&key);
    if is_wished {
        let wish = Wish { switch, site: site.cloned(), powers: powers.clone(), since_ms: Date::now() };
        wishes.insert(key, wish);
    } else if wishes.len() == before {
        return;
    }
    keep(&wishes).await;
}

/// Takes those out that are permitted by now.
pub async fn granted_wishes() -> Vec<Wish> {
    let (mut granted, mut open) = (Vec::new(), Wishes::new());
    for (key, wish) in wishes().await {
        if wish.powers.are_granted().await {
            granted.push(wish);
        } else {
            open.insert(key, wish);
        }
    }
    if !granted.is_empty() {
        keep(&open).await;
    }
    granted
}

async fn wishes() -> Wishes {
    let found = chrome::session_get(SESSION_WISHES).await.map(|found| chrome::get(&found, SESSION_WISHES));
    let wishes: Wishes = found.ok().and_then(|kept| wire::from_js(kept).ok()).unwrap_or_default();
    wishes.into_iter().filter(|(_, wish)| Date::now() - wish.since_ms < WISH_LASTS_MS).collect()
}

async fn keep(wishes: &Wishes) {
    let items = chrome::object(&[(SESSION_WISHES, wire::to_js(wishes))]);
    if let Err(thrown) = chrome::session_set(&items).await {
        chrome::warn(&format!("Sotto: a wish could not be kept: {}", chrome::reason_of(&thrown)));
    }
}
