//! The loop: take what came, change the state, carry out what it asks for, draw once.

use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc::Receiver;

use crate::engine;
use crate::engine::Effect;
use crate::engine::Event;
use crate::engine::State;
use crate::theme::Theme;
use crate::view;

/// Events taken at once: a flood is folded in a few frames, and a key waits for one batch at the most.
const BATCH: usize = 256;

/// Carries effects out; must return at once.
pub trait Perform {
    /// Starts what the effect asks for. What comes of it returns as an event.
    fn perform(&mut self, effect: Effect);

    /// An event is about to be taken in.
    fn taken(&mut self, _event: &Event) {}

    /// Somebody else has the terminal: nothing is drawn meanwhile.
    fn away(&self) -> bool {
        false
    }

    /// A frame has been drawn. What a frame cannot say can be said beside it.
    fn drawn(&mut self, _state: &State) {}
}

/// Runs until the state asks to end or nobody can send any more; returns the exit code.
///
/// # Errors
/// When the terminal can no longer be written to.
pub async fn run<B: Backend>(
    state: &mut State,
    theme: &Theme,
    terminal: &mut Terminal<B>,
    events: &mut Receiver<Event>,
    performer: &mut impl Perform,
) -> Result<u8, B::Error> {
    // The first frame waits for nothing.
    terminal.draw(|frame| view::render(state, theme, frame))?;
    let mut batch = Vec::with_capacity(BATCH);
    while events.recv_many(&mut batch, BATCH).await > 0 {
        let mut redraw = false;
        for event in batch.drain(..) {
            performer.taken(&event);
            let reaction = engine::update(state, event);
            redraw |= reaction.redraw;
            for effect in reaction.effects {
                match effect {
                    Effect::Exit(code) => return Ok(code),
                    Effect::Repaint if performer.away() => {}
                    Effect::Repaint => {
                        terminal.clear()?;
                        redraw = true;
                    }
                    other => performer.perform(other),
                }
            }
        }
        if redraw && !performer.away() {
            terminal.draw(|frame| view::render(state, theme, frame))?;
            performer.drawn(state);
        }
    }
    Ok(0)
}

/// The same loop without a screen: `show` is given the state after every batch.
pub async fn run_blind(
    state: &mut State,
    events: &mut Receiver<Event>,
    performer: &mut impl Perform,
    mut show: impl FnMut(&State),
) -> u8 {
    let mut batch = Vec::with_capacity(BATCH);
    while events.recv_many(&mut batch, BATCH).await > 0 {
        for event in batch.drain(..) {
            performer.taken(&event);
            for effect in engine::update(state, event).effects {
                match effect {
                    Effect::Exit(code) => {
                        show(state);
                        return code;
                    }
                    other => performer.perform(other),
                }
            }
        }
        show(state);
    }
    0
}
