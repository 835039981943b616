//! What is covered in a protected tab: counted on the badge, listed in the popup, revealed from there. Nothing of it is kept here:
//! the tab's frames know.

use std::rc::Rc;

use super::rule_of;
use crate::{
    protocol::{CoveredInFrame, CoveredName, CoveredPicture, CoveredPictures, Refusal, ToFrame, ToPage},
    web::{
        browser::{
            chrome,
            scripts::{Whom, inject, off_limits, tell},
            wire,
        },
        host::Host,
        pictures::badge,
    },
};

/// Its last expression is what is covered in the frame.
const REPORT: [&str; 1] = ["content/covered.js"];

/// The sum over all frames that the browser lets us into.
pub async fn covered(tab: i32) -> Result<CoveredPictures, Refusal> {
    let frames = inject(tab, None, &REPORT).await.map_err(|thrown| off_limits(&chrome::reason_of(&thrown)))?;
    let mut sum = CoveredPictures::default();
    for said in frames {
        let frame = said.frame;
        let Ok(CoveredInFrame { pictures, judged, unjudged }) = wire::from_js(said.result) else { continue };
        sum.judged = sum.judged.saturating_add(judged);
        sum.unjudged = sum.unjudged.saturating_add(unjudged);
        sum.pictures.extend(pictures.into_iter().map(|here| CoveredPicture {
            name: CoveredName { frame, picture: here.picture },
            width: here.width as u32,
            height: here.height as u32,
            class: here.class,
            share: here.share,
            doubtful: here.doubtful,
            film: here.film,
        }));
    }
    sum.pictures.sort_by_key(|picture| std::cmp::Reverse(u64::from(picture.width) * u64::from(picture.height)));
    Ok(sum)
}

/// A frame covered or revealed something: badge and popup follow.
pub async fn changed(host: &Rc<Host>, tab: i32, tab_site: Option<&str>) -> Result<(), Refusal> {
    // Where protection has ended nothing is covered, and no script of ours is put there to ask.
    let n_covered = match rule_of(tab_site).await {
        Some(_) => covered(tab).await?.pictures.len(),
        None => 0,
    };
    badge::count(tab, u32::try_from(n_covered).unwrap_or(u32::MAX)).await;
    host.tell_pages(&ToPage::CoveredChanged { tab });
    Ok(())
}

/// Shows one picture, or all of the tab.
pub async fn reveal(tab: i32, picture: Option<CoveredName>) {
    let whom = picture.map_or(Whom::AllFrames, |name| Whom::Frame(name.frame));
    // Rejects where nothing is covered any more.
    let _ = tell(tab, &whom, &ToFrame::Reveal { picture: picture.map(|name| name.picture) }).await;
}
