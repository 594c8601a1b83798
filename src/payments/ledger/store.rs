//! SQL of the ledger.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};

use super::{Balance, Kind, Line};
use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{MovementId, RefundId};
use crate::payments::store::PaymentRow;
use crate::schema::ledger_lines;

/// Inserts a movement; lines of nothing are left out.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    payment: &PaymentRow,
    kind: Kind,
    refund_id: Option<RefundId>,
    lines: &[Line],
) -> Result<(), DbError> {
    if lines.iter().map(|(_, amount)| amount).sum::<i64>() != 0 {
        return Err(DbError::invariant(format!("a movement of the ledger does not balance: {kind}")));
    }
    let movement_id = MovementId::new();
    let rows: Vec<_> = lines
        .iter()
        .filter(|(_, amount)| *amount != 0)
        .map(|(account, amount)| {
            (
                ledger_lines::hotel_id.eq(payment.hotel_id),
                ledger_lines::movement_id.eq(movement_id),
                ledger_lines::account.eq(*account),
                ledger_lines::kind.eq(kind),
                ledger_lines::amount.eq(*amount),
                ledger_lines::currency.eq(payment.currency),
                ledger_lines::payment_id.eq(payment.payment_id),
                ledger_lines::refund_id.eq(refund_id),
            )
        })
        .collect();
    diesel::insert_into(ledger_lines::table).values(rows).execute(&mut **tx)?;
    Ok(())
}

/// What the payment, whose row is locked, has on each account.
pub(super) fn balance(tx: &mut Tx<'_>, payment: &PaymentRow) -> Result<Balance, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        guest: i64,
        #[diesel(sql_type = BigInt)]
        hotel: i64,
        #[diesel(sql_type = BigInt)]
        tax: i64,
    }
    let row: Row = sql("SELECT coalesce(sum(amount) FILTER (WHERE account = 'guest'), 0)::bigint AS guest,
                coalesce(sum(amount) FILTER (WHERE account = 'hotel'), 0)::bigint AS hotel,
                coalesce(sum(amount) FILTER (WHERE account = 'tax'), 0)::bigint AS tax
         FROM ledger_lines WHERE hotel_id = $1 AND payment_id = $2")
    .bind::<SqlUuid, _>(payment.hotel_id)
    .bind::<SqlUuid, _>(payment.payment_id)
    .get_result(&mut **tx)?;
    Ok(Balance { guest: row.guest, hotel: row.hotel, tax: row.tax })
}
