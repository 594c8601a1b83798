//! Constraints by name: the database's refusal becomes the domain's.

use diesel::result::Error as DieselError;

/// Whether `error` is the refusal of the named constraint or unique index.
#[must_use]
pub fn violates(error: &DieselError, constraint: &str) -> bool {
    matches!(error, DieselError::DatabaseError(_, info) if info.constraint_name() == Some(constraint))
}

/// Whether `error` is a refusal whose message begins with `words`: for a value that ends a constraint's evaluation
/// before it can be found wanting.
#[must_use]
pub fn says(error: &DieselError, words: &str) -> bool {
    matches!(error, DieselError::DatabaseError(_, info) if info.message().starts_with(words))
}
