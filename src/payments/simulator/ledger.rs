//! The simulator's ledger: its intents and refunds, and how an intent moves.

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::methods::{self, Confirmation, Method};
use crate::db::{DbError, Tx};
use crate::kernel::money::{Currency, Money};
use crate::payments::provider::{Intent, IntentStatus, MadeRefund};
use crate::schema::{simulator_intents, simulator_refunds};
use crate::text_enum;

text_enum! {
    /// An intent's status as its row has it.
    pub enum LedgerStatus {
        RequiresConfirmation = "requires_confirmation",
        RequiresAction = "requires_action",
        Processing = "processing",
        Authorized = "authorized",
        Declined = "declined",
        Captured = "captured",
        Voided = "voided",
    }
}

/// An intent's row.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = simulator_intents)]
pub struct Row {
    pub intent_id: String,
    pub status: LedgerStatus,
    pub amount: i64,
    pub currency: Currency,
    pub payment_method: String,
    pub metadata: Value,
    pub decline_code: Option<String>,
    pub action_token: Option<String>,
    pub captured_amount: i64,
}

impl Row {
    /// A new intent.
    #[must_use]
    pub fn new(amount: Money, payment_method: &str, metadata: Value) -> Self {
        Self {
            intent_id: format!("pi_{}", Uuid::now_v7().simple()),
            status: LedgerStatus::RequiresConfirmation,
            amount: amount.amount,
            currency: amount.currency,
            payment_method: payment_method.to_owned(),
            metadata,
            decline_code: None,
            action_token: None,
            captured_amount: 0,
        }
    }

    #[must_use]
    pub fn money(&self, amount: i64) -> Money {
        Money::new(amount, self.currency)
    }

    /// What it does; creation lets in no other than those that are known.
    pub fn method(&self) -> Result<Method, DbError> {
        methods::known(&self.payment_method).ok_or_else(|| DbError::invariant("the simulator knows its methods"))
    }

    /// The intent as its provider shows it. `action_url` is where the bank asks, but for the token.
    #[must_use]
    pub fn intent(&self, action_url: &str) -> Intent {
        let status = match self.status {
            LedgerStatus::RequiresConfirmation => IntentStatus::RequiresConfirmation,
            LedgerStatus::RequiresAction => {
                let token = self.action_token.as_deref().unwrap_or_default();
                IntentStatus::RequiresAction { url: format!("{action_url}{token}") }
            }
            LedgerStatus::Processing => IntentStatus::Processing,
            LedgerStatus::Authorized => IntentStatus::Authorized,
            LedgerStatus::Declined => IntentStatus::Declined { code: self.decline_code.clone().unwrap_or_default() },
            LedgerStatus::Captured => IntentStatus::Captured { amount: self.captured_amount },
            LedgerStatus::Voided => IntentStatus::Voided,
        };
        Intent { intent_id: self.intent_id.clone(), amount: self.money(self.amount), status }
    }
}

/// What an intent becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Processing,
    RequiresAction,
    Authorized,
    Declined { code: String },
    Captured { amount: i64 },
    Voided,
}

/// What confirming makes of it; none: it was confirmed before.
pub fn confirmed(row: &Row) -> Result<Option<Change>, DbError> {
    if !matches!(row.status, LedgerStatus::RequiresConfirmation | LedgerStatus::Processing) {
        return Ok(None);
    }
    Ok(Some(match row.method()?.confirmation {
        Confirmation::Authorizes => Change::Authorized,
        Confirmation::Declines(code) => Change::Declined { code: code.to_owned() },
        Confirmation::Challenges => Change::RequiresAction,
    }))
}

/// What capturing makes of it; none: there is no authorisation to be captured.
#[must_use]
pub fn captured(row: &Row, amount: i64) -> Option<Change> {
    (row.status == LedgerStatus::Authorized).then_some(Change::Captured { amount })
}

/// What voiding makes of it; none: nothing is left to be given back.
#[must_use]
pub fn voided(row: &Row) -> Option<Change> {
    let open = [LedgerStatus::RequiresConfirmation, LedgerStatus::RequiresAction, LedgerStatus::Authorized];
    open.contains(&row.status).then_some(Change::Voided)
}

pub fn insert(tx: &mut Tx<'_>, row: &Row) -> Result<(), DbError> {
    diesel::insert_into(simulator_intents::table).values(row).execute(&mut **tx)?;
    Ok(())
}

pub fn find(conn: &mut PgConnection, intent_id: &str) -> Result<Option<Row>, DbError> {
    Ok(simulator_intents::table.find(intent_id).select(Row::as_select()).first(conn).optional()?)
}

/// Locks the intent: whoever changes it, or is asked to, does this first.
pub fn lock(tx: &mut Tx<'_>, intent_id: &str) -> Result<Option<Row>, DbError> {
    Ok(simulator_intents::table.find(intent_id).select(Row::as_select()).for_update().first(&mut **tx).optional()?)
}

/// The intent whose guest was sent to the bank with this token, locked.
pub fn lock_by_token(tx: &mut Tx<'_>, token: &str) -> Result<Option<Row>, DbError> {
    Ok(simulator_intents::table
        .filter(simulator_intents::action_token.eq(token))
        .select(Row::as_select())
        .for_update()
        .first(&mut **tx)
        .optional()?)
}

/// Writes the change of a locked intent. `token` is the one that the bank's page is to be reached by.
pub fn write(tx: &mut Tx<'_>, intent_id: &str, change: &Change, token: &str) -> Result<Row, DbError> {
    let mut decline_code = None;
    let mut captured_amount = 0;
    let status = match change {
        Change::Processing => LedgerStatus::Processing,
        Change::RequiresAction => LedgerStatus::RequiresAction,
        Change::Authorized => LedgerStatus::Authorized,
        Change::Declined { code } => {
            decline_code = Some(code);
            LedgerStatus::Declined
        }
        Change::Captured { amount } => {
            captured_amount = *amount;
            LedgerStatus::Captured
        }
        Change::Voided => LedgerStatus::Voided,
    };
    let action_token = (status == LedgerStatus::RequiresAction).then_some(token);
    Ok(diesel::update(simulator_intents::table.find(intent_id))
        .set((
            simulator_intents::status.eq(status),
            simulator_intents::decline_code.eq(decline_code),
            simulator_intents::captured_amount.eq(captured_amount),
            // Kept once it is there: who comes back to the bank's page is told how it ended.
            action_token.map(|token| simulator_intents::action_token.eq(token)),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **tx)?)
}

/// The refunds of the intent.
pub fn refunds(conn: &mut PgConnection, intent_id: &str) -> Result<Vec<MadeRefund>, DbError> {
    let rows: Vec<(String, i64)> = simulator_refunds::table
        .filter(simulator_refunds::intent_id.eq(intent_id))
        .select((simulator_refunds::idempotency_key, simulator_refunds::amount))
        .load(conn)?;
    Ok(rows.into_iter().map(|(key, amount)| MadeRefund { key, amount }).collect())
}

pub fn insert_refund(tx: &mut Tx<'_>, key: &str, intent_id: &str, amount: i64) -> Result<(), DbError> {
    diesel::insert_into(simulator_refunds::table)
        .values((
            simulator_refunds::idempotency_key.eq(key),
            simulator_refunds::intent_id.eq(intent_id),
            simulator_refunds::amount.eq(amount),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
