//! Search: a page of hotels, each with its cheapest offer that fits.

use chrono::{Duration, Utc};
use diesel::PgConnection;

use super::ask::{Ask, not_past};
use super::store::{self, After, Found};
use crate::db;
use crate::http::idempotency::Halt;
use crate::http::problem::{Code, Problem};
use crate::kernel::page::{self, Page};
use crate::kernel::secret::Keyring;

/// Finds one page, in one round trip unless the stay may begin in the past.
pub fn find(conn: &mut PgConnection, keys: &Keyring, ask: &Ask) -> Result<Page<Found>, Halt> {
    // This process' clock tells only whether the question is worth asking; the database's answers it.
    if ask.stay.check_in() <= (Utc::now() + Duration::days(1)).date_naive() {
        not_past("check_in", ask.stay.check_in(), db::now(conn)?)?;
    }
    let after: Option<After> = match &ask.cursor {
        Some(cursor) => Some(page::open(keys, &ask.list, cursor).map_err(|_| Problem::plain(Code::CursorInvalid))?),
        None => None,
    };
    let rows = store::find(conn, ask, after)?;
    Ok(page::cut(keys, &ask.list, rows, ask.limit, Found::after)?)
}
