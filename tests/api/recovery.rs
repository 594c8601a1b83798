//! kill -9 in the middle of a payment: a real process, stopped dead at each point from which another has to go on. Where
//! it is to be stopped, the test makes the database wait: the statement that would come next never ends.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::program::Serving;
use crate::support::{Answer, Guest, Hotel, TestApp, key};

/// A guest's hold, and no server but the one that is to be killed.
struct Scene {
    app: TestApp,
    ada: Guest,
    hotel: Hotel,
    hold_id: Value,
    serving: Option<Serving>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Self {
        let mut app = TestApp::start().await;
        let ada = app.guest();
        let hotel = Hotel::one_room(&app);
        let hold_id = ada.held(&hotel.id(), &hotel.stay(10, 12)).await["hold_id"].clone();
        app.stop();
        let folder = tempfile::tempdir().expect("a folder");
        let serving = Serving::beside(&app, folder.path(), &[]);
        let ada = ada.behind(&serving.address);
        Self { app, ada, hotel, hold_id, serving: Some(serving), _folder: folder }
    }

    fn payment(&self) -> Value {
        json!({ "hold_id": self.hold_id, "payment_method": "pm_card_visa" })
    }

    /// From now on a row that is written to `table` so that `when` never is.
    fn stop_at(&self, table: &str, when: &str) {
        self.app.execute(&format!(
            "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
             CREATE TRIGGER never BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION never()"
        ));
    }

    /// The guest's call, whose answer may never come.
    fn call(&self, method: Method, path: &str, key: &str, body: Value) -> JoinHandle<reqwest::Result<Answer>> {
        let (ada, path, key) = (self.ada.clone(), path.to_owned(), key.to_owned());
        tokio::spawn(async move {
            let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
            ada.attempt(method, &path, &headers, Some(body.to_string().into_bytes())).await
        })
    }

    /// Waits until the process is at the point, kills it there, and lets the leases run out that it had.
    async fn kill(&mut self) {
        let stuck = "SELECT count(*) > 0 FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event = 'PgSleep'";
        self.app.eventually(stuck, "true").await;
        self.serving.take().expect("it runs").kill();
        // What the dead process has open is rolled back as soon as the database notices: now.
        self.app.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid();
             DROP FUNCTION never CASCADE",
        );
        self.app.run_out_leases();
    }

    /// Our rows and the provider's, each intent and payment with what was taken and given back.
    fn money(&self) -> String {
        let ours = "SELECT string_agg(status || ' ' || captured_amount, ', ') FROM payments";
        let theirs = "SELECT string_agg(status || ' ' || captured_amount, ', ') FROM simulator_intents";
        let refunds = "SELECT coalesce(sum(amount), 0) FROM simulator_refunds";
        self.app.text(&format!("concat_ws(' / ', ({ours}), ({theirs}), ({refunds}))"))
    }

    fn attempt(&self) -> String {
        self.app.text("SELECT concat_ws(' ', p.status, recovery_point) FROM payments p, payment_attempts")
    }
}

