//! "This is wrong": what a person said of verdicts, kept as hashes and words in this browser alone, and verdicts that go by it.
//! No text, picture, address or time is ever kept with it.

mod judged;
mod kept;

use js_sys::Uint8Array;

use super::{
    browser::{
        chrome, hash,
        scripts::{inject, off_limits},
        tabs,
    },
    lock,
    settings::{self, in_turn, settings},
};
use crate::{
    engine::{Asker, Order},
    protocol::{
        CORRECTIONS_MAX, Correcting, Correction, Corrections, PictureVerdict, Reason, Refusal, Said, Sentiment,
        Settings, TextVerdict, Urgency,
    },
    text::plain,
};
use judged::Judged;
use kept::{Entry, Known, read_likeness};

const WRONG: &str = "content/wrong.js";

/// Tells a verdict on a text what was said of that text, and remembers it for what may be said of it now.
pub async fn on_text(verdict: &mut TextVerdict, text: &str, order: &Order) {
    if settings().await.no_corrections {
        return;
    }
    let Ok(sum) = hash::sha256(&Uint8Array::from(plain(text).as_bytes())).await else { return };
    let hash = hash::hex(&sum);
    verdict.said = kept::said_of_text(&hash).await.filter(|said| said.concerns(verdict.sentiment));
    if !is_private(order).await {
        verdict.correct_as = Some(order.request.clone());
        judged::remember(order, Judged::Text { hash, sentiment: verdict.sentiment }).await;
    }
}

/// The same of a picture, which takes what it is known again by out of the verdict.
pub async fn on_picture(verdict: &mut PictureVerdict, order: &Order) {
    let Some(likeness) = verdict.likeness.take() else { return };
    // Of the many pictures of a page nobody is asked; what is known of none costs nothing.
    let is_asked = order.urgency == Urgency::Person || order.urgency == Urgency::Upload && verdict.is_over();
    if !is_asked && kept::knows_no_picture().await || settings().await.no_corrections {
        return;
    }
    let unsuitable = verdict.is_over();
    verdict.said = match read_likeness(&likeness) {
        Some(seen) => kept::said_of_picture(&seen).await,
        None => None,
    };
    if let Some(said) = verdict.said {
        verdict.unsuitable = said == Said::Unsuitable;
        verdict.doubtful = false;
    }
    if is_asked && !lock::is_locked().await && !is_private(order).await {
        verdict.correct_as = Some(order.request.clone());
        judged::remember(order, Judged::Picture { likeness, unsuitable }).await;
    }
}

/// Brings the script that says so to the card of this frame.
pub async fn bring(tab: i32, frame: f64) -> Result<(), Refusal> {
    inject(tab, Some(frame), &[WRONG]).await.map(drop).map_err(|thrown| off_limits(&chrome::reason_of(&thrown)))
}

/// Nothing is kept of what was judged in a private window; what was said elsewhere counts there, too.
async fn is_private(order: &Order) -> bool {
    match order.asker {
        Asker::Tab(tab) => tabs::is_private(tab).await,
        Asker::Own => false,
    }
}

/// Keeps what a person says of a verdict that they were shown, and answers with what is said of it from now on.
pub async fn correct(order: &Order, word: Correcting) -> Result<Option<Said>, Refusal> {
    if settings().await.no_corrections {
        return Err(bad("corrections are switched off"));
    }
    let Some(judged) = judged::recall(order).await else {
        return Err(bad("no verdict of that name is remembered; have it judged once more"));
    };
    let (known, said) = match judged {
        Judged::Text { hash, sentiment } => (Known::Text(hash), of_text(sentiment, word)),
        Judged::Picture { likeness, unsuitable } => {
            lock::may_change().await?;
            let known =
                read_likeness(&likeness).map(Box::new).map(Known::Picture).ok_or_else(|| bad("that is no likeness"))?;
            let said = match word {
                Correcting::Wrong => Some(if unsuitable { Said::Fine } else { Said::Unsuitable }),
                Correcting::TakeBack => None,
                _ => return Err(bad("a picture is wrong or not, and nothing else")),
            };
            (known, said)
        }
    };
    kept::change(|entries| {
        entries.retain(|entry| !entry.known.is_like(&known));
        if let Some(said) = said {
            entries.push(Entry { known, said });
        }
        // Who said so much more since can say it again.
        entries.drain(..entries.len().saturating_sub(CORRECTIONS_MAX));
        Ok(())
    })
    .await?;
    Ok(said)
}

fn of_text(sentiment: Sentiment, word: Correcting) -> Option<Said> {
    Some(match word {
        Correcting::Wrong => Said::not(sentiment),
        Correcting::Positive => Said::Positive,
        Correcting::Neutral => Said::Neutral,
        Correcting::Negative => Said::Negative,
        Correcting::TakeBack => return None,
    })
}

/// All that is kept, for the page that lists it.
pub async fn all() -> Result<Corrections, Refusal> {
    kept::all().await
}

/// Offers corrections and goes by them, or not; what is kept stays.
pub async fn switch(on: bool) -> Result<(), Refusal> {
    in_turn(async { settings::keep(&Settings { no_corrections: !on, ..settings().await }).await }).await
}

/// Takes over what a file has, all of it or nothing.
pub async fn add(corrections: &[Correction]) -> Result<Corrections, Refusal> {
    let added =
        corrections.iter().map(Entry::read).collect::<Result<Vec<Entry>, String>>().map_err(|problem| bad(&problem))?;
    kept::change(|entries| {
        // Of several words on one text or picture the last is the newest.
        for entry in added {
            entries.retain(|before| before.known != entry.known);
            entries.push(entry);
        }
        if entries.len() > CORRECTIONS_MAX {
            return Err(bad(&format!(
                "{} corrections are more than the {CORRECTIONS_MAX} that are kept",
                corrections.len()
            )));
        }
        Ok(())
    })
    .await?;
    kept::all().await
}

/// Removes one, or all and whatever can't be read beside them.
pub async fn remove(correction: Option<&Correction>) -> Result<Corrections, Refusal> {
    match correction {
        None => kept::remove_all().await?,
        Some(correction) => {
            let unwanted = Entry::read(correction).map_err(|problem| bad(&problem))?;
            kept::change(|entries| {
                entries.retain(|entry| *entry != unwanted);
                Ok(())
            })
            .await?;
        }
    }
    kept::all().await
}

fn bad(detail: &str) -> Refusal {
    Refusal { reason: Reason::BadRequest, detail: detail.to_owned() }
}
