//! What the guard is to do with a file: its verdict, and what the person decided about the same file on the same site
//! earlier in this browser session.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::records;
use crate::{
    engine::Order,
    protocol::{Action, Course, Refusal, UploadVerdict},
    web::{host::Host, pictures, settings::settings},
};

pub use records::decide;

pub async fn judge(
    host: &Rc<Host>,
    file: &JsValue,
    site: Option<&str>,
    order: Order,
) -> Result<UploadVerdict, Refusal> {
    let verdict = pictures::judge(host, file, order).await?;
    if !verdict.unsuitable {
        return Ok(UploadVerdict { course: Course::Pass, verdict });
    }
    if settings().await.action == Action::Block {
        return Ok(UploadVerdict { course: Course::HoldBack, verdict });
    }
    let decided = match site {
        // A file that can't be read twice was never decided about.
        Some(site) => records::decided(file, site).await.unwrap_or_default(),
        None => None,
    };
    let course = match decided {
        Some(true) => Course::Pass,
        Some(false) => Course::HoldBack,
        None => Course::Ask,
    };
    Ok(UploadVerdict { course, verdict })
}
