//! All settings at once: what of them is in force, and what follows when they change, or when what the browser permits does.

use super::{
    browser::chrome,
    guard, lock, protection,
    settings::{self, in_turn, settings},
    switches::Switch,
    wishes::granted_wishes,
};
use crate::protocol::{LockState, Refusal, Settings};

/// The settings as far as the browser lets them be in force: what pages show.
pub async fn in_force() -> Settings {
    let mut settings = settings().await;
    keep_granted(&mut settings).await;
    settings.lock = lock::state().await;
    settings
}

/// Takes out what the browser gives no permission for.
async fn keep_granted(settings: &mut Settings) {
    guard::keep_granted(settings).await;
    protection::keep_granted(settings).await;
}

/// Keeps all settings anew, and registers what watches pages as they say and the browser allows.
pub async fn replace(mut wanted: Settings) -> Result<(), Refusal> {
    wanted.lock = LockState::None;
    let settings = in_turn(async {
        if wanted == Settings::default() {
            settings::reset().await?;
        } else {
            wanted.locked = settings().await.locked;
            // Without the permission nothing would be watched, and the switch would say that it is.
            keep_granted(&mut wanted).await;
            settings::keep(&wanted).await?;
        }
        let settings = settings().await;
        register(&settings).await?;
        Ok::<Settings, Refusal>(settings)
    })
    .await?;
    follow(&settings).await;
    Ok(())
}

/// The browser's permissions changed, or the browser started: forget what may no longer be watched, turn on what was wished
/// for and is now permitted, and register anew.
pub async fn follow_permissions() {
    let settings = in_turn(async {
        let mut settings = in_force().await;
        for wish in granted_wishes().await {
            match wish.switch {
                Switch::Guard => guard::set(&mut settings, wish.site.as_ref(), true),
                Switch::Protection => protection::set(&mut settings, wish.site.as_ref(), true),
            }
        }
        let kept = async {
            settings::keep(&settings).await?;
            register(&settings).await
        };
        if let Err(refusal) = kept.await {
            chrome::warn(&format!("Sotto: {}", refusal.detail));
        }
        settings
    })
    .await;
    follow(&settings).await;
}

async fn register(settings: &Settings) -> Result<(), Refusal> {
    guard::register(settings).await?;
    protection::register(settings).await
}

async fn follow(settings: &Settings) {
    guard::follow(settings).await;
    protection::follow(settings).await;
}
