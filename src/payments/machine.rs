//! The rule of payments, pure: what becomes of a payment, its hold and what is owed, whoever brings the news and in
//! whatever order.
//!
//! Everything that decides is here; [`super::settle`], [`super::jobs`] and the bookings' cancellation only lock, ask
//! and carry out. `interleavings.rs` walks through every order of what can happen to this table, up to a bound.

use super::state::PaymentStatus::{
    self, Abandoned, Authorized, CaptureFailed, CapturePending, Captured, Failed, Initiated, Processing,
    RequiresAction, VoidPending, Voided,
};

/// What the provider says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Authorized,
    /// The guest has something to do at the provider's first.
    RequiresAction,
    Declined {
        code: String,
    },
    /// The money is taken already.
    Captured {
        amount: i64,
    },
    /// The intent is void: it will never yield money.
    Gone,
    /// The provider will not capture, though the authorisation stands.
    CaptureRefused,
    /// It cannot be told yet.
    Unknown,
}

/// Where the hold stands as regards one attempt, judged under its row lock by the database's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldSeen {
    /// Live and paying by this attempt.
    Awaits,
    /// Live and this attempt its newest, which should have had an outcome by now: no answer is as good as none.
    Overdue,
    /// Live, and not paying by this attempt: it is paid, or paid by another.
    Live,
    /// Its time is over, its rooms are still to be given back.
    Lapsed,
    /// Released or expired.
    Ended,
    /// It has become a booking.
    Booked,
}

/// What happens to the hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HoldMove {
    #[default]
    Stays,
    /// It waits for the guest, longer than for the provider.
    AwaitsAction,
    /// Active, and waiting for its confirmation.
    Paid,
    /// Active until its own expiry as if the attempt had not been, or expired if that is over.
    Resumes,
    Expires,
}

/// What is owed to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Owed {
    #[default]
    Nothing,
    Capture,
    Void,
    Refund {
        /// Minor units.
        amount: i64,
    },
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The states that the payment goes through, each an arrow of [`PaymentStatus::successors`].
    pub path: Vec<PaymentStatus>,
    pub hold: HoldMove,
    /// What is found taken now, in minor units.
    pub captured: i64,
    /// What of that a booking keeps.
    pub earned: i64,
    pub owes: Owed,
    /// The conversation about the attempt is over.
    pub is_closed: bool,
}

impl Verdict {
    fn to(path: &[PaymentStatus]) -> Self {
        Self { path: path.to_vec(), ..Self::default() }
    }

    fn hold(self, hold: HoldMove) -> Self {
        Self { hold, ..self }
    }

    fn owes(self, owes: Owed) -> Self {
        Self { owes, ..self }
    }

    fn closed(self) -> Self {
        Self { is_closed: true, ..self }
    }
}

/// An outcome meets a payment in a state, of which `keep` minor units may be kept for a booking.
///
/// Told again, or told late what cannot change anything, it changes nothing.
#[must_use]
pub fn settle(status: PaymentStatus, keep: i64, hold: HoldSeen, outcome: &Outcome) -> Verdict {
    let is_open = status.is_open();
    match outcome {
        Outcome::Authorized if is_open => match hold {
            HoldSeen::Awaits | HoldSeen::Overdue => Verdict::to(&[Authorized]).hold(HoldMove::Paid).closed(),
            _ => Verdict::to(&[Authorized, VoidPending]).owes(Owed::Void).hold(tidied(hold)).closed(),
        },
        Outcome::Authorized if status == Abandoned => Verdict::to(&[VoidPending]).owes(Owed::Void).closed(),
        Outcome::Declined { .. } if is_open => Verdict::to(&[Failed]).hold(freed(hold)).closed(),
        Outcome::Gone => gone(status, is_open, hold),
        Outcome::CaptureRefused if status == CapturePending => Verdict::to(&[CaptureFailed]).closed(),
        Outcome::Captured { amount } => captured(status, keep, hold, *amount),
        Outcome::Authorized | Outcome::Declined { .. } | Outcome::CaptureRefused => Verdict::default().closed(),
        Outcome::RequiresAction | Outcome::Unknown if is_open && hold != HoldSeen::Awaits => {
            Verdict::to(&[Abandoned]).hold(freed(hold))
        }
        Outcome::RequiresAction if status == Initiated => Verdict::to(&[RequiresAction]).hold(HoldMove::AwaitsAction),
        Outcome::Unknown if status == Initiated => Verdict::to(&[Processing]),
        Outcome::RequiresAction | Outcome::Unknown => Verdict::default(),
    }
}

/// The provider has let the money go.
fn gone(status: PaymentStatus, is_open: bool, hold: HoldSeen) -> Verdict {
    match status {
        _ if is_open => Verdict::to(&[Abandoned]).hold(freed(hold)).closed(),
        VoidPending => Verdict::to(&[Voided]).closed(),
        CapturePending => Verdict::to(&[CaptureFailed]).closed(),
        _ => Verdict::default().closed(),
    }
}

/// The provider has taken the money, asked or not. It belongs to the hold that waits for it, or to the booking that
/// was made of it, as far as that one may keep it; the rest is refunded.
fn captured(status: PaymentStatus, keep: i64, hold: HoldSeen, amount: i64) -> Verdict {
    let taken = Verdict { captured: amount, ..Verdict::to(&[Captured]).closed() };
    let refund = |amount| if amount > 0 { Owed::Refund { amount } } else { Owed::Nothing };
    match (status, hold) {
        (Captured, _) => Verdict::default().closed(),
        (Initiated | Processing | RequiresAction, HoldSeen::Awaits | HoldSeen::Overdue) => taken.hold(HoldMove::Paid),
        (Authorized, HoldSeen::Live) => taken,
        (CapturePending | CaptureFailed, HoldSeen::Booked) => {
            let earned = amount.min(keep);
            Verdict { earned, ..taken.owes(refund(amount - earned)) }
        }
        _ => taken.owes(refund(amount)).hold(freed(hold)),
    }
}

