//! The box to try a text in, as the popup and the welcome page have it.

use wasm_bindgen::JsCast;
use web_sys::{HtmlTextAreaElement, KeyboardEvent};

use super::{ask, dom, verdict};
use crate::protocol::{Answer, ModelState, ModelStatus, PageAsk, View};

/// Wires `#try`, `#try-text` and `#try-result`. Ctrl or Command with Enter does what the button does.
pub fn wire() {
    let (Some(button), Some(field)) = (dom::by_id("try"), dom::by_id("try-text")) else { return };
    dom::on_press(&button, classify);
    dom::on(&field, "keydown", |event| {
        let key = event.dyn_ref::<KeyboardEvent>();
        let wanted = key.is_some_and(|key| key.key() == "Enter" && (key.ctrl_key() || key.meta_key()));
        async move {
            if wanted {
                classify().await;
            }
        }
    });
}

/// Shows how far a load is, while a text waits for it.
pub fn follow(models: &[ModelStatus]) {
    let percent = models.iter().find_map(|model| match model.state {
        ModelState::Storing { percent } | ModelState::Loading { percent } => Some(percent),
        _ => None,
    });
    if let Some(result) = dom::by_id("try-result")
        && result.get_attribute("aria-busy").as_deref() == Some("true")
        && percent.is_some()
    {
        verdict::show(&result, &View::Busy { percent, read: None }, "");
    }
}

async fn classify() {
    let text = dom::by_id("try-text").and_then(|field| field.dyn_into::<HtmlTextAreaElement>().ok());
    let (Some(text), Some(result)) = (text.map(|field| field.value()), dom::by_id("try-result")) else { return };
    verdict::show(&result, &View::Busy { percent: None, read: None }, "");
    let view = match ask::ask(PageAsk::Text { text: text.clone(), measured: false }).await {
        Ok(Answer::Text(verdict)) => View::Text { verdict },
        Ok(_) => View::Refused(ask::unexpected()),
        Err(refusal) => View::Refused(refusal),
    };
    verdict::show(&result, &view, &text);
}
