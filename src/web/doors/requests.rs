//! One request in, one Reply out. A page of Sotto's may ask what [`PageAsk`] has, a frame what [`FrameAsk`] has: which of the
//! two a message is read as follows from its sender, and so does all that it can be.

use std::rc::Rc;

use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

use super::sender::{Frame, Sender, sender_of};
use crate::{
    engine::{Asker, Order, Work},
    models::Task,
    protocol::{
        Answer, CardPart, Caution, FRAME_MESSAGE_UNITS_MAX, FRAME_TEXT_UNITS_MAX, FrameAsk, PageAsk, Reason, Refusal,
        Tagged, TextVerdict, ToPage, Urgency, View,
    },
    web::{
        browser::{chrome, scripts::off_limits, tabs, untrusted, wire},
        corrections, guard,
        host::{Host, host},
        in_force, lock,
        models::own,
        pictures::{self, InView},
        protection, settings, words,
    },
};

/// Answers one message. Never rejects: what goes wrong is a Refused reply.
#[wasm_bindgen]
pub async fn answer(message: JsValue, sender: JsValue) -> JsValue {
    let (message, picture) = untrusted::take_picture(&message);
    let from = sender_of(&sender);
    if !matches!(from, Ok(Sender::OwnPage)) && untrusted::is_longer_than(&message, units_max(&message)) {
        let answer = Answer::Refused(bad("the message is longer than any of Sotto's".to_owned()));
        return wire::with_id("", &answer);
    }
    let is_cut = untrusted::cut_text(&message);
    let id = chrome::get(&message, "id").as_string().unwrap_or_default();
    let answered = async {
        match from? {
            Sender::OwnPage => {
                let ask: PageAsk = read(&message)?;
                for_page(&host()?, id.clone(), ask, &picture).await
            }
            Sender::Frame(frame) => {
                let ask: FrameAsk = read(&message)?;
                for_frame(&host()?, frame, id.clone(), ask, &picture).await
            }
        }
    };
    let answer = match answered.await {
        Ok(Answer::Text(verdict)) => Answer::Text(TextVerdict { truncated: verdict.truncated || is_cut, ..verdict }),
        Ok(answer) => answer,
        Err(refusal) => Answer::Refused(refusal),
    };
    wire::with_id(&id, &answer)
}

/// How long a frame's message may be. Compared where it is: nothing of it enters linear memory before its length is known.
fn units_max(message: &JsValue) -> u32 {
    let ask = chrome::get(message, "ask");
    let has_text = ["why", "textInPopup"].iter().any(|name| ask == JsValue::from_str(name));
    if has_text { FRAME_TEXT_UNITS_MAX } else { FRAME_MESSAGE_UNITS_MAX }
}

fn read<T: DeserializeOwned + Tagged>(message: &JsValue) -> Result<T, Refusal> {
    wire::from_tagged(message).map_err(|detail| {
        let version = env!("CARGO_PKG_VERSION");
        bad(format!("not a request that Sotto {version} knows from this sender, perhaps of another version: {detail}"))
    })
}

