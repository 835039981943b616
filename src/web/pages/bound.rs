//! Controls that stand for one field of the settings each, and say so in the HTML: `data-binds="memoryBudgetMb"` on a checkbox, a
//! select or a radio button. An empty value stands for "none", and with `data-number` a value is a number. A setting that needs
//! no more than this needs no Rust here.

use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Element, HtmlInputElement, HtmlSelectElement};

use super::{ask, dom};
use crate::{
    protocol::{PageAsk, Settings},
    web::browser::{chrome, wire},
};

const BINDS: &str = "data-binds";

/// `changed` hears when settings were kept anew.
pub fn wire(changed: fn()) {
    for control in controls() {
        let told = control.clone();
        dom::on(&control, "change", move |_| {
            let control = told.clone();
            async move {
                keep(&control).await;
                changed();
            }
        });
    }
}

pub fn show(settings: &Settings) {
    let fields = wire::to_js(settings);
    for control in controls() {
        put(&control, &chrome::get(&fields, &control.get_attribute(BINDS).unwrap_or_default()));
    }
}

/// Shows a value in a control.
pub fn put(control: &Element, value: &JsValue) {
    let text = value.as_f64().map(|number| number.to_string()).or_else(|| value.as_string()).unwrap_or_default();
    if let Some(select) = control.dyn_ref::<HtmlSelectElement>() {
        select.set_value(&text);
    } else if let Some(input) = control.dyn_ref::<HtmlInputElement>() {
        input.set_checked(if input.type_() == "radio" { input.value() == text } else { value.is_truthy() });
    }
}

async fn keep(control: &Element) {
    let kept = async {
        let fields = wire::to_js(&ask::settings().await?);
        chrome::set(&fields, &control.get_attribute(BINDS).unwrap_or_default(), &value_of(control));
        let settings = wire::from_js(fields).map_err(|detail| ask::unfit(&detail))?;
        ask::ask(PageAsk::KeepSettings { settings: Box::new(settings) }).await
    };
    dom::trouble(kept.await.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
}

/// What a control shows.
pub fn value_of(control: &Element) -> JsValue {
    let text = match (control.dyn_ref::<HtmlSelectElement>(), control.dyn_ref::<HtmlInputElement>()) {
        (Some(select), _) => select.value(),
        (_, Some(input)) if input.type_() == "checkbox" => return input.checked().into(),
        (_, Some(input)) => input.value(),
        _ => return JsValue::NULL,
    };
    match text.parse::<f64>() {
        _ if text.is_empty() => JsValue::NULL,
        Ok(number) if control.has_attribute("data-number") => number.into(),
        _ => text.into(),
    }
}

fn controls() -> Vec<Element> {
    dom::everywhere(&format!("[{BINDS}]"))
}
