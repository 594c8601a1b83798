//! The walk of a guest: search, offers, quote, hold, pay, confirm.

use serde_json::json;

use crate::support::{Hotel, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_books_the_last_room() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let ada = app.guest();
    let found = ada.get(&format!("/search?city=PARÍS&country=fr&{}", hotel.stay(10, 12))).await.ok(200);
    assert_eq!(found["data"][0]["hotel_id"], hotel.id());
    assert_eq!(found["data"][0]["cheapest_offer"]["total"], json!({ "amount": 20_000, "currency": "EUR" }));
    assert_eq!(found["data"][0]["cheapest_offer"]["rooms_left"], 1);
    assert_eq!(found["next_cursor"], json!(null));

    let quote = ada.quote(&found["data"][0]["cheapest_offer"]["offer_id"]).await;
    assert_eq!(quote["due_now"]["amount"], 20_000);
    let hold = ada.hold(&quote["quote_id"]).await;
    let body = hold.ok(201);
    assert_eq!(body["status"], "active");
    assert_eq!(hold.header("location"), body["hold_id"].as_str().map(|id| format!("/api/v1/holds/{id}")).as_deref());
    assert_eq!(hold.header("etag"), Some("\"1\""));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));

    ada.confirm(&body["hold_id"]).await.problem(409, "payment_required");
    let payment = ada.pay(&body["hold_id"], "pm_card_visa").await.ok(201);
    assert_eq!(payment["status"], "authorized");
    assert_eq!(payment["amount"]["amount"], 20_000);
    let booking = ada.confirm(&body["hold_id"]).await.ok(201);
    assert_eq!(booking["status"], "confirmed");
    assert_eq!(booking["rooms"].as_array().map(Vec::len), Some(1));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 1));
    assert_eq!(hotel.stock(&app, hotel.day(12)), (0, 0), "the day of departure is nobody's night");

    let again = ada.confirm(&body["hold_id"]).await.problem(409, "hold_converted");
    assert_eq!(again["booking_id"], booking["booking_id"]);
    let own = ada.get("/bookings").await.ok(200);
    assert_eq!(own["data"][0]["booking_id"], booking["booking_id"]);
    let code = json!({ "confirmation_code": booking["confirmation_code"], "email": ada.email.to_uppercase() });
    assert_eq!(ada.post("/bookings/lookup", code).await.ok(200)["booking_id"], booking["booking_id"]);
    app.verified();
}
