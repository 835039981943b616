//! Connections of pages and cards: what is told over them, and what their end gives up.

use std::rc::Rc;

use js_sys::{Function, JsString};
use wasm_bindgen::{JsCast, prelude::*};

use super::sender::{Frame, Sender, sender_of};
use crate::{
    engine::Asker,
    web::{
        browser::chrome::{self, Port},
        host::host,
    },
};

/// No request has a longer name.
const NAME_UNITS_MAX: u32 = 256;

/// A page or card opened a connection. Pages hear of changes. One under the name of a request, or of what requests'
/// names begin with before a slash, hears when the worker dies; and when its page or frame goes away, or closes it because
/// nobody waits any more, those requests are given up.
/// `is_gone` says whether it closed before the engine was there to listen.
#[wasm_bindgen]
pub async fn connected(port: Port, is_gone: Function) {
    let Ok(host) = host() else { return };
    let gone: Function = match sender_of(&port.sender()) {
        Err(_) => return,
        Ok(Sender::Frame(Frame { tab, .. })) => {
            let name_units = chrome::get(&port, "name").dyn_ref::<JsString>().map_or(0, JsString::length);
            if name_units > NAME_UNITS_MAX {
                return port.disconnect();
            }
            let name = port.name();
            let Ok(connection) = host.connections.enter(tab, &name) else { return port.disconnect() };
            let host = Rc::clone(&host);
            Closure::once_into_js(move || {
                drop(connection);
                host.give_up(tab, |request| is_named(request, &name));
            })
        }
        Ok(Sender::OwnPage) => {
            host.ports.borrow_mut().push(port.clone().unchecked_into());
            let (closed, name) = (JsValue::from(&port), port.name());
            let host = Rc::clone(&host);
            Closure::once_into_js(move || {
                host.ports.borrow_mut().retain(|kept| !js_sys::Object::is(kept.as_ref(), &closed));
                host.runner.cancel(Asker::Own, |request| is_named(request, &name));
            })
        }
    }
    .unchecked_into();
    if is_gone.call0(&JsValue::NULL).is_ok_and(|gone| gone.is_truthy()) {
        drop(gone.call0(&JsValue::NULL));
    } else {
        port.on_disconnect().add_listener(&gone);
    }
}

/// Whether a request is the one that a connection is named after, or one of those.
fn is_named(request: &str, name: &str) -> bool {
    request.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
