//! One Request in, one Reply out: who may ask for what, and who does it.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::{
    chrome, flows, guard,
    host::{self, Host},
    own_models, scan,
    sender::{Asker, asker},
    uploads, wire, words,
};
use crate::{
    engine::{Asker as Owner, Work},
    protocol::{Answer, Ask, Reason, Refusal, Reply, Request, TextVerdict, Urgency, View},
};

/// A frame's message beyond this length is refused before it is read: what enters linear memory makes it grow for ever.
const FRAME_MESSAGE_UNITS_MAX: u32 = 16_384;
/// The same for a card that sends its text once more; content/select.js takes at most 100,000 units of a selection.
pub const FRAME_TEXT_UNITS_MAX: u32 = 100_000 + FRAME_MESSAGE_UNITS_MAX;

/// Answers one message. Never rejects: what goes wrong is a Refused reply.
#[wasm_bindgen]
pub async fn answer(message: JsValue, sender: JsValue) -> JsValue {
    let (message, picture) = wire::take_picture(&message);
    let trusted = matches!(asker(&sender), Ok(Asker::OwnPage));
    let ask = chrome::get(&message, "ask");
    // Compared where it is: nothing of a message enters linear memory before its length is known.
    let has_text = ["why", "textInPopup"].iter().any(|name| ask == JsValue::from_str(name));
    let units_max = if has_text { FRAME_TEXT_UNITS_MAX } else { FRAME_MESSAGE_UNITS_MAX };
    if !trusted && wire::is_longer_than(&message, units_max) {
        let answer = refused(Reason::BadRequest, "the message is longer than any of Sotto's".to_owned());
        return wire::to_js(&Reply { id: String::new(), answer });
    }
    let is_cut = wire::cut_text(&message);
    let id = chrome::get(&message, "id").as_string().unwrap_or_default();
    let answer = match wire::from_js::<Request>(message) {
        Err(detail) => refused(Reason::BadRequest, format!("not a request of Sotto's protocol: {detail}")),
        Ok(request) => match respond(request, picture, &sender).await {
            Ok(Answer::Text(verdict)) => {
                Answer::Text(TextVerdict { truncated: verdict.truncated || is_cut, ..verdict })
            }
            Ok(answer) => answer,
            Err(refusal) => Answer::Refused(refusal),
        },
    };
    wire::to_js(&Reply { id, answer })
}

async fn respond(Request { id, ask }: Request, picture: JsValue, sender: &JsValue) -> Result<Answer, Refusal> {
    let host = host::host()?;
    match (asker(sender)?, ask) {
        (Asker::Frame { tab, .. }, Ask::Picture { urgency, .. }) => {
            // No page's frame is as urgent as a person who looks at a card.
            let (_asked, order) = host.enter(tab, id, urgency.max(Urgency::Upload)).await?;
            Ok(Answer::Picture(host.judge_picture(&picture, order).await?))
        }
        (Asker::Frame { tab, .. }, Ask::Cancel { request }) => {
            host.give_up(tab, |name| name == request);
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, site, .. }, Ask::Upload { .. }) => {
            let (_asked, order) = host.enter(tab, id, Urgency::Upload).await?;
            Ok(Answer::Upload(uploads::judge(&host, &picture, site.as_deref(), order).await?))
        }
        (Asker::Frame { tab, site: Some(site), .. }, Ask::Decide { upload }) => {
            let _asked = host.enter(tab, id, Urgency::Upload).await?;
            uploads::decide(&picture, &site, upload).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, window, .. }, Ask::InView { spots, view_width }) => {
            // A page that is fetched ahead, or kept for "back", has the tab of another that is in view.
            if chrome::get(sender, "documentLifecycle").as_string().is_some_and(|stage| stage != "active") {
                return Err(flows::off_limits("the document is not in view"));
            }
            let (_asked, order) = host.enter(tab, id, Urgency::Scan).await?;
            let verdicts = scan::in_view(&host, tab, window, &spots, view_width, order).await?;
            Ok(Answer::InView { verdicts })
        }
        (Asker::Frame { tab, .. }, Ask::Scanned) => {
            let _asked = host.waiting.enter(tab, &id)?;
            scan::scanned(&host, tab).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { site, .. }, Ask::Watched) => {
            guard::watched(site.as_deref()).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, frame, .. }, Ask::BringWhy) => {
            let _asked = host.urgent.enter(tab, &id)?;
            words::bring_why(tab, frame).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, frame, .. }, Ask::Why { text, card: Some(card) }) => {
            let _asked = host.urgent.enter(tab, &id)?;
            let document = chrome::get(sender, "documentId");
            words::why_on_card(&host, (tab, frame, document), id, text, card).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, window, .. }, Ask::TextInPopup { text }) => {
            let _asked = host.urgent.enter(tab, &id)?;
            if !host.carded_tabs.borrow_mut().remove(&tab) {
                return Err(flows::off_limits("no card stood in this tab"));
            }
            words::text_in_popup(&host, window, text).await;
            Ok(Answer::Done)
        }
        (Asker::Frame { site: Some(site), .. }, Ask::AllowHere) => {
            guard::allow(&site).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { .. }, _) => {
            Err(Refusal { reason: Reason::BadRequest, detail: "a page's frame may not ask for this".to_owned() })
        }
        (Asker::OwnPage, ask) => respond_to_page(&host, id, ask, &picture).await,
    }
}