/// The hold without the attempt.
fn freed(hold: HoldSeen) -> HoldMove {
    match hold {
        HoldSeen::Awaits | HoldSeen::Overdue => HoldMove::Resumes,
        _ => tidied(hold),
    }
}

/// A hold whose row is locked and whose time is over is expired at once.
fn tidied(hold: HoldSeen) -> HoldMove {
    if hold == HoldSeen::Lapsed { HoldMove::Expires } else { HoldMove::Stays }
}

/// A hold ended without a booking, and this payment was made for it.
#[must_use]
pub fn give_back(status: PaymentStatus, refundable: i64) -> Verdict {
    match status {
        Authorized => Verdict::to(&[VoidPending]).owes(Owed::Void),
        Captured if refundable > 0 => Verdict::default().owes(Owed::Refund { amount: refundable }),
        _ => Verdict::default(),
    }
}

/// A live hold becomes a booking: its money is to be taken, unless the provider took it already.
#[must_use]
pub fn confirm(status: PaymentStatus, captured: i64) -> Verdict {
    match status {
        Authorized => Verdict::to(&[CapturePending]).owes(Owed::Capture),
        Captured => Verdict { earned: captured, ..Verdict::default() },
        _ => Verdict::default(),
    }
}

/// A booking is cancelled, and `keep` minor units of this payment are its penalty. What is not captured yet is captured
/// as far as that, or voided; of what is, the rest is refunded.
#[must_use]
pub fn cancel(status: PaymentStatus, refundable: i64, keep: i64) -> Verdict {
    match status {
        CapturePending if keep == 0 => Verdict::to(&[VoidPending]).owes(Owed::Void),
        Captured if refundable > keep => Verdict::default().owes(Owed::Refund { amount: refundable - keep }),
        _ => Verdict::default(),
    }
}

/// Whether the money is there, reserved or taken, and nobody has begun to give it back: what a confirmation wants.
#[must_use]
pub fn counts(status: PaymentStatus, refunded: bool) -> bool {
    matches!(status, Authorized | CapturePending | Captured) && !refunded
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDS: [HoldSeen; 6] =
        [HoldSeen::Awaits, HoldSeen::Overdue, HoldSeen::Live, HoldSeen::Lapsed, HoldSeen::Ended, HoldSeen::Booked];

    fn outcomes() -> [Outcome; 7] {
        [
            Outcome::Authorized,
            Outcome::RequiresAction,
            Outcome::Declined { code: "generic_decline".to_owned() },
            Outcome::Captured { amount: 100 },
            Outcome::Gone,
            Outcome::CaptureRefused,
            Outcome::Unknown,
        ]
    }

    /// Every verdict there is.
    fn verdicts() -> impl Iterator<Item = (PaymentStatus, HoldSeen, Outcome, Verdict)> {
        PaymentStatus::ALL.iter().flat_map(|&status| {
            HOLDS.into_iter().flat_map(move |hold| {
                outcomes().into_iter().map(move |outcome| {
                    let verdict = settle(status, 30, hold, &outcome);
                    (status, hold, outcome, verdict)
                })
            })
        })
    }

    #[test]
    fn every_path_follows_the_arrows() {
        for (status, hold, outcome, verdict) in verdicts() {
            verdict.path.iter().fold(status, |from, &to| {
                assert!(from.successors().contains(&to), "{status} {hold:?} {outcome:?}: {from} → {to}");
                to
            });
        }
    }

    #[test]
    fn the_same_news_twice_changes_nothing_more() {
        for (status, hold, outcome, verdict) in verdicts() {
            let Some(&now) = verdict.path.last() else { continue };
            let again = settle(now, 30, after(hold, verdict.hold), &outcome);
            assert_eq!((again.path, again.owes), (vec![], Owed::Nothing), "{status} {hold:?} {outcome:?}");
        }
    }

    fn after(hold: HoldSeen, moved: HoldMove) -> HoldSeen {
        match moved {
            HoldMove::Stays | HoldMove::AwaitsAction => hold,
            HoldMove::Paid | HoldMove::Resumes => HoldSeen::Live,
            HoldMove::Expires => HoldSeen::Ended,
        }
    }

    #[test]
    fn captured_money_is_kept_for_a_hold_or_a_booking_or_given_back() {
        let captured = |status, hold| settle(status, 30, hold, &Outcome::Captured { amount: 100 }).owes;
        assert_eq!(captured(Processing, HoldSeen::Awaits), Owed::Nothing);
        assert_eq!(captured(Authorized, HoldSeen::Live), Owed::Nothing);
        assert_eq!(captured(CapturePending, HoldSeen::Booked), Owed::Refund { amount: 70 });
        for status in [Failed, Abandoned, VoidPending, Voided] {
            for hold in HOLDS {
                assert_eq!(captured(status, hold), Owed::Refund { amount: 100 }, "{status} {hold:?}");
            }
        }
    }

    #[test]
    fn a_late_decline_never_undoes_a_capture() {
        for hold in HOLDS {
            let late = settle(Captured, 100, hold, &Outcome::Declined { code: String::new() });
            assert_eq!(late, Verdict::default().closed());
        }
    }
}