async fn for_frame(
    host: &Rc<Host>,
    Frame { tab, frame, window, site, tab_site, document, is_active }: Frame,
    id: String,
    ask: FrameAsk,
    picture: &JsValue,
) -> Result<Answer, Refusal> {
    let of_a_site = || site.clone().ok_or_else(|| bad("the sender's document is of no site".to_owned()));
    match ask {
        FrameAsk::Picture { urgency } => {
            // No page's frame is as urgent as a person who looks at a card.
            let (_asked, order) = host.enter(tab, id, urgency.max(Urgency::Upload)).await?;
            return Ok(Answer::Picture(pictures::judge(host, picture, order).await?));
        }
        FrameAsk::Cancel { request } => host.give_up(tab, |name| name == request),
        FrameAsk::Upload => {
            let (_asked, order) = host.enter(tab, id, Urgency::Upload).await?;
            return Ok(Answer::Upload(guard::judge(host, picture, site.as_deref(), order).await?));
        }
        FrameAsk::Decide { upload } => {
            let site = of_a_site()?;
            let _asked = host.enter(tab, id, Urgency::Upload).await?;
            guard::decide(picture, &site, upload).await?;
        }
        FrameAsk::InView { spots, view_width, faint } => {
            // A page that is fetched ahead, or kept for "back", has the tab of another that is in view.
            if !is_active {
                return Err(off_limits("the document is not in view"));
            }
            let (_asked, order) = host.enter(tab, id, Urgency::Scan).await?;
            let caution = protection::caution_in_view(tab_site.as_deref()).await;
            let view = InView { tab, window, width: view_width, faint };
            let verdicts = pictures::in_view(host, &view, &spots, order, &caution).await?;
            return Ok(Answer::InView { verdicts });
        }
        FrameAsk::Scanned => {
            let _asked = host.waiting.enter(tab, &id)?;
            pictures::scanned(host, tab).await?;
        }
        FrameAsk::Watched => guard::watched(site.as_deref()).await?,
        FrameAsk::AllowHere => {
            lock::may_change().await?;
            if tabs::is_private(tab).await {
                let detail = "nothing of a private window is kept".to_owned();
                return Err(Refusal { reason: Reason::PrivateWindow, detail });
            }
            guard::allow(&of_a_site()?).await?;
        }
        FrameAsk::Bring { what } => {
            let _asked = host.urgent.enter(tab, &id)?;
            match what {
                CardPart::Why => words::bring_why(tab, frame).await?,
                CardPart::Wrong => corrections::bring(tab, frame).await?,
            }
        }
        FrameAsk::Correct { of, word } => {
            let _asked = host.urgent.enter(tab, &id)?;
            let order = Order { asker: Asker::Tab(tab), request: of, urgency: Urgency::Person };
            return Ok(Answer::Corrected { said: corrections::correct(&order, word).await? });
        }
        FrameAsk::Why { text, towards, card } => {
            let _asked = host.urgent.enter(tab, &id)?;
            words::why_on_card(host, (tab, frame, document), id, (text, towards), card).await?;
        }
        FrameAsk::TextInPopup { text } => {
            let _asked = host.urgent.enter(tab, &id)?;
            if !host.carded_tabs.borrow_mut().remove(&tab) {
                return Err(off_limits("no card stood in this tab"));
            }
            words::text_in_popup(host, window, text).await;
        }
        FrameAsk::Protected { first } => {
            let rule = protection::rule_for(tab, frame, &document, tab_site.as_deref(), first).await;
            if rule.is_some() {
                host.runner.warm(Task::Picture);
            }
            return Ok(Answer::Protected { rule, sealed: lock::is_locked().await });
        }
        FrameAsk::Loaded { addresses, soon, came_ms } => {
            let wanted = protection::Wanted { addresses: &addresses, soon, came_ms };
            let verdict = protection::loaded(host, tab, tab_site.as_deref(), id, wanted).await?;
            return Ok(Answer::Picture(verdict));
        }
        FrameAsk::Seen { film } => {
            let (_asked, order) = host.enter(tab, id, Urgency::Page).await?;
            return Ok(Answer::Picture(protection::seen(host, tab_site.as_deref(), picture, film, order).await?));
        }
        FrameAsk::Frames => protection::frames(tab, tab_site.as_deref()).await?,
        FrameAsk::BringCovers => protection::bring_covers(tab, frame, tab_site.as_deref()).await?,
        FrameAsk::CoveredChanged => {
            let _asked = host.waiting.enter(tab, &id)?;
            protection::changed(host, tab, tab_site.as_deref()).await?;
        }
    }
    Ok(Answer::Done)
}

