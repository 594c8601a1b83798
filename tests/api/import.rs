//! `lastroom import hotels` as an operator runs it: the real binary, on files that a test writes.

mod crash;
pub mod desk;
mod files;
mod lines;

use std::path::Path;

use desk::{Desk, csv, line};
use diesel::connection::SimpleConnection;
use lastroom::db::roles::OWNER;

use crate::migrations::lines;
use crate::support::app::SECRET;
use crate::support::database::{Database, Start};
use crate::support::program::lastroom;

#[tokio::test(flavor = "multi_thread")]
async fn a_hotel_comes_whole() {
    let desk = Desk::new().await;
    let lines = [
        "7,test,Le Grand,1 rue A,75001,PARIS 1ER ARRONDISSEMENT,FR,48.86,2.35,4,10,Europe/Paris".to_owned(),
        "8,test,Les Gîtes,,,Saint-Étienne,fr,,,,2,Europe/Paris".to_owned(),
    ];
    let summary = desk.import(csv(&lines), &["--days", "20"]).done();
    assert!(summary.contains("2 lines, 2 hotels"), "{summary}");

    let app = &desk.app;
    assert_eq!(
        app.text("SELECT string_agg(concat_ws('|', external_key, name, city, city_key, country, time_zone, currency, address, \
                  lat, lon, coalesce(stars::text, 'none')), E'\n' ORDER BY external_key) FROM hotels"),
        "test:7|Le Grand|PARIS 1ER ARRONDISSEMENT|paris|FR|Europe/Paris|EUR|1 rue A, 75001|48.86|2.35|4\n\
         test:8|Les Gîtes|Saint-Étienne|saint etienne|FR|Europe/Paris|EUR|none",
        "what the line does not say stays unsaid"
    );
    assert_eq!(app.number("SELECT count(*) FROM hotels WHERE lat IS NULL AND lon IS NULL AND address IS NULL"), 1);
    let types = "SELECT string_agg(DISTINCT t.name || ' ' || i.capacity, ', ')
                 FROM inventory i JOIN room_types t USING (hotel_id, room_type_id) JOIN hotels h USING (hotel_id)
                 WHERE external_key = ";
    assert_eq!(app.text(&format!("{types}'test:7'")), "Standard double 6, Suite 1, Superior double 3");
    assert_eq!(app.text(&format!("{types}'test:8'")), "Standard double 2", "no type without rooms");
    assert_eq!(
        app.text(
            "SELECT string_agg(DISTINCT concat_ws(' ', name, meal_plan, payment_policy, derived_percent), ', ')
             FROM rate_plans"
        ),
        "Flexible room_only prepaid, Flexible with breakfast breakfast prepaid, \
         Non-refundable room_only prepaid -12.000, Pay at the property room_only pay_at_property 6.000"
    );
    assert_eq!((app.rows("rate_plans"), app.rows("taxes"), app.rows("rate_plan_room_types")), (8, 4, 16));
    assert_eq!(app.rows("cancellation_tiers"), 10);
    assert_eq!((app.rows("inventory"), app.rows("rates")), (4 * 20, 4 * 20), "a night is one row a room type");
    assert_eq!(
        app.number("SELECT min(stay_date) - (now() AT TIME ZONE 'Europe/Paris')::date FROM inventory"),
        0,
        "from the hotel's own today"
    );
    assert_eq!(app.number("SELECT count(*) FROM hotels WHERE horizon_days = 20"), 2, "as many it keeps ahead");
    assert_eq!(app.number("SELECT count(*) FROM rates WHERE price <= 0 OR price % 100 <> 0"), 0);
}

/// Runs a command that ends, on a database without a server.
fn run(database: &Database, folder: &Path, arguments: &[&str]) -> desk::Ended {
    let mut command = lastroom(folder, &[("DATABASE_URL", &database.url_as(OWNER)), ("LASTROOM_SECRET_KEY", SECRET)]);
    command.args(arguments).output().expect("the binary").into()
}

