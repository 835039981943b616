//! How much memory the models may have together, and who gives way when another is needed. Linear memory never shrinks,
//! but what a model gave back is what the next one takes.

use super::queue::Place;
use super::{Engine, EngineError};

/// Several times what all packaged models need.
pub const PRESET_BUDGET_BYTES: u64 = 256_000_000;
/// Buffers of the nets, the vocabulary's index and the pieces that weights come in: measured 10 MB beside both packaged
/// models.
const WORKING_BYTES: u64 = 12_000_000;

/// Whether a model can be loaded now.
enum Room {
    Made,
    /// Once what others need before it is done.
    Later,
    /// Once what is taken elsewhere is given up.
    Elsewhere,
    /// Not even alone.
    Never,
}

/// What the most urgent work waits for.
pub(super) enum Wanted {
    Load {
        model_id: String,
    },
    /// The bytes that others take of the budget.
    Elsewhere,
}

impl Engine {
    /// What loaded models may take together.
    pub fn budget_bytes(&self) -> u64 {
        self.budget_bytes
    }

    /// Models that the new budget has no room for and that nobody waits for are unloaded at once, those used longest
    /// ago first.
    pub fn set_budget(&mut self, bytes: u64) {
        self.budget_bytes = bytes;
        while self.taken_bytes() > self.budget_bytes && self.unload_oldest(None) {}
    }

    /// What others take of the budget, who give way when a model needs it.
    pub fn set_elsewhere(&mut self, bytes: u64) {
        self.elsewhere_bytes = bytes;
    }

    /// How much of the budget nobody takes.
    pub fn free_bytes(&self) -> u64 {
        self.budget_bytes.saturating_sub(self.taken_bytes())
    }

    /// What a model takes elsewhere, its net's buffers among it.
    pub fn elsewhere_needs(&self, model_id: &str) -> u64 {
        let known = self.models.iter().find(|model| model.known.id == model_id);
        WORKING_BYTES + known.map_or(0, |model| model.known.memory_bytes)
    }

    /// The model that the first waiting job needs loaded, where there is room for it. Jobs whose model can never fit
    /// are refused.
    pub(super) fn next_load(&mut self) -> Option<Wanted> {
        let wanted: Vec<(Place, String)> = self.queue.iter().map(|job| (job.place(), job.model_id.clone())).collect();
        for (place, model_id) in wanted {
            let is_resting = |model: &super::Model| model.loaded.is_none() && !model.is_coming;
            if !self.models.iter().any(|model| model.known.id == model_id && is_resting(model)) {
                continue;
            }
            match self.make_room(&model_id, place) {
                Room::Later => {}
                Room::Elsewhere => return Some(Wanted::Elsewhere),
                Room::Never => self.refuse_too_large(&model_id),
                Room::Made => {
                    let model = self.model_mut(&model_id).ok()?;
                    model.is_coming = true;
                    return Some(Wanted::Load { model_id });
                }
            }
        }
        None
    }

    fn make_room(&mut self, model_id: &str, place: Place) -> Room {
        let needed_bytes = self.models.iter().find(|model| model.known.id == model_id);
        let needed_bytes = needed_bytes.map_or(0, |model| model.known.memory_bytes);
        if WORKING_BYTES + needed_bytes > self.budget_bytes {
            return Room::Never;
        }
        while self.taken_bytes() + needed_bytes > self.budget_bytes {
            if self.elsewhere_bytes > 0 {
                return Room::Elsewhere;
            }
            if !self.unload_oldest(Some(place)) {
                return Room::Later;
            }
        }
        Room::Made
    }

    fn taken_bytes(&self) -> u64 {
        let models = self.models.iter().map(super::Model::memory_bytes).sum::<u64>();
        WORKING_BYTES + models + self.elsewhere_bytes
    }

    /// Unloads the model that was used longest ago, of those that no job needs, or none before `place`. False where
    /// there is none.
    fn unload_oldest(&mut self, place: Option<Place>) -> bool {
        let is_before = |job: &super::Job| place.is_none_or(|place| job.place() < place);
        let needed: Vec<&str> =
            self.queue.iter().filter(|job| is_before(job)).map(|job| job.model_id.as_str()).collect();
        let resting = self.models.iter_mut().filter(|model| model.loaded.is_some());
        let free = resting.filter(|model| !needed.contains(&model.known.id.as_str()));
        let Some(oldest) = free.min_by_key(|model| model.last_touch) else { return false };
        oldest.unload();
        true
    }

    fn refuse_too_large(&mut self, model_id: &str) {
        let Some(model) = self.models.iter().find(|model| model.known.id == model_id) else { return };
        let error = EngineError::TooLarge {
            title: model.known.title.clone(),
            needed_megabytes: (model.known.memory_bytes + WORKING_BYTES).div_ceil(1_000_000),
            budget_megabytes: self.budget_bytes / 1_000_000,
        };
        self.refuse_all(model_id, &error.into());
    }
}