async fn respond_to_page(host: &Rc<Host>, id: String, ask: Ask, picture: &JsValue) -> Result<Answer, Refusal> {
    match ask {
        Ask::Text { text } => return Ok(Answer::Text(host.judge_text(&text, host.page_ticket(id)).await?)),
        Ask::Picture { .. } => {
            return Ok(Answer::Picture(host.judge_picture(picture, host.page_ticket(id).order).await?));
        }
        Ask::Cancel { request } => host.runner.cancel(Owner::Own, |name| name == request),
        Ask::Status => return Ok(Answer::Status(host.figures.with_stored().await)),
        Ask::Settings => return Ok(Answer::Settings(guard::settings().await)),
        Ask::Load { model } => {
            host.runner.done(host.page_ticket(id), Work::Ready { model_id: model }).await?;
            host.figures.keep().await;
        }
        Ask::Unload { model } => host.lives.unload(&model)?,
        Ask::Forget { model } => host.lives.forget(&model).await?,
        Ask::Check { model } => host.lives.check(&model).await?,
        Ask::OwnModels => return Ok(Answer::OwnModels(own_models::all().await)),
        Ask::KeepModel { title, memory_bytes } => {
            return Ok(Answer::OwnModels(own_models::keep(host, title, memory_bytes, picture).await?));
        }
        Ask::ChooseModel { model } => return Ok(Answer::OwnModels(own_models::choose(host, model).await?)),
        Ask::RemoveModel { model } => return Ok(Answer::OwnModels(own_models::remove(host, &model).await?)),
        Ask::ShowResults { place } => guard::show_results(place).await?,
        Ask::KeepSettings { settings } => {
            guard::replace(*settings).await?;
            host.follow_settings().await;
        }
        Ask::Guard { site, on } => guard::switch(site, on).await?,
        Ask::PictureRules => return Ok(Answer::PictureRules(guard::picture_rules().await)),
        Ask::KeepPictureRules { thresholds, action } => guard::keep_picture_rules(thresholds, action).await?,
        Ask::Scan { tab, wish } => return Ok(Answer::Scan(scan::wish(tab, wish).await?)),
        Ask::Selection => {
            let ticket = host.page_ticket(id);
            return Ok(Answer::Text(words::selection_for_popup(host, ticket).await?));
        }
        Ask::ShownText => return Ok(Answer::ShownText { text: host.shown_text.take() }),
        Ask::Why { text, .. } => {
            let (teller, name) = (Rc::clone(host), id.clone());
            let tell = move |why| teller.post_progress(&name, &View::Why { why });
            return Ok(Answer::Why(words::why(host, host.page_ticket(id).order, text, tell).await?));
        }
        Ask::AllowHere
        | Ask::Upload { .. }
        | Ask::Decide { .. }
        | Ask::Watched
        | Ask::InView { .. }
        | Ask::Scanned
        | Ask::BringWhy
        | Ask::TextInPopup { .. } => {
            let detail = "only a page's frame can ask this, for itself".to_owned();
            return Err(Refusal { reason: Reason::BadRequest, detail });
        }
    }
    Ok(Answer::Done)
}

fn refused(reason: Reason, detail: String) -> Answer {
    Answer::Refused(Refusal { reason, detail })
}
