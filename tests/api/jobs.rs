//! Jobs: leased by one worker at a time.

use diesel::RunQueryDsl;
use lastroom::db::{DbError, Tx};
use lastroom::outbox::jobs;

use crate::support::{Hotel, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_changes_nothing_of_the_job() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    // No worker finds it before it is leased here.
    app.execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN NEW.run_at = clock_timestamp() + interval '1 hour'; RETURN NEW; END $$;
         CREATE TRIGGER wait BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION wait()",
    );
    ada.confirm(&hold["hold_id"]).await.ok(201);
    let db = app.db();
    let lease = |tx: &mut Tx<'_>| {
        diesel::sql_query("UPDATE jobs SET run_at = clock_timestamp() - interval '1 hour', leased_until = NULL")
            .execute(&mut **tx)?;
        Ok::<_, DbError>(jobs::lease(tx)?.expect("the capture"))
    };
    let late = db.write(lease).await.expect("a job");
    let ours = db.write(lease).await.expect("the same job");
    assert_eq!((late.subject_id, late.tries + 1), (ours.subject_id, ours.tries));
    let leased = "SELECT count(*) FROM jobs WHERE done_at IS NULL AND leased_until > clock_timestamp()";
    db.write(move |tx| jobs::postpone(tx, &late, "too late").and_then(|()| jobs::done(tx, &late)))
        .await
        .expect("nothing");
    assert_eq!(app.number(leased), 1);
    app.execute("UPDATE jobs SET run_at = clock_timestamp(), leased_until = NULL");
    app.eventually("SELECT status FROM payments", "captured").await;
    app.verified();
}
