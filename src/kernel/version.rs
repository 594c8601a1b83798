//! Versions: which one of a resource a caller means to change.

/// What a caller said of the version that it read, as `If-Match` has it (RFC 9110).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    Unstated,
    /// `*`: whatever it is.
    Any,
    /// One of these. A tag that is no version of ours matches nothing.
    OneOf(Vec<i32>),
}

/// Why a change is not made to the version found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("no version was named")]
    Unstated,
    #[error("the version is {current} by now")]
    Stale { current: i32 },
}

impl Expected {
    /// Whether `current` is the version that the caller means.
    pub fn meets(&self, current: i32) -> Result<(), Mismatch> {
        match self {
            Self::Unstated => Err(Mismatch::Unstated),
            Self::Any => Ok(()),
            Self::OneOf(versions) if versions.contains(&current) => Ok(()),
            Self::OneOf(_) => Err(Mismatch::Stale { current }),
        }
    }
}