/// Killed while paying, at `table` and `when`, where `attempt` and the provider's `intent` are found: another process
/// finishes the payment, and whoever sends the same call again is told of it.
async fn killed_while_paying(table: &str, when: &str, attempt: &str, intent: &str) {
    let mut scene = Scene::set().await;
    scene.stop_at(table, when);
    let key = key();
    let call = scene.call(Method::POST, "/payments", &key, scene.payment());
    scene.kill().await;
    call.await.expect("no panic").expect_err("nobody answers");
    let found = "SELECT coalesce((SELECT string_agg(status, ' ') FROM simulator_intents), 'none')";
    assert_eq!((scene.attempt().as_str(), scene.app.text(found).as_str()), (attempt, intent));

    let again = scene.app.beside().await;
    let ada = scene.ada.at(&again);
    again.eventually("SELECT status FROM payments", "authorized").await;
    assert_eq!(scene.money(), "authorized 0 / authorized 0 / 0");
    let paid = ada.post_keyed("/payments", &key, scene.payment()).await.ok(201);
    assert_eq!(paid["status"], "authorized");
    ada.confirm(&scene.hold_id).await.ok(201);
    again.eventually("SELECT status FROM payments", "captured").await;
    again.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    again.all_told().await;
    assert_eq!(scene.money(), "captured 20000 / captured 20000 / 0");
    assert_eq!(scene.hotel.stock(&scene.app, scene.hotel.day(10)), (0, 1));
    scene.app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_provider_was_reached() {
    killed_while_paying("simulator_requests", "NEW.request ->> 'operation' = 'create'", "initiated claimed", "none")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_intent_whose_id_is_not_stored() {
    let when = "NEW.recovery_point = 'intent_stored'";
    killed_while_paying("payment_attempts", when, "initiated claimed", "requires_confirmation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_intent_that_is_not_confirmed() {
    let when = "NEW.request ->> 'operation' = 'confirm'";
    killed_while_paying("simulator_requests", when, "initiated intent_stored", "requires_confirmation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_authorisation_that_is_not_settled() {
    killed_while_paying("payments", "NEW.status = 'authorized'", "initiated intent_stored", "authorized").await;
}

/// Another process has finished: nothing is owed, and the money is as it should be.
async fn finished(scene: &Scene, money: &str) {
    let again = scene.app.beside().await;
    again.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    again.all_told().await;
    assert_eq!(scene.money(), money);
    scene.app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_capture_that_is_not_recorded() {
    let mut scene = Scene::set().await;
    scene.ada.pay(&scene.hold_id, "pm_card_visa").await.ok(201);
    scene.stop_at("payments", "NEW.status = 'captured'");
    scene.ada.confirm(&scene.hold_id).await.ok(201);
    scene.kill().await;
    assert_eq!(scene.money(), "capture_pending 0 / captured 20000 / 0");
    finished(&scene, "captured 20000 / captured 20000 / 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_void_that_is_not_recorded() {
    let mut scene = Scene::set().await;
    scene.ada.pay(&scene.hold_id, "pm_card_visa").await.ok(201);
    scene.stop_at("payments", "NEW.status = 'voided'");
    let hold = format!("/holds/{}", scene.hold_id.as_str().expect("an id"));
    scene.ada.delete(&hold).await.ok(204);
    scene.kill().await;
    assert_eq!(scene.money(), "void_pending 0 / voided 0 / 0");
    finished(&scene, "voided 0 / voided 0 / 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_refund_that_is_not_recorded() {
    let mut scene = Scene::set().await;
    scene.ada.pay(&scene.hold_id, "pm_card_visa").await.ok(201);
    // Captured unasked, for a hold that is given back.
    scene.app.execute("UPDATE simulator_intents SET status = 'captured', captured_amount = amount");
    scene.stop_at("refunds", "NEW.status = 'succeeded'");
    let hold = format!("/holds/{}", scene.hold_id.as_str().expect("an id"));
    scene.ada.delete(&hold).await.ok(204);
    scene.kill().await;
    assert_eq!(scene.money(), "captured 20000 / captured 20000 / 20000");
    assert_eq!(scene.app.text("SELECT status FROM refunds"), "pending");
    finished(&scene, "captured 20000 / captured 20000 / 20000").await;
    assert_eq!(scene.app.text("SELECT status FROM refunds"), "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_payment_that_is_settled_and_not_answered() {
    // The completer has settled what a dead process began; the guest asks before and after the key's lease ran out.
    let mut scene = Scene::set().await;
    scene.stop_at("payments", "NEW.status = 'authorized'");
    let key = key();
    let call = scene.call(Method::POST, "/payments", &key, scene.payment());
    scene.kill().await;
    call.await.expect("no panic").expect_err("nobody answers");
    scene.app.execute("UPDATE idempotency_keys SET lease_until = clock_timestamp() + interval '1 hour'");
    let again = scene.app.beside().await;
    let ada = scene.ada.at(&again);
    again.eventually("SELECT status FROM payments", "authorized").await;
    ada.post_keyed("/payments", &key, scene.payment()).await.problem(409, "idempotency_in_progress");
    scene.app.execute("UPDATE idempotency_keys SET lease_until = clock_timestamp()");
    let paid = ada.post_keyed("/payments", &key, scene.payment()).await;
    assert_eq!((paid.ok(201)["status"].clone(), paid.header("idempotency-replayed")), (json!("authorized"), None));
    let replayed = ada.post_keyed("/payments", &key, scene.payment()).await;
    assert_eq!((replayed.ok(201), replayed.header("idempotency-replayed")), (paid.json(), Some("true")));
    assert_eq!(scene.money(), "authorized 0 / authorized 0 / 0");
}
