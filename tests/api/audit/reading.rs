//! `GET /admin/audit`.

use serde_json::{Value, json};

use super::words;
use crate::support::{Guest, Made, TestApp};

async fn read(reader: &Guest, query: &str) -> Value {
    reader.get(&format!("/admin/audit?{query}")).await.ok(200)
}

fn size(page: &Value) -> usize {
    page["data"].as_array().expect("a list").len()
}

async fn id(of: &Guest) -> String {
    of.get("/auth/me").await.ok(200)["user_id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_read_of_their_own_hotels_and_admins_read_all() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.first_admin().await, app.manager());
    let (own, other) = (Made::by(&admin).await, Made::by(&admin).await);
    assert_eq!(size(&read(&manager, "").await), 0, "a member of nothing");
    app.grant(&manager, std::slice::from_ref(&own.hotel_id));
    let seen = read(&manager, "").await;
    assert_eq!((size(&seen), words(&seen, "hotel_id")), (5, [own.hotel_id.as_str()].into()));
    for query in [
        format!("hotel_id={}", other.hotel_id),
        format!("resource_id={}", other.hotel_id),
        format!("hotel_id={}", uuid::Uuid::nil()),
        "resource=session".to_owned(),
        format!("hotel_id={}' OR true --", other.hotel_id).replace(' ', "%20"),
    ] {
        let answer = manager.get(&format!("/admin/audit?{query}")).await;
        assert!(answer.status == 422 || size(&answer.ok(200)) == 0, "{query}: {}", answer.text);
    }
    // A hotel that is deleted is theirs still: who did it stands in the log.
    admin.delete_version(&own.path(""), "\"1\"").await.ok(204);
    let seen = read(&manager, "action=deleted").await;
    let entry = &seen["data"][0];
    assert_eq!((size(&seen), &entry["actor_email"], &entry["resource"]), (1, &json!(admin.email), &json!("hotel")));
    assert_eq!((&entry["before"]["deleted_at"], entry["after"]["deleted_at"].is_string()), (&Value::Null, true));

    let all = read(&admin, "").await;
    assert_eq!(words(&all, "hotel_id"), [own.hotel_id.as_str(), other.hotel_id.as_str()].into());
    assert!(all["data"].as_array().expect("a list").iter().any(|entry| entry["hotel_id"].is_null()), "{all}");
    let times: Vec<_> = all["data"].as_array().expect("a list").iter().map(|entry| &entry["created_at"]).collect();
    assert!(times.iter().zip(times.iter().skip(1)).all(|(newer, older)| newer.as_str() >= older.as_str()), "{times:?}");
    app.guest().get("/admin/audit").await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_found_by_who_what_and_when() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.first_admin().await, app.manager());
    let made = Made::by(&admin).await;
    app.grant(&manager, std::slice::from_ref(&made.hotel_id));
    manager.patch(&made.tax_path(), "\"1\"", json!({ "value": 12 })).await.ok(200);
    let (manager_id, tax_id) = (id(&manager).await, made.tax["tax_id"].as_str().expect("an id"));
    app.all_sealed().await;
    let by = read(&admin, &format!("actor={manager_id}&hotel_id={}", made.hotel_id)).await;
    let entry = &by["data"][0];
    assert_eq!((size(&by), &entry["resource_id"], &entry["action"]), (1, &json!(tax_id), &json!("changed")));
    assert_eq!((&entry["before"]["value"], &entry["after"]["value"]), (&json!(10), &json!(12)));
    assert_eq!((&entry["seq"], entry["hash"].as_str().map(str::len)), (&json!(6), Some(64)), "{entry}");
    let of = read(&admin, &format!("resource_id={tax_id}")).await;
    assert_eq!((size(&of), words(&of, "action")), (2, ["changed", "created"].into()));
    assert_eq!(size(&read(&admin, &format!("resource=tax&action=created&hotel_id={}", made.hotel_id)).await), 1);
    assert_eq!(words(&read(&admin, "resource=session").await, "action"), ["signed_in"].into());

    // Half-open: from the moment on, until before the moment.
    let (last, first) = (entry["created_at"].as_str().expect("a time"), "2020-01-01T00:00:00Z");
    let own = format!("hotel_id={}", made.hotel_id);
    assert_eq!(size(&read(&admin, &format!("{own}&from={last}")).await), 1);
    assert_eq!(size(&read(&admin, &format!("{own}&from={first}&to={last}")).await), 5);
    for (query, field) in [
        (format!("from={last}&to={first}"), "to"),
        (format!("from={last}&to={last}"), "to"),
        ("from=yesterday".to_owned(), "from"),
        ("from=-5000-01-01T00:00:00Z".to_owned(), "from"),
        ("to=%2B10000-01-01T00:00:00Z".to_owned(), "to"),
        ("actor=me".to_owned(), "actor"),
        ("hotel_id=1".to_owned(), "hotel_id"),
        ("action=dance".to_owned(), "action"),
        ("resource='".to_owned(), "resource"),
        ("limit=0".to_owned(), "limit"),
        ("limit=201".to_owned(), "limit"),
        ("sort=name".to_owned(), "sort"),
    ] {
        admin.get(&format!("/admin/audit?{query}")).await.invalid(field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_one_another_and_a_cursor_is_good_for_its_own_list() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    // All at one instant: the ids decide.
    app.execute("UPDATE audit_entries SET created_at = '2026-01-01' WHERE resource IN ('room', 'tax', 'rate_plan')");
    let own = format!("hotel_id={}", made.hotel_id);
    let whole = read(&admin, &own).await;
    assert_eq!((size(&whole), &whole["next_cursor"]), (5, &Value::Null));
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for rows in [2, 2, 1] {
        let page = read(&admin, &format!("{own}&limit=2{cursor}")).await;
        assert_eq!(size(&page), rows);
        found.extend(page["data"].as_array().expect("a list").clone());
        cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
    }
    assert_eq!((json!(found), cursor.as_str()), (whole["data"].clone(), ""));
    let page = read(&admin, &format!("{own}&limit=2")).await;
    let next = page["next_cursor"].as_str().expect("a cursor");
    for query in
        [format!("cursor={next}"), format!("{own}&action=created&cursor={next}"), format!("{own}&cursor={next}x")]
    {
        admin.get(&format!("/admin/audit?{query}")).await.problem(400, "cursor_invalid");
    }
}

/// Scans of the whole log, and rows read of it by indexes, by all connections that are closed.
fn reads(app: &TestApp) -> (i64, i64) {
    // A connection tells what it has read when it ends, at the latest.
    app.database.end_sessions();
    let of_log = "FROM pg_stat_user_tables WHERE relname = 'audit_entries'";
    (app.number(&format!("SELECT seq_scan {of_log}")), app.number(&format!("SELECT idx_tup_fetch {of_log}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_a_bounded_part_of_a_long_log() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.admin(), app.manager());
    let made = Made::by(&admin).await;
    app.grant(&manager, std::slice::from_ref(&made.hotel_id));
    app.all_sealed().await;
    // Nearly all are sign-ins of nobody in particular; of the hotel's, nearly all are rates. Plans are made as for any
    // parameters, as they are from the sixth call on.
    app.execute(&format!(
        "INSERT INTO audit_entries (hotel_id, audit_id, action, resource, actor_id, created_at)
         SELECT CASE WHEN is_sign_in THEN '{}' WHEN n % 20 = 0 THEN '{}' ELSE md5((n % 100)::text)::uuid END,
             gen_random_uuid(), CASE WHEN is_sign_in THEN 'signed_in' ELSE 'changed' END,
             CASE WHEN is_sign_in THEN 'session' ELSE 'rates' END, md5((n % 1000)::text)::uuid,
             '2025-01-01'::timestamptz + n * interval '1 minute'
         FROM (SELECT n, n % 10 > 0 AS is_sign_in FROM generate_series(1, 30000) n) entries;
         DO $$ BEGIN
             EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan', current_database());
         END $$",
        uuid::Uuid::nil(),
        made.hotel_id
    ));
    app.execute("VACUUM (ANALYZE) audit_entries");
    let (scans, rows) = reads(&app);
    let (hotel, tax) = (&made.hotel_id, made.tax["tax_id"].as_str().expect("an id"));
    let queries = [
        String::new(),
        "action=restored".to_owned(),
        "action=deleted&resource=session".to_owned(),
        "resource=tax".to_owned(),
        format!("actor={}", id(&manager).await),
        format!("resource_id={tax}"),
        format!("resource_id={tax}&action=restored"),
        format!("hotel_id={hotel}"),
        format!("hotel_id={hotel}&action=restored"),
        format!("hotel_id={hotel}&resource=tax"),
        "from=2025-01-02T00:00:00Z&to=2025-01-03T00:00:00Z".to_owned(),
        "to=2024-01-01T00:00:00Z&resource=rates".to_owned(),
    ];
    for query in &queries {
        for reader in [&admin, &manager] {
            let page = read(reader, &format!("{query}&limit=10")).await;
            if let Some(next) = page["next_cursor"].as_str() {
                read(reader, &format!("{query}&limit=10&cursor={next}")).await;
            }
        }
    }
    let (scans_after, rows_after) = reads(&app);
    assert_eq!(scans_after, scans, "the whole log was read");
    // 11 rows of each strand, of which no query here has more than two with so many.
    let most = i64::try_from(queries.len()).expect("a number") * 2 * 2 * 2 * 11;
    assert!(rows_after - rows <= most, "{} rows were read, {most} at most were expected", rows_after - rows);
    assert!(rows_after > rows, "nothing was counted");
}
