//! Pages of a list: a limit and an opaque, signed cursor.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::secret::{Keyring, Purpose, Tampered, sha256};

/// Rows of a page where the caller does not say.
pub const DEFAULT_LIMIT: i64 = 50;
/// The most rows a caller may ask for.
pub const MAX_LIMIT: i64 = 200;

/// One page: rows in a stable order, and where the next page starts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Pass it back as `cursor`; `null` on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Sealed<K> {
    /// Hashed, so that a cursor stays short however long the filters are.
    list: Vec<u8>,
    after: K,
}

fn name(list: &str) -> Vec<u8> {
    sha256(list.as_bytes()).into_iter().take(16).collect()
}

/// The cursor after the row with key `after`, for the list that `list` names (its route and filters): a cursor of one
/// list is nothing for another.
pub fn seal<K: Serialize>(keys: &Keyring, list: &str, after: K) -> Result<String, serde_json::Error> {
    keys.seal(Purpose::Cursor, &Sealed { list: name(list), after })
}

/// The key that [`seal`] put in.
pub fn open<K: DeserializeOwned>(keys: &Keyring, list: &str, cursor: &str) -> Result<K, Tampered> {
    let sealed: Sealed<K> = keys.open(Purpose::Cursor, cursor)?;
    if sealed.list == name(list) { Ok(sealed.after) } else { Err(Tampered) }
}

/// Cuts the one row too many that was asked of the database, and seals a cursor if it was there.
pub fn cut<T, K: Serialize>(
    keys: &Keyring,
    list: &str,
    mut rows: Vec<T>,
    limit: i64,
    key: impl Fn(&T) -> K,
) -> Result<Page<T>, serde_json::Error> {
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(seal(keys, list, key(last))?),
        _ => None,
    };
    Ok(Page { data: rows, next_cursor })
}
