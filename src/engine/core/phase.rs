//! What the engine is doing right now, in one word.

/// The part of a run that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    #[default]
    Idle,
    Connecting,
    Recovering,
    Reading,
    Planning,
    Writing,
    Held,
}

impl Phase {
    /// A word for line 1.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Recovering => "recovering",
            Self::Reading => "reading",
            Self::Planning => "planning",
            Self::Writing => "writing",
            Self::Held => "held",
        }
    }
}