#[test]
fn each_hotel_is_written_down_as_staff_see_it_and_sealed_by_the_command() {
    let (database, folder) = (Database::create(Start::Migrated), tempfile::tempdir().expect("a folder"));
    let import = |numbers: &[u32]| {
        let wanted: Vec<_> = numbers.iter().copied().map(line).collect();
        std::fs::write(folder.path().join("hotels.csv"), csv(&wanted)).expect("a file");
        run(&database, folder.path(), &["import", "hotels", "hotels.csv", "--days", "3"])
    };
    let rows = |sql: &str| lines(&mut database.connect(), sql);
    import(&[1, 2]).done();
    let told = "SELECT concat_ws(' ', a.resource, a.action, a.actor_id IS NULL, a.before IS NULL, topic, payload,
                    a.after ->> 'name' = h.name, a.after ->> 'version', seq) AS line
                FROM hotels h JOIN audit_entries a ON a.hotel_id = h.hotel_id AND a.resource_id = h.hotel_id
                JOIN outbox_events o ON o.hotel_id = h.hotel_id AND o.subject_id = h.hotel_id
                LEFT JOIN audit_seals s ON s.hotel_id = a.hotel_id AND s.audit_id = a.audit_id";
    assert_eq!(rows(told), [r#"hotel imported t t hotel.imported {"version": 1} t 1 1"#; 2]);
    // What was there already is not written down again, and what cannot be sealed fails no command.
    let change = |sql: &str| database.connect().batch_execute(sql).expect("a change");
    change("ALTER TABLE audit_seals RENAME TO elsewhere");
    let ended = import(&[1, 2, 3]);
    assert!(ended.stderr.contains("could not be sealed"), "{}", ended.stderr);
    ended.done();
    let count =
        "SELECT concat_ws(' ', (SELECT count(*) FROM audit_entries), (SELECT count(*) FROM audit_unsealed)) AS line";
    assert_eq!(rows(count), ["3 1"]);
    change("ALTER TABLE elsewhere RENAME TO audit_seals");
    // The next command does it, whatever it is about.
    run(&database, folder.path(), &["keys", "rotate"]).done();
    assert_eq!(rows(count), ["4 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_twice_is_nothing_twice() {
    let desk = Desk::new().await;
    let file = csv(&[line(1), line(2)]);
    desk.import(&file, &[]).done();
    let before = desk.counts();
    assert_eq!(before[0], 2);
    let again = desk.import(&file, &[]).done();
    assert!(again.contains("2 lines, 0 hotels") && again.contains("2 hotels were there already"), "{again}");
    assert_eq!(desk.counts(), before);
    desk.import(csv(&[line(2), line(3)]), &[]).done();
    assert_eq!(desk.counts()[0], 3, "and what is new comes in");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_stand_in_any_order_and_others_are_passed_over() {
    let desk = Desk::new().await;
    let file = "Timezone,rooms,stars,lon,lat,country_code,city,colour,address,name,source,hotel_no,currency\n\
                Asia/Tokyo,3,5,139.7,35.7,JP,東京,blue,,帝国,test,1,JPY\n";
    desk.import(file, &[]).done();
    let app = &desk.app;
    assert_eq!(
        app.text("SELECT concat_ws(' ', name, city, city_key, currency) FROM hotels"),
        "帝国 東京 dong jing JPY"
    );
    assert_eq!(app.number("SELECT count(*) FROM rates WHERE price < 100"), 0, "whole yen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_a_column_changes_nothing() {
    let desk = Desk::new().await;
    let no_rooms = csv(&[line(1)]).replacen(",rooms,", ",beds,", 1);
    let semicolons = csv(&[line(1)]).replace(',', ";");
    for (file, missing) in [(no_rooms.as_str(), "rooms"), (semicolons.as_str(), "hotel_no"), ("", "hotel_no")] {
        let ended = desk.import(file, &[]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("no column {missing}")), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
        assert_eq!(desk.rejects(), None, "not even a reject file");
    }
    assert_eq!(desk.counts(), [0; 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_is_named() {
    let desk = Desk::new().await;
    let ended = desk.run(&["import", "hotels", "nowhere.csv"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("cannot read nowhere.csv"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reject_file_never_replaces_the_file() {
    let desk = Desk::new().await;
    let path = desk.write("hotels.csv", csv(&[line(1)]).as_bytes());
    let ended = desk.run(&["import", "hotels", "hotels.csv", "--rejects", "./hotels.csv"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(path).expect("the file"), csv(&[line(1)]));
}
