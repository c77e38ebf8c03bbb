//! What is not in the store when the program ends: it is put into the queue, or said aloud. Nothing goes in silence.

use tokio::sync::mpsc::Receiver;

use crate::app::complain;
use crate::app::exit;
use crate::app::performer::Live;
use crate::engine;
use crate::engine::Event;
use crate::engine::State;
use crate::engine::fact::said;
use crate::engine::unsaved;
use crate::model::journal::Draft;
use crate::secrets::Secrets;
use crate::store::queue;
use crate::store::queue::Item;
use crate::store::queue::Places;

/// Lets go of the store, takes in what it said last, and gives what it did not take.
pub(super) async fn close(
    state: &mut State,
    performer: &mut Live,
    events: &mut Receiver<Event>,
) -> Vec<(String, Draft)> {
    if let Some(recorder) = performer.recorder.take() {
        recorder.close().await;
    }
    while let Ok(event) = events.try_recv() {
        // What it would lead to is not done any more; what was written is known.
        let _ = engine::update(state, event);
    }
    unsaved::left(state)
}

/// Puts it into the queue, and says where.
///
/// # Errors
/// The exit code, where nothing would take it.
pub(super) fn keep(left: &[(String, Draft)], places: &Places, secrets: &Secrets, state: &State) -> Result<(), u8> {
    if left.is_empty() {
        return Ok(());
    }
    let (lang, zone) = (state.settings.lang, state.settings.zone);
    let fit = |text: &str| secrets.redact(text);
    let left: Vec<(&String, Draft)> = left
        .iter()
        .map(|(incident, draft)| (incident, Draft { fact: draft.fact.clone().rewritten(fit), ..draft.clone() }))
        .collect();
    let item = |(incident, draft): &(&String, Draft)| Item::Entry {
        incident: (*incident).clone(),
        draft: Box::new(draft.clone()),
    };
    let items: Vec<Item> = left.iter().map(item).collect();
    match queue::keep(places, &items) {
        Ok(place) => {
            complain(&format!("cabina: {}", lang.queue_kept(left.len(), place.display())));
            Ok(())
        }
        Err(why) => {
            complain(&format!("cabina: {}", lang.queue_lost(left.len(), why.words(lang))));
            for (incident, draft) in &left {
                let clock = zone.hms(draft.at);
                complain(&format!("{incident}  {clock}  {}: {}", draft.who, said(&draft.fact, lang, zone)));
            }
            Err(exit::INTERNAL)
        }
    }
}