async fn for_page(host: &Rc<Host>, id: String, ask: PageAsk, picture: &JsValue) -> Result<Answer, Refusal> {
    if changes_protection(&ask) {
        lock::may_change().await?;
    }
    Ok(match ask {
        PageAsk::Text { text, measured: true } => Answer::Text(words::judge(host, &text, host.page_ticket(id)).await?),
        PageAsk::Text { text, .. } => Answer::Text(words::judge_for_person(host, &text, host.page_ticket(id)).await?),
        PageAsk::Why { text, towards } => {
            let (teller, name) = (Rc::clone(host), id.clone());
            let tell = move |why| teller.tell_pages(&ToPage::Progress { id: name.clone(), view: View::Why { why } });
            Answer::Why(words::why(host, host.page_ticket(id).order, (text, towards), tell).await?)
        }
        PageAsk::Selection => Answer::Text(words::selection_for_popup(host, host.page_ticket(id)).await?),
        PageAsk::ShownText => Answer::ShownText { text: host.shown_text.take() },
        PageAsk::Picture { measured } => {
            let order = host.page_ticket(id).order;
            Answer::Picture(if measured {
                pictures::judge_unheard(host, picture, order).await?
            } else {
                pictures::judge(host, picture, order).await?
            })
        }
        PageAsk::Cancel { request } => {
            host.runner.cancel(Asker::Own, |name| name == request);
            Answer::Done
        }
        PageAsk::Status => Answer::Status(host.figures.with_stored().await),
        PageAsk::Load { model } => {
            host.runner.done(host.page_ticket(id), Work::Ready { model_id: model }).await?;
            host.figures.keep().await;
            Answer::Done
        }
        PageAsk::Unload { model } => {
            host.loader.unload(&model)?;
            Answer::Done
        }
        PageAsk::Forget { model } => {
            host.loader.forget(&model).await?;
            Answer::Done
        }
        PageAsk::Check { model } => {
            host.loader.check(&model).await?;
            Answer::Done
        }
        PageAsk::OwnModels => Answer::OwnModels(own::all().await),
        PageAsk::KeepModel { title, memory_bytes } => {
            Answer::OwnModels(own::keep(&host.loader, title, memory_bytes, picture).await?)
        }
        PageAsk::ChooseModel { model } => Answer::OwnModels(own::choose(&host.loader, model).await?),
        PageAsk::RemoveModel { model } => Answer::OwnModels(own::remove(&host.loader, &model).await?),
        PageAsk::Settings => Answer::Settings(in_force::in_force().await),
        PageAsk::ShowResults { place } => {
            settings::show_results(place).await?;
            Answer::Done
        }
        PageAsk::KeepSettings { settings } => {
            in_force::replace(*settings).await?;
            host.follow_settings().await;
            Answer::Done
        }
        PageAsk::Guard { site, on } => {
            guard::switch(site, on).await?;
            Answer::Done
        }
        PageAsk::PictureRules => Answer::PictureRules(settings::picture_rules().await),
        PageAsk::KeepPictureRules { thresholds, action, careful } => {
            settings::keep_picture_rules(Caution { thresholds, careful }, action).await?;
            Answer::Done
        }
        PageAsk::Scan { tab, wish } => Answer::Scan(pictures::wish(tab, wish).await?),
        PageAsk::Protect { site, on } => {
            protection::switch(site, on).await?;
            if on {
                // So that the first page is not the one that waits for it.
                host.runner.warm(Task::Picture);
            }
            Answer::Done
        }
        PageAsk::KeepSiteRule { site, rule } => {
            protection::keep_rule(site, rule).await?;
            Answer::Done
        }
        PageAsk::SetLock { passphrase } => {
            lock::set(&passphrase).await?;
            protection::tell_all().await;
            Answer::Done
        }
        PageAsk::Unlock { passphrase } => {
            lock::unlock(&passphrase).await?;
            protection::tell_all().await;
            Answer::Done
        }
        PageAsk::Lock { remove } => {
            if remove {
                lock::remove().await?;
            }
            lock::lock_again().await?;
            protection::tell_all().await;
            Answer::Done
        }
        PageAsk::Correct { of, word } => {
            let order = host.page_ticket(of).order;
            Answer::Corrected { said: corrections::correct(&order, word).await? }
        }
        PageAsk::Corrections => Answer::Corrections(corrections::all().await?),
        PageAsk::UseCorrections { on } => {
            corrections::switch(on).await?;
            Answer::Corrections(corrections::all().await?)
        }
        PageAsk::AddCorrections { corrections } => Answer::Corrections(corrections::add(&corrections).await?),
        PageAsk::RemoveCorrections { correction } => {
            Answer::Corrections(corrections::remove(correction.as_ref()).await?)
        }
        PageAsk::Covered { tab } => Answer::Covered(protection::covered(tab).await?),
        PageAsk::Reveal { tab, which } => {
            protection::reveal(tab, which).await;
            Answer::Done
        }
    })
}

/// What a passphrase keeps people from.
fn changes_protection(ask: &PageAsk) -> bool {
    matches!(
        ask,
        PageAsk::Protect { .. }
            | PageAsk::KeepSiteRule { .. }
            | PageAsk::Reveal { .. }
            | PageAsk::KeepSettings { .. }
            | PageAsk::KeepPictureRules { .. }
            | PageAsk::UseCorrections { .. }
            | PageAsk::AddCorrections { .. }
            | PageAsk::RemoveCorrections { .. }
            | PageAsk::Guard { on: false, .. }
    )
}

fn bad(detail: String) -> Refusal {
    Refusal { reason: Reason::BadRequest, detail }
}
