//! One picture: by a helper where there is one, else frame after frame through the engine's queue.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::known;
use crate::{
    engine::{Asker, Order, Verdict, Work, worst_frame},
    models::Task,
    protocol::{Caution, PictureVerdict, Refusal, Urgency},
    web::{
        corrections,
        decoding::{self, DecodeError, Sight},
        helpers::Looked,
        host::{Host, Ticket, given_up, unexpected},
        settings::settings,
    },
};

/// With the caution that the person chose for all pictures.
pub async fn judge(host: &Rc<Host>, picture: &JsValue, order: Order) -> Result<PictureVerdict, Refusal> {
    let caution = Caution::from(&settings().await);
    judge_with(host, picture, order, &caution).await
}

/// The same, whatever the person said of it earlier.
pub async fn judge_unheard(host: &Rc<Host>, picture: &JsValue, order: Order) -> Result<PictureVerdict, Refusal> {
    let caution = Caution::from(&settings().await);
    let verdict = known_or_anew(host, picture, order, &caution).await?;
    Ok(PictureVerdict { likeness: None, ..verdict })
}

pub async fn judge_with(
    host: &Rc<Host>,
    picture: &JsValue,
    order: Order,
    caution: &Caution,
) -> Result<PictureVerdict, Refusal> {
    let mut verdict = known_or_anew(host, picture, order.clone(), caution).await?;
    corrections::on_picture(&mut verdict, &order).await;
    Ok(verdict)
}

async fn known_or_anew(
    host: &Rc<Host>,
    picture: &JsValue,
    order: Order,
    caution: &Caution,
) -> Result<PictureVerdict, Refusal> {
    let model_id = host.loader.engine().model_for(Task::Picture)?;
    known::or_judged(picture, caution, &model_id, anew(host, picture, caution, order)).await
}

async fn anew(host: &Rc<Host>, picture: &JsValue, caution: &Caution, order: Order) -> Result<PictureVerdict, Refusal> {
    // A person's one picture is here at once.
    if order.urgency != Urgency::Person {
        let _on_its_way = host.crew.on_its_way();
        match host.crew.look(picture, caution, &order, host.waiting.n()).await {
            Looked::Judged(judged) => {
                host.used();
                return judged;
            }
            Looked::GivenUp => return Err(given_up()),
            Looked::NotHere => return look_at(host, decoding::picture(picture).await?, order, caution).await,
        }
    }
    look_at(host, decoding::picture(picture).await?, order, caution).await
}

/// What stands in a capture.
pub async fn judge_sight(
    host: &Rc<Host>,
    sight: Sight,
    order: Order,
    caution: &Caution,
) -> Result<PictureVerdict, Refusal> {
    let mut verdict = look_at(host, sight, order.clone(), caution).await?;
    corrections::on_picture(&mut verdict, &order).await;
    Ok(verdict)
}

/// Each frame is a request of its own in the queue; the worst of them counts.
async fn look_at(host: &Rc<Host>, sight: Sight, order: Order, caution: &Caution) -> Result<PictureVerdict, Refusal> {
    let mut verdicts = Vec::new();
    for decoded in sight.frames {
        let work = Work::Picture { picture: Box::new(decoded), caution: caution.clone() };
        if let Asker::Tab(tab) = order.asker
            && host.waiting.is_given_up(tab, &order.request)
        {
            return Err(given_up());
        }
        let Verdict::Picture(verdict) = host.runner.done(Ticket::quiet(order.clone()), work).await? else {
            return Err(unexpected());
        };
        verdicts.push(verdict);
    }
    let worst = worst_frame(verdicts, sight.n_frames, caution);
    host.used();
    worst.ok_or_else(|| DecodeError::Missing.into())
}
