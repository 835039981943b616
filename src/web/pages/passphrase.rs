//! The settings' part on the passphrase that keeps protection as it is: set, given and taken away; and whatever else on the page
//! it keeps. Those controls stand in fieldsets (`data-lock="fields"`): a fieldset's own `disabled` changes nothing of what an
//! organisation, or a button at work, has disabled in it.

use std::cell::Cell;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::KeyboardEvent;

use super::{ask, dom};
use crate::{
    protocol::{LockState, PASSPHRASE_CHARACTERS_MIN, PageAsk, Settings, UNLOCKED_MS},
    web::browser::chrome,
};

const SAID: &str = "lock-said";
/// The two fields for a new passphrase, and the one for that in force.
const NEW: &str = "lock-new";
const AGAIN: &str = "lock-again";
const GIVEN: &str = "lock-passphrase";
/// After the background's own end of it.
const LATER_MS: i32 = 500;

thread_local! {
    static SHOWN: Cell<Option<LockState>> = const { Cell::new(None) };
}

pub fn wire() {
    if let Some(button) = dom::by_id("lock-set") {
        dom::on_press(&button, set);
    }
    if let Some(button) = dom::by_id("lock-open") {
        dom::on_press(&button, open);
    }
    if let Some(button) = dom::by_id("lock-now") {
        dom::on_press(&button, || async {
            told(PageAsk::Lock { remove: false }).await;
        });
    }
    if let Some(button) = dom::by_id("lock-remove") {
        dom::on_press(&button, remove);
    }
    for (field, button) in [(NEW, "lock-set"), (AGAIN, "lock-set"), (GIVEN, "lock-open")] {
        press_on_enter(field, button);
    }
    for link in dom::everywhere("[data-lock=note] a") {
        dom::on(&link, "click", |event| {
            // Following it would take the focus to where nothing can have it.
            event.prevent_default();
            async { dom::focus(GIVEN) }
        });
    }
    // It may have been locked or unlocked meanwhile.
    if let Some(document) = dom::document() {
        dom::on(&document.clone(), "visibilitychange", move |_| {
            let is_seen = !document.hidden();
            async move {
                if is_seen {
                    refresh().await;
                }
            }
        });
    }
}

/// For who came by a link to this part, as the popup has one.
pub fn focus_if_wanted() {
    if SHOWN.get() == Some(LockState::Locked) && !dom::everywhere("#lock-part:target").is_empty() {
        dom::focus(GIVEN);
    }
}

/// The state of this part, and of all that the passphrase keeps.
pub fn show(settings: &Settings) {
    let lock = settings.lock;
    if SHOWN.replace(Some(lock)) != Some(lock) {
        [NEW, AGAIN, GIVEN].into_iter().for_each(empty);
        dom::say(SAID, "");
    }
    let is_locked = lock == LockState::Locked;
    let (state, button) = match lock {
        LockState::None => (String::new(), chrome::message("lockSet", &[])),
        LockState::Locked => (chrome::message("lockIsLocked", &[]), String::new()),
        LockState::Unlocked => (chrome::message("lockIsUnlocked", &[]), chrome::message("lockSetAnother", &[])),
    };
    dom::say("lock-state", &state);
    dom::say("lock-set", &button);
    dom::show("lock-state", lock != LockState::None);
    dom::show("lock-hint", lock == LockState::None);
    dom::show("lock-closed", is_locked);
    dom::show("lock-opened", lock == LockState::Unlocked);
    dom::show("lock-make", !is_locked);
    for (part, name, wanted) in [("fields", "disabled", is_locked), ("note", "hidden", !is_locked)] {
        for element in dom::everywhere(&format!("[data-lock={part}]")) {
            // Refused only for names that are not names.
            let _ = element.toggle_attribute_with_force(name, wanted);
        }
    }
}

async fn refresh() {
    if let Ok(settings) = ask::settings().await {
        show(&settings);
    }
}

/// When it is locked again by itself, which nobody tells.
fn refresh_later() {
    let Some(window) = web_sys::window() else { return };
    let refresh = Closure::once_into_js(|| spawn_local(refresh()));
    let ms = UNLOCKED_MS as i32 + LATER_MS;
    // Refused by no window that is open.
    let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(refresh.unchecked_ref(), ms);
}

async fn set() {
    let (new, again) = (value_of(NEW), value_of(AGAIN));
    let wrong = if new.chars().count() < PASSPHRASE_CHARACTERS_MIN {
        Some((NEW, chrome::message("lockTooShort", &[])))
    } else if new != again {
        Some((AGAIN, chrome::message("lockUnequal", &[])))
    } else {
        None
    };
    if let Some((field, words)) = wrong {
        dom::say(SAID, &words);
        return dom::focus(field);
    }
    told(PageAsk::SetLock { passphrase: new }).await;
}

async fn open() {
    if told(PageAsk::Unlock { passphrase: value_of(GIVEN) }).await {
        refresh_later();
    } else {
        empty(GIVEN);
    }
}

async fn remove() {
    if told(PageAsk::Lock { remove: true }).await {
        dom::say(SAID, &chrome::message("lockRemoved", &[]));
    }
}

/// Asks, shows what came of it, and moves the focus to where one goes on from there. Whether it was done.
async fn told(wanted: PageAsk) -> bool {
    dom::say(SAID, &chrome::message("lockWorking", &[]));
    let outcome = ask::ask(wanted).await;
    refresh().await;
    if outcome.is_ok() {
        // It may have said that something is locked.
        dom::trouble(None);
    }
    dom::say(SAID, &outcome.as_ref().err().map(dom::refusal_text).unwrap_or_default());
    dom::focus(match SHOWN.get() {
        Some(LockState::Locked) => GIVEN,
        Some(LockState::Unlocked) => "lock-now",
        Some(LockState::None) | None => NEW,
    });
    outcome.is_ok()
}

/// No form: nothing is sent anywhere, and no browser offers to keep the passphrase for whoever comes next.
fn press_on_enter(field: &str, button: &'static str) {
    let Some(field) = dom::input(field) else { return };
    dom::on(&field, "keydown", move |event| {
        let is_enter = event.dyn_ref::<KeyboardEvent>().is_some_and(|key| key.key() == "Enter" && !key.is_composing());
        if is_enter && let Some(button) = dom::by_id(button) {
            // Does nothing while it is disabled.
            button.click();
        }
        async {}
    });
}

fn value_of(field: &str) -> String {
    dom::input(field).map(|field| field.value()).unwrap_or_default()
}

fn empty(field: &str) {
    if let Some(field) = dom::input(field) {
        field.set_value("");
    }
}
