//! A simulated provider: another company, as far as the rest of Lastroom is concerned. It keeps a ledger of its own,
//! remembers what it was asked under which key, lets the guest's bank have a say, and tells what happened by webhook.
//!
//! Nothing outside of this folder reads its tables but `verify`; nothing in it reads others'. Each call is a transaction of its own.

pub mod bank;
pub mod events;
pub mod ledger;
pub mod methods;
pub mod requests;
mod sender;
pub mod work;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::ledger::{Change, Row};
use self::requests::{Heard, Reply, Request};
use crate::db::{Db, DbError, Tx};
use crate::kernel::secret::random;
use crate::payments::provider::{Intent, MadeRefund, ProviderError, Unknown};

/// Bytes of the token in a bank's address.
const TOKEN_BYTES: usize = 32;

/// The simulated provider.
#[derive(Clone)]
pub struct Simulator {
    db: Db,
    /// The address of the bank's page, but for the token at its end.
    action_url: Arc<str>,
}

impl Simulator {
    #[must_use]
    pub fn new(db: Db, public_url: &str) -> Self {
        Self { db, action_url: format!("{public_url}{}/", bank::PATH).into() }
    }

    /// Answers a request under its key.
    pub async fn perform(&self, key: String, request: Request) -> Result<Intent, ProviderError> {
        let this = self.clone();
        let heard = self.db.write(move |tx| this.answer(tx, &key, &request)).await;
        match heard.map_err(unknown)? {
            Heard::Reply(Reply::Intent(intent)) => Ok(intent),
            Heard::Reply(Reply::Refused { code }) => Err(ProviderError::Refused { code }),
            Heard::Nothing(why) => Err(Unknown(why.to_owned()).into()),
        }
    }

    /// The intent as it stands.
    pub async fn read(&self, intent_id: &str) -> Result<Intent, ProviderError> {
        let intent_id = intent_id.to_owned();
        let found = self.db.read(move |conn| ledger::find(conn, &intent_id)).await.map_err(unknown)?;
        let row = found.ok_or_else(|| ProviderError::Refused { code: "resource_missing".to_owned() })?;
        Ok(self.show(&row))
    }

    /// The refunds of the intent that were made.
    pub async fn refunds(&self, intent_id: &str) -> Result<Vec<MadeRefund>, ProviderError> {
        let intent_id = intent_id.to_owned();
        self.db.read(move |conn| ledger::refunds(conn, &intent_id)).await.map_err(unknown)
    }

    fn show(&self, row: &Row) -> Intent {
        row.intent(&self.action_url)
    }
}

/// Moves a locked intent, and tells of it.
fn change(tx: &mut Tx<'_>, row: &Row, change: &Change) -> Result<Row, DbError> {
    let token = URL_SAFE_NO_PAD.encode(random::<TOKEN_BYTES>());
    let row = ledger::write(tx, &row.intent_id, change, &token)?;
    events::changed(tx, &row)?;
    Ok(row)
}

/// A failure on the provider's side tells nothing of what it did.
fn unknown(error: DbError) -> ProviderError {
    Unknown(error.to_string()).into()
}
