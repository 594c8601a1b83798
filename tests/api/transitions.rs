//! The state tables: what the code allows is what the contract draws, and the database knows the same words.

use diesel::prelude::*;
use diesel::sql_types::Text;
use lastroom::access::throttle::Kind as ThrottleKind;
use lastroom::bookings::state::BookingStatus;
use lastroom::holds::state::HoldStatus;
use lastroom::outbox::jobs::JobKind;
use lastroom::payments::ledger::{Account, Kind};
use lastroom::payments::refunds::owe::RefundReason;
use lastroom::payments::simulator::ledger::LedgerStatus;
use lastroom::payments::state::{PaymentStatus, RefundStatus};
use lastroom::payments::webhook::store::EventStatus;
use lastroom::rates::plan::{Due, MealPlan, PaymentPolicy};
use lastroom::rates::pricing::TaxKind;

use crate::support::database::{Database, Start};
use crate::support::golden::assert_golden;

/// A state and what may follow it.
type Arrows = Vec<(&'static str, Vec<&'static str>)>;

macro_rules! arrows {
    ($status:ident) => {
        $status::ALL
            .iter()
            .map(|from| (from.as_str(), from.successors().iter().map(|to| to.as_str()).collect()))
            .collect::<Arrows>()
    };
}

macro_rules! words {
    ($enumeration:ident) => {
        $enumeration::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>()
    };
}

fn machines() -> [(&'static str, Arrows); 4] {
    [
        ("hold", arrows!(HoldStatus)),
        ("payment", arrows!(PaymentStatus)),
        ("refund", arrows!(RefundStatus)),
        ("booking", arrows!(BookingStatus)),
    ]
}

#[test]
fn the_state_tables_are_the_golden_ones() {
    let mut text = String::new();
    for (machine, arrows) in machines() {
        for (from, to) in arrows {
            let to = if to.is_empty() { "(end)".to_owned() } else { to.join(" | ") };
            text = format!("{text}{machine:<8} {from:<16} -> {to}\n");
        }
    }
    assert_golden("transitions.txt", &text);
}

/// The contract's "States (no other arrow exists)", drawn by hand.
fn contract() -> [(&'static str, Vec<(&'static str, &'static str)>); 4] {
    let payment_drawn = [
        ("initiated", "processing requires_action authorized failed abandoned"),
        ("processing", "authorized failed abandoned"),
        ("requires_action", "authorized failed abandoned"),
        ("authorized", "capture_pending void_pending"),
        ("capture_pending", "captured capture_failed void_pending"),
        ("abandoned", "void_pending"),
        ("void_pending", "voided"),
        // Any uncaptured state, on the provider's evidence.
        ("initiated", "captured"),
        ("processing", "captured"),
        ("requires_action", "captured"),
        ("authorized", "captured"),
        ("failed", "captured"),
        ("abandoned", "captured"),
        ("capture_failed", "captured"),
        ("void_pending", "captured"),
        ("voided", "captured"),
    ];
    let hold_drawn = [("active", "paying released expired converted"), ("paying", "active expired")];
    let refund_drawn = [("pending", "succeeded failed")];
    let booking_drawn = [
        ("confirmed", "cancelled checked_in no_show"),
        ("checked_in", "checked_out"),
        // Staff's undos.
        ("no_show", "confirmed"),
        ("checked_in", "confirmed"),
        ("checked_out", "checked_in"),
    ];
    let single = |drawn: &[(&'static str, &'static str)]| {
        let mut arrows: Vec<_> =
            drawn.iter().flat_map(|(from, to)| to.split(' ').map(|to| (*from, to)).collect::<Vec<_>>()).collect();
        arrows.sort_unstable();
        arrows
    };
    [
        ("hold", single(&hold_drawn)),
        ("payment", single(&payment_drawn)),
        ("refund", single(&refund_drawn)),
        ("booking", single(&booking_drawn)),
    ]
}

#[test]
fn every_arrow_of_the_contract_exists_and_no_other() {
    for ((machine, arrows), (name, drawn)) in machines().into_iter().zip(contract()) {
        assert_eq!(machine, name);
        let mut coded: Vec<_> =
            arrows.into_iter().flat_map(|(from, to)| to.into_iter().map(move |to| (from, to))).collect();
        coded.sort_unstable();
        let missing: Vec<_> = drawn.iter().filter(|arrow| !coded.contains(arrow)).collect();
        let invented: Vec<_> = coded.iter().filter(|arrow| !drawn.contains(arrow)).collect();
        assert!(
            missing.is_empty() && invented.is_empty(),
            "{machine}: successors() lacks {missing:?} and invents {invented:?}; the contract decides"
        );
    }
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    definition: String,
}

/// The quoted words of a CHECK.
fn checked_words(conn: &mut PgConnection, constraint: &str) -> Vec<String> {
    let found: Vec<Definition> =
        diesel::sql_query("SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conname = $1")
            .bind::<Text, _>(constraint)
            .load(conn)
            .expect("the catalogue");
    assert_eq!(found.len(), 1, "{constraint} is to exist once");
    found[0].definition.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_database_accepts_exactly_the_words_of_each_enum() {
    let database = Database::create(Start::Migrated);
    let mut conn = database.connect();
    for (constraint, words) in [
        ("holds_status_known", words!(HoldStatus)),
        ("payments_status_known", words!(PaymentStatus)),
        ("refunds_status_known", words!(RefundStatus)),
        ("refunds_reason_known", words!(RefundReason)),
        ("ledger_lines_account_known", words!(Account)),
        ("ledger_lines_kind_known", words!(Kind)),
        ("bookings_status_known", words!(BookingStatus)),
        ("jobs_kind_known", words!(JobKind)),
        ("simulator_intents_status_known", words!(LedgerStatus)),
        ("webhook_events_status_known", words!(EventStatus)),
        ("rate_plans_meal_plan_known", words!(MealPlan)),
        ("rate_plans_payment_policy_known", words!(PaymentPolicy)),
        ("taxes_kind_known", words!(TaxKind)),
        ("taxes_due_known", words!(Due)),
        ("throttles_subject_known", words!(ThrottleKind)),
    ] {
        let (mut checked, mut words) = (checked_words(&mut conn, constraint), words);
        checked.sort();
        words.sort_unstable();
        assert_eq!(checked, words, "{constraint} and the enum: a new word needs a migration");
    }
}
