//! The verifier: silent about a sound database, and loud about every breach.

use lastroom::verify::{Line, examine};

use crate::support::{Hotel, TestApp};

/// The lines of broken invariants.
fn breached(app: &TestApp) -> Vec<Line> {
    let report = examine(&mut app.connect()).expect("a database to examine");
    report.lines.into_iter().filter(|line| line.breaches > 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capacity_corrupted_by_hand_is_refused_by_the_check_and_found_without_it() {
    let app = TestApp::start().await;
    let ada = app.guest().await;
    let hotel = Hotel::one_room(&app);
    ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    app.verified();
    let corrupt = "UPDATE inventory SET capacity = 0 WHERE held = 1";
    let refused = diesel::connection::SimpleConnection::batch_execute(&mut app.connect(), corrupt);
    assert!(refused.is_err_and(|error| error.to_string().contains("inventory_never_oversold")));
    app.execute(&format!("ALTER TABLE inventory DROP CONSTRAINT inventory_never_oversold; {corrupt}"));
    let [line] = &breached(&app)[..] else { panic!("{:?}", breached(&app)) };
    assert_eq!((line.name, line.rows, line.breaches), ("stock.never_oversold", 60, 2));
    let night = |days| format!("{} {} {}", hotel.hotel_id, hotel.room_type_id, hotel.day(days));
    assert_eq!(line.ids, [night(10), night(11)]);
}
