//! Idempotency keys of work that is ours alone: once, and the same answer each time.

use diesel::connection::SimpleConnection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, Terms, TestApp, key};

async fn quoted(guest: &Guest, hotel: &Hotel) -> Value {
    guest.quote(&guest.offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"]).await["quote_id"].clone()
}

/// The second answer is the first one again.
#[track_caller]
fn assert_replay(first: &Answer, second: &Answer) {
    assert_eq!(first.header("idempotency-replayed"), None, "{}", first.text);
    assert_eq!(second.header("idempotency-replayed"), Some("true"), "{}", second.text);
    assert_eq!((second.status, &second.text), (first.status, &first.text));
    for name in ["location", "content-type"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_the_funnel_replays() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    let mut ids = json!({ "offer_id": offer["offer_id"] });
    let guest = json!({ "full_name": "Ada", "email": ada.email });
    for (path, takes, gives, table) in [
        ("/quotes", "offer_id", "quote_id", "quotes"),
        ("/holds", "quote_id", "hold_id", "holds"),
        ("/payments", "hold_id", "payment_id", "payments"),
        ("/bookings", "hold_id", "booking_id", "bookings"),
    ] {
        let mut body = json!({ takes: ids[takes] });
        match path {
            "/payments" => body["payment_method"] = json!("pm_card_visa"),
            "/bookings" => body["guest"] = guest.clone(),
            _ => {}
        }
        let key = key();
        let first = ada.post_keyed(path, &key, body.clone()).await;
        let made = first.ok(201);
        let location = format!("/api/v1{path}/{}", made[gives].as_str().expect("an id"));
        assert_eq!(first.header("location"), Some(location.as_str()));
        for _ in 0..2 {
            assert_replay(&first, &ada.post_keyed(path, &key, body.clone()).await);
        }
        let mut other = body.clone();
        other[takes] = json!("019a0000-0000-7000-8000-000000000000");
        ada.post_keyed(path, &key, other).await.problem(409, "idempotency_key_reused");
        assert_eq!(app.rows(table), 1, "{table}");
        ids[gives] = made[gives].clone();
    }
    assert_eq!(app.rows("simulator_intents"), 1);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_keys_and_white_space_do_not_matter() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { payment_policy: "pay_at_property", ..Terms::default() });
    let hold = ada.hold(&quoted(&ada, &hotel).await).await.ok(201);
    let hold_id = &hold["hold_id"];
    let key = key();
    let sent = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
    let one = format!(r#"{{"hold_id":{hold_id},"guest":{{"full_name":"Zoé","email":"zoe@example.com"}}}}"#);
    let two = format!(
        "\n{{ \"guest\" : {{ \"email\": \"zoe@example.com\",\t\"full_name\": \"Zo\\u00e9\" }}, \"hold_id\": {hold_id} }}\n"
    );
    let first = ada.send(Method::POST, "/bookings", &sent, Some(one.into())).await;
    first.ok(201);
    assert_replay(&first, &ada.send(Method::POST, "/bookings", &sent, Some(two.into())).await);
    let other = format!(r#"{{"hold_id":{hold_id},"guest":{{"full_name":"Zoe","email":"zoe@example.com"}}}}"#);
    ada.send(Method::POST, "/bookings", &sent, Some(other.into())).await.problem(409, "idempotency_key_reused");
    assert_eq!(app.rows("bookings"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_was_decided_is_replayed() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let bob = app.guest();
    let hotel = Hotel::one_room(&app);
    let quote_id = quoted(&ada, &hotel).await;
    let taken = bob.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let key = key();
    let body = json!({ "quote_id": quote_id });
    let first = ada.post_keyed("/holds", &key, body.clone()).await;
    first.problem(409, "sold_out");
    bob.delete(&format!("/holds/{}", taken["hold_id"].as_str().expect("an id"))).await.ok(204);
    assert_replay(&first, &ada.post_keyed("/holds", &key, body.clone()).await);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0), "a replay takes no room");
    ada.post_keyed("/holds", &crate::support::key(), body).await.ok(201);

    // An unknown hold stays unknown under its key, too.
    let unknown = json!({ "hold_id": "019a0000-0000-7000-8000-000000000000", "payment_method": "pm_card_visa" });
    let key = crate::support::key();
    let first = ada.post_keyed("/payments", &key, unknown.clone()).await;
    first.problem(404, "not_found");
    assert_replay(&first, &ada.post_keyed("/payments", &key, unknown).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_the_work_began_is_not_stored() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let quote_id = quoted(&ada, &hotel).await;
    let key = key();
    ada.post_keyed("/holds", &key, json!({ "quote_id": "x" })).await.invalid("quote_id");
    Guest::stranger(&app).post_keyed("/holds", &key, json!({})).await.problem(401, "unauthenticated");
    assert_eq!(app.rows("idempotency_keys"), 0);
    let placed = ada.post_keyed("/holds", &key, json!({ "quote_id": quote_id })).await;
    placed.ok(201);
    assert_eq!(placed.header("idempotency-replayed"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_caller_and_its_operation() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let hotel = Hotel::with(&app, &Terms { capacity: 2, ..Terms::default() });
    let key = key();
    let mut holds = Vec::new();
    for guest in [&ada, &bob] {
        let quote_id = quoted(guest, &hotel).await;
        let placed = guest.post_keyed("/holds", &key, json!({ "quote_id": quote_id })).await;
        assert_eq!(placed.header("idempotency-replayed"), None);
        holds.push(placed.ok(201)["hold_id"].clone());
    }
    assert_ne!(holds[0], holds[1]);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (2, 0));
    let payment = json!({ "hold_id": holds[0], "payment_method": "pm_card_visa" });
    ada.post_keyed("/payments", &key, payment).await.ok(201);
    // A replay is authorised again: after logging out there is none.
    ada.post("/auth/logout", json!({ "refresh_token": ada.refresh_token })).await.ok(204);
    let again = ada.post_keyed("/holds", &key, json!({ "quote_id": holds[0] })).await;
    again.problem(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_at_once_with_one_key_place_one_hold() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: 20, ..Terms::default() });
    let body = json!({ "quote_id": quoted(&ada, &hotel).await });
    let key = key();
    let calls = (0..20).map(|_| {
        let (ada, key, body) = (ada.clone(), key.clone(), body.clone());
        tokio::spawn(async move { ada.post_keyed("/holds", &key, body).await })
    });
    let mut placed = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.expect("an answer");
        if answer.status == 409 {
            answer.problem(409, "idempotency_in_progress");
            assert!(answer.header("retry-after").is_some());
        } else {
            placed.push(answer.ok(201).to_string());
        }
    }
    placed.sort_unstable();
    placed.dedup();
    assert_eq!(placed.len(), 1, "{placed:?}");
    assert_eq!(app.rows("holds"), 1);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_reaped_while_it_is_asked_for_is_as_new() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let body = json!({ "offer_id": ada.offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"] });
    let key = key();
    let first = ada.post_keyed("/quotes", &key, body.clone()).await.ok(201)["quote_id"].clone();
    // Who finds the key taken stops there, before it reads what is stored. A key's own wait would end after a second.
    app.execute(
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = '10s' AS
             $$ BEGIN PERFORM pg_advisory_xact_lock(4712); RETURN NULL; END $$;
         CREATE TRIGGER stop AFTER INSERT ON idempotency_keys FOR EACH STATEMENT EXECUTE FUNCTION stop()",
    );
    let mut reaper = app.connect();
    reaper.batch_execute("SELECT pg_advisory_lock(4712)").expect("a lock");
    let again = tokio::spawn({
        let (ada, key, body) = (ada.clone(), key.clone(), body.clone());
        async move { ada.post_keyed("/quotes", &key, body).await }
    });
    let stopped = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712 AND NOT granted";
    app.eventually(stopped, "1").await;
    reaper.batch_execute("DELETE FROM idempotency_keys; SELECT pg_advisory_unlock(4712)").expect("its end");
    let again = again.await.expect("an answer");
    assert_ne!(again.ok(201)["quote_id"], first, "it ran again as a whole");
    assert_eq!(again.header("idempotency-replayed"), None);
    assert_replay(&again, &ada.post_keyed("/quotes", &key, body).await);
    assert_eq!((app.rows("quotes"), app.rows("idempotency_keys")), (2, 1));
}
