//! A simulated provider: another company's ledger as far as the rest of Lastroom is concerned. Each call is a
//! transaction of its own and safe to repeat.

use diesel::prelude::*;

use super::provider::{Intent, IntentStatus, NewIntent, Unknown};
use crate::db::{Db, DbError, Tx};
use crate::schema::simulator_intents::dsl;
use crate::schema::simulator_refunds;
use crate::text_enum;

/// The payment methods it knows, and what confirming with each does: the code of a decline, or none.
const METHODS: &[(&str, Option<&str>)] = &[
    ("pm_card_visa", None),
    ("pm_card_chargeDeclined", Some("generic_decline")),
    ("pm_card_chargeDeclinedInsufficientFunds", Some("insufficient_funds")),
];

/// The payment methods it knows.
#[expect(clippy::indexing_slicing, reason = "the compiler itself counts this loop; a constant has no iterators")]
pub const KNOWN_METHODS: [&str; METHODS.len()] = {
    let mut names = [""; METHODS.len()];
    let mut at = 0;
    while at < METHODS.len() {
        names[at] = METHODS[at].0;
        at += 1;
    }
    names
};

text_enum! {
    /// An intent's status as its row has it.
    pub enum LedgerStatus {
        RequiresConfirmation = "requires_confirmation",
        Authorized = "authorized",
        Declined = "declined",
        Captured = "captured",
        Voided = "voided",
    }
}

/// The simulated provider.
pub struct Simulator {
    db: Db,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::schema::simulator_intents)]
struct Row {
    intent_id: String,
    status: LedgerStatus,
    payment_method: String,
    decline_code: Option<String>,
    captured_amount: i64,
}

impl From<Row> for Intent {
    fn from(row: Row) -> Self {
        let status = match row.status {
            LedgerStatus::RequiresConfirmation => IntentStatus::RequiresConfirmation,
            LedgerStatus::Authorized => IntentStatus::Authorized,
            LedgerStatus::Declined => IntentStatus::Declined { code: row.decline_code.unwrap_or_default() },
            LedgerStatus::Captured => IntentStatus::Captured { amount: row.captured_amount },
            LedgerStatus::Voided => IntentStatus::Voided,
        };
        Self { intent_id: row.intent_id, status }
    }
}

impl Simulator {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    pub async fn create(&self, new: NewIntent) -> Result<Intent, Unknown> {
        self.change(move |tx| {
            diesel::insert_into(dsl::simulator_intents)
                .values((
                    dsl::intent_id.eq(format!("pi_{}", uuid::Uuid::now_v7().simple())),
                    dsl::idempotency_key.eq(&new.key),
                    dsl::status.eq(LedgerStatus::RequiresConfirmation),
                    dsl::amount.eq(new.amount.amount),
                    dsl::currency.eq(new.amount.currency),
                    dsl::payment_method.eq(&new.payment_method),
                    dsl::metadata.eq(&new.metadata),
                ))
                .on_conflict(dsl::idempotency_key)
                .do_nothing()
                .execute(&mut **tx)?;
            let row = dsl::simulator_intents
                .filter(dsl::idempotency_key.eq(&new.key))
                .select(Row::as_select())
                .first(&mut **tx)?;
            Ok(row.into())
        })
        .await
    }

    pub async fn confirm(&self, intent_id: &str) -> Result<Intent, Unknown> {
        self.step(intent_id, |row| {
            let known = METHODS.iter().find(|(method, _)| *method == row.payment_method);
            match (row.status, known) {
                (LedgerStatus::RequiresConfirmation, Some((_, Some(code)))) => {
                    Some((LedgerStatus::Declined, Some((*code).to_owned()), 0))
                }
                (LedgerStatus::RequiresConfirmation, _) => Some((LedgerStatus::Authorized, None, 0)),
                _ => None,
            }
        })
        .await
    }

    pub async fn read(&self, intent_id: &str) -> Result<Intent, Unknown> {
        self.step(intent_id, |_| None).await
    }

    pub async fn capture(&self, intent_id: &str, amount: i64) -> Result<Intent, Unknown> {
        self.step(intent_id, move |row| match row.status {
            LedgerStatus::Authorized => Some((LedgerStatus::Captured, None, amount)),
            _ => None,
        })
        .await
    }

    pub async fn void(&self, intent_id: &str) -> Result<Intent, Unknown> {
        self.step(intent_id, |row| match row.status {
            LedgerStatus::Authorized | LedgerStatus::RequiresConfirmation => Some((LedgerStatus::Voided, None, 0)),
            _ => None,
        })
        .await
    }

    pub async fn refund(&self, intent_id: &str, key: &str, amount: i64) -> Result<(), Unknown> {
        let (intent_id, key) = (intent_id.to_owned(), key.to_owned());
        let refund = move |tx: &mut Tx<'_>| {
            let captured: i64 =
                dsl::simulator_intents.find(&intent_id).select(dsl::captured_amount).for_update().first(&mut **tx)?;
            let refunded: Vec<(String, i64)> = simulator_refunds::table
                .filter(simulator_refunds::intent_id.eq(&intent_id))
                .select((simulator_refunds::idempotency_key, simulator_refunds::amount))
                .load(&mut **tx)?;
            if refunded.iter().any(|(known, _)| *known == key) {
                return Ok(());
            }
            if refunded.iter().map(|(_, amount)| amount).sum::<i64>() + amount > captured {
                return Err(DbError::invariant("more is refunded than was captured"));
            }
            diesel::insert_into(simulator_refunds::table)
                .values((
                    simulator_refunds::idempotency_key.eq(&key),
                    simulator_refunds::intent_id.eq(&intent_id),
                    simulator_refunds::amount.eq(amount),
                ))
                .execute(&mut **tx)?;
            Ok(())
        };
        self.db.write(refund).await.map_err(|error: DbError| Unknown(error.to_string()))
    }

    /// Moves the intent under its row lock: to what `next` says, or nowhere.
    async fn step(
        &self,
        intent_id: &str,
        next: impl Fn(&Row) -> Option<(LedgerStatus, Option<String>, i64)> + Send + 'static,
    ) -> Result<Intent, Unknown> {
        let intent_id = intent_id.to_owned();
        self.change(move |tx| {
            let row = dsl::simulator_intents.find(&intent_id).select(Row::as_select()).for_update().first(&mut **tx)?;
            let Some((status, decline_code, captured)) = next(&row) else {
                return Ok(row.into());
            };
            let row = diesel::update(dsl::simulator_intents.find(&intent_id))
                .set((dsl::status.eq(status), dsl::decline_code.eq(decline_code), dsl::captured_amount.eq(captured)))
                .returning(Row::as_returning())
                .get_result(&mut **tx)?;
            Ok(row.into())
        })
        .await
    }

    async fn change(
        &self,
        work: impl Fn(&mut Tx<'_>) -> Result<Intent, DbError> + Send + 'static,
    ) -> Result<Intent, Unknown> {
        self.db.write(work).await.map_err(|error| Unknown(error.to_string()))
    }
}
