//! Everything the world can be asked to do. Data, carried out by one performer.

/// One request to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask every source now instead of at its next turn.
    PollNow,
    /// Count the session table exactly, once, whatever the budget.
    CountExactly,
    /// Hand the terminal back and stop this process until it is continued.
    Suspend,
    /// Draw everything anew: something else may have written on the terminal.
    Repaint,
    /// Give this text to the terminal's clipboard.
    Copy(String),
    /// End with this exit code.
    Exit(u8),
}

/// What one event asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaction {
    /// Requests, in order.
    pub effects: Vec<Effect>,
    /// The screen differs from what was drawn.
    pub redraw: bool,
}

impl Reaction {
    /// Nothing to do.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Draw, and nothing else.
    #[must_use]
    pub fn redraw() -> Self {
        Self { effects: Vec::new(), redraw: true }
    }

    /// One request, and draw.
    #[must_use]
    pub fn with(effect: Effect) -> Self {
        Self { effects: vec![effect], redraw: true }
    }
}
