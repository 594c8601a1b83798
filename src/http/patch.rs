//! `PATCH`: what is absent stays as it is, and `null` clears what may be absent (as in RFC 7396).
//!
//! The fields of a patch are `Option<T>` with serde_with's `unwrap_or_skip` (never null), or `Option<Option<T>>` with
//! its `double_option` (null clears).

/// Takes over a field that the patch has.
pub fn set<T>(field: &mut T, to: Option<T>) {
    if let Some(value) = to {
        *field = value;
    }
}
