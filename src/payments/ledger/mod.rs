//! The ledger: double entry, a movement with each step that money takes.
//!
//! Five accounts: `guest` (deposits: minus is what we owe the guest a stay or the money for), `provider` (what lies
//! with the payment provider), `hotel` and `tax` (minus is what they have earned), `refund` (minus is what is on its
//! way back). Plus is got, minus is given; the lines of a movement sum to nothing. So `provider` is what the provider's
//! own books must say, and a payment without a booking ends with nothing on any account.

mod store;

use super::store::PaymentRow;
use crate::db::{DbError, Tx};
use crate::kernel::ids::RefundId;
use crate::kernel::money::share;
use crate::text_enum;

text_enum! {
    /// Where money is, or whose.
    pub enum Account {
        Guest = "guest",
        Provider = "provider",
        Hotel = "hotel",
        Tax = "tax",
        Refund = "refund",
    }
}

text_enum! {
    /// What happened to the money.
    pub enum Kind {
        /// Taken from the guest: a deposit.
        Captured = "captured",
        /// A booking stands, and the deposit is the hotel's and the tax office's.
        Earned = "earned",
        /// To be given back.
        RefundOwed = "refund_owed",
        /// Given back.
        Refunded = "refunded",
        /// It could not be given back that way: a deposit again, whatever it was before.
        RefundFailed = "refund_failed",
    }
}

/// A line: plus is what the account has got, in minor units.
type Line = (Account, i64);

/// The provider took `amount` minor units.
pub fn captured(tx: &mut Tx<'_>, payment: &PaymentRow, amount: i64) -> Result<(), DbError> {
    store::insert(tx, payment, Kind::Captured, None, &[(Account::Provider, amount), (Account::Guest, -amount)])
}

/// Of what was captured, `amount` is for a booking.
pub fn earned(tx: &mut Tx<'_>, payment: &PaymentRow, amount: i64) -> Result<(), DbError> {
    let tax = tax_of(payment, amount)?;
    let lines = [(Account::Guest, amount), (Account::Hotel, tax - amount), (Account::Tax, -tax)];
    store::insert(tx, payment, Kind::Earned, None, &lines)
}

/// `amount` is to go back: from the deposit as far as nobody has earned it, then from the hotel and its taxes, in
/// proportion.
pub fn refund_owed(tx: &mut Tx<'_>, payment: &PaymentRow, refund_id: RefundId, amount: i64) -> Result<(), DbError> {
    let balance = store::balance(tx, payment)?;
    let lines = refund_lines(payment, balance, amount)?;
    store::insert(tx, payment, Kind::RefundOwed, Some(refund_id), &lines)
}

/// The provider gave `amount` back.
pub fn refunded(tx: &mut Tx<'_>, payment: &PaymentRow, refund_id: RefundId, amount: i64) -> Result<(), DbError> {
    let lines = [(Account::Refund, amount), (Account::Provider, -amount)];
    store::insert(tx, payment, Kind::Refunded, Some(refund_id), &lines)
}

/// The provider refused for good to give `amount` back. The guest is owed it still.
pub fn refund_failed(tx: &mut Tx<'_>, payment: &PaymentRow, refund_id: RefundId, amount: i64) -> Result<(), DbError> {
    let lines = [(Account::Refund, amount), (Account::Guest, -amount)];
    store::insert(tx, payment, Kind::RefundFailed, Some(refund_id), &lines)
}

/// What a payment has on the accounts that a refund is taken from.
#[derive(Clone, Copy, Debug)]
struct Balance {
    guest: i64,
    hotel: i64,
    tax: i64,
}

fn refund_lines(payment: &PaymentRow, balance: Balance, amount: i64) -> Result<Vec<Line>, DbError> {
    let from_deposit = amount.min(-balance.guest);
    let from_earned = amount - from_deposit;
    let left = -(balance.hotel + balance.tax) - from_earned;
    let from_tax = -balance.tax - tax_of(payment, left)?;
    Ok(vec![
        (Account::Guest, from_deposit),
        (Account::Hotel, from_earned - from_tax),
        (Account::Tax, from_tax),
        (Account::Refund, -amount),
    ])
}

/// The part of `amount` that is tax, as of the whole payment, rounded half-up.
fn tax_of(payment: &PaymentRow, amount: i64) -> Result<i64, DbError> {
    share(amount, payment.tax_amount, payment.amount).map_err(|_| DbError::invariant("a tax is out of range"))
}
