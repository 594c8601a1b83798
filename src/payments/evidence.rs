//! Evidence: whether what the provider says can be true of a payment.

use super::provider::{Intent, IntentStatus};
use super::state::PaymentStatus;
use crate::kernel::money::Money;

/// Why an intent contradicts the payment of `asked` that it is for. Nothing is settled by it then: staff have to look.
///
/// A part may have been taken once a booking's penalty is known, or where all of it goes back anyway; while a hold waits
/// for its money, a part is not what is due.
#[must_use]
pub fn contradiction(asked: Money, status: PaymentStatus, intent: &Intent) -> Option<String> {
    if intent.amount != asked {
        return Some(differs("the intent is for", intent.amount, asked));
    }
    match intent.status {
        IntentStatus::Captured { amount } if amount > asked.amount || amount <= 0 || is_part(amount, asked, status) => {
            Some(differs("what was captured is", Money { amount, ..asked }, asked))
        }
        _ => None,
    }
}

fn is_part(amount: i64, asked: Money, status: PaymentStatus) -> bool {
    amount < asked.amount && (status.is_open() || status == PaymentStatus::Authorized)
}

/// Two amounts that should be the same.
#[must_use]
pub fn differs(what: &str, told: Money, asked: Money) -> String {
    let Money { amount, currency } = told;
    format!("{what} {amount} {currency}, and {} {} was asked", asked.amount, asked.currency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::money::Currency;

    fn eur(amount: i64) -> Money {
        Money::new(amount, "EUR".parse::<Currency>().expect("a currency"))
    }

    fn is_sound(status: PaymentStatus, intent: IntentStatus) -> bool {
        let intent = Intent { intent_id: "pi".to_owned(), amount: eur(100), status: intent };
        contradiction(eur(100), status, &intent).is_none()
    }

    #[test]
    fn a_part_is_taken_of_a_booking_only() {
        let captured = |amount| IntentStatus::Captured { amount };
        for &status in PaymentStatus::ALL {
            assert!(is_sound(status, captured(100)) && is_sound(status, IntentStatus::Authorized), "{status}");
            assert!(!is_sound(status, captured(101)) && !is_sound(status, captured(0)), "{status}");
            let waits = status.is_open() || status == PaymentStatus::Authorized;
            assert_eq!(is_sound(status, captured(99)), !waits, "{status}");
        }
    }

    #[test]
    fn another_amount_is_another_payment() {
        let intent = Intent { intent_id: "pi".to_owned(), amount: eur(99), status: IntentStatus::Authorized };
        assert!(contradiction(eur(100), PaymentStatus::Processing, &intent).is_some());
    }
}
