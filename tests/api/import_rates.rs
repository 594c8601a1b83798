//! `lastroom import rates` as an operator runs it: the real binary, beside a running server.

use serde_json::json;

use crate::admin_inventory::{grid, items, manager_of};
use crate::admin_rates::{derived, euro, item, path};
use crate::import::desk::Desk;
use crate::support::{Hotel, Terms};

const HEADER: &str = "room_type,rate_plan,date,price,min_stay,max_stay,closed,closed_to_arrival,closed_to_departure";

fn csv(lines: &[String]) -> String {
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_sets_what_it_says_and_nothing_else() {
    let desk = Desk::new().await;
    let app = &desk.app;
    let hotel = Hotel::one_room(app);
    let cheaper = derived(app, &hotel);
    let staff = manager_of(app, &hotel).await;
    let plan = |day: u64, rest: &str| format!("double,FLEXIBLE,{},{rest}", hotel.day(day));
    let file = csv(&[
        plan(1, "101.50,2,9,true,1,"),
        plan(2, ",,,,,true"),
        format!("{},{},{},none,,,,,", hotel.room_type_id, hotel.rate_plan_id, hotel.day(3)),
        format!("Double,Derived,{},,3,,,,", hotel.day(4)),
        plan(80, "99,,,,,"),
        plan(5, "100.00,,,false,0,"),
    ]);
    let summary = desk.import_rates(&hotel.id(), &file).done();
    assert!(summary.contains("6 lines, 5 nights changed") && summary.contains("1 nights were so already"), "{summary}");
    assert_eq!(desk.rejects_of("rates.csv"), Some(vec![]));

    let rows = grid(&staff, &format!("{}?from={}&to={}", path(&hotel), hotel.day(0), hotel.day(81))).await;
    let night = |of: &Hotel, day: u64| {
        let is = |row: &&serde_json::Value| {
            row["rate_plan_id"] == json!(of.rate_plan_id) && row["date"] == json!(hotel.day(day))
        };
        let row = rows.iter().find(is).expect("a night");
        ["price", "min_stay", "max_stay", "closed", "closed_to_arrival", "closed_to_departure", "version"]
            .map(|field| row[field].clone())
    };
    assert_eq!(json!(night(&hotel, 1)), json!([euro(10_150), 2, 9, true, true, false, 2]));
    assert_eq!(json!(night(&hotel, 2)), json!([euro(10_000), null, null, false, false, true, 2]));
    assert_eq!(json!(night(&hotel, 3)), json!([null, null, null, false, false, false, 2]));
    assert_eq!(json!(night(&cheaper, 4)), json!([euro(9_000), 3, null, false, false, false, 1]));
    assert_eq!(json!(night(&hotel, 5)), json!([euro(10_000), null, null, false, false, false, 1]));
    assert_eq!(json!(night(&hotel, 80)), json!([euro(9_900), null, null, false, false, false, 1]));

    let trace = app.text(
        "SELECT concat_ws(' ', resource, action, actor_id IS NULL, after) FROM audit_entries
                          WHERE hotel_id IN (SELECT hotel_id FROM hotels)",
    );
    let (first, last) = (hotel.day(1), hotel.day(80));
    let after = json!({ "nights": 6, "changed": 5, "created": 2, "first_night": first, "last_night": last });
    let told: serde_json::Value = serde_json::from_str(trace.trim_start_matches("rates imported t ")).expect("JSON");
    assert_eq!(told, after, "{trace}");
    assert_eq!(app.text("SELECT topic FROM outbox_events"), "rates.imported");

    let again = desk.import_rates(&hotel.id(), &file).done();
    assert!(again.contains("6 lines, 0 nights changed") && again.contains("6 nights were so already"), "{again}");
    assert_eq!((app.entries(), app.number("SELECT max(version) FROM rates")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_line_is_rejected_with_its_reason_and_the_others_come_in() {
    let desk = Desk::new().await;
    let app = &desk.app;
    let hotel = Hotel::one_room(app);
    let (_, suite) = (derived(app, &hotel), hotel.another_room_type(app, &Terms::default()));
    let twin = hotel.another_room_type(app, &Terms::default());
    let staff = manager_of(app, &hotel).await;
    let least = items(&[item(&hotel, hotel.day(9), hotel.day(10), json!({ "min_stay": 5 }))]);
    staff.patch_many(&path(&hotel), least).await.ok(200);
    let on = |day: u64| hotel.day(day);
    let cases = [
        (format!("Double,Flexible,{},50,,,,,", on(1)), ""),
        (format!("Cave,Flexible,{},50,,,,,", on(1)), "the hotel has no such room_type"),
        (format!(",Flexible,{},50,,,,,", on(1)), "room_type is empty"),
        (format!("Suite,Flexible,{},50,,,,,", on(1)), "several have this room_type: use the id"),
        (format!("{},Flexible,{},50,,,,,", suite.room_type_id, on(1)), ""),
        (format!("Double,Rigid,{},50,,,,,", on(1)), "the hotel has no such rate_plan"),
        (format!("{},Derived,{},,2,,,,", twin.room_type_id, on(1)), "the rate plan does not sell this room type"),
        (format!("Double,Derived,{},50,,,,,", on(2)), "a derived plan's price is computed"),
        ("Double,Flexible,2027-02-30,50,,,,,".to_owned(), "date is not YYYY-MM-DD"),
        (
            format!("Double,Flexible,{},50,,,,,", hotel.today.pred_opt().expect("yesterday")),
            "date is before the hotel's today",
        ),
        ("Double,Flexible,2206-01-01,50,,,,,".to_owned(), "date is more than 3660 days ahead"),
        (format!("Double,Flexible,{},50,,,,,", on(1)), "the same night stands on an earlier line too"),
        (format!("Double,Flexible,{},,,,,,", on(2)), "there is nothing to set"),
        (format!("Double,Flexible,{},cheap,,,,,", on(2)), "price is not a number"),
        (format!("Double,Flexible,{},-5,,,,,", on(2)), "price is not a number"),
        (format!("Double,Flexible,{},5.001,,,,,", on(2)), "price has more decimals than EUR has"),
        (format!("Double,Flexible,{},99999999999,,,,,", on(2)), "price is too high"),
        (format!("Double,Flexible,{},,0,,,,", on(2)), "min_stay is not 1 to 99"),
        (format!("Double,Flexible,{},,,100,,,", on(2)), "max_stay is not 1 to 99"),
        (format!("Double,Flexible,{},,4,3,,,", on(2)), "min_stay would be more than max_stay"),
        (format!("Double,Flexible,{},,,4,,,", on(9)), "min_stay would be more than max_stay"),
        (format!("Double,Flexible,{},,,,maybe,,", on(2)), "closed is not true or false"),
        (format!("Double,Flexible,{}", on(2)), "fewer fields than the first line names"),
        (format!("Double,Flexible,{},60,,,,,", on(2)), ""),
    ];
    let summary = desk.import_rates(&hotel.id(), csv(&cases.clone().map(|(line, _)| line))).done();
    assert!(summary.contains("24 lines, 3 nights changed"), "{summary}");
    let mut rejects: Vec<_> =
        desk.rejects_of("rates.csv").expect("rejects").into_iter().map(|[line, reason, _]| (line, reason)).collect();
    rejects.sort_by_key(|(line, _)| line.parse::<u64>().expect("a number"));
    let wrong = (2..).zip(&cases).filter(|(_, (_, reason))| !reason.is_empty());
    let expected: Vec<_> = wrong.map(|(line, (_, reason))| (line.to_string(), (*reason).to_owned())).collect();
    assert_eq!(rejects, expected);
    let set = "SELECT string_agg(price::text, ' ' ORDER BY price) FROM rates WHERE version = 2 AND price <> 10000";
    assert_eq!(app.text(set), "5000 5000 6000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_its_columns_or_its_hotel_changes_nothing() {
    let desk = Desk::new().await;
    let hotel = Hotel::one_room(&desk.app);
    let good = csv(&[format!("Double,Flexible,{},50,,,,,", hotel.day(1))]);
    let no_plan = good.replacen("rate_plan", "plan", 1);
    let nothing = format!("room_type,rate_plan,date\nDouble,Flexible,{}\n", hotel.day(1));
    for (file, why) in [(no_plan.as_str(), "no column rate_plan"), (nothing.as_str(), "no column to set: one of price")]
    {
        let ended = desk.import_rates(&hotel.id(), file);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
    let nowhere = desk.import_rates("01890000-0000-7000-8000-000000000000", &good);
    assert_eq!(nowhere.code, Some(1), "{}", nowhere.stderr);
    assert!(nowhere.stderr.contains("there is no hotel 01890000"), "{}", nowhere.stderr);
    let no_id = desk.import_rates("The Only", &good);
    assert_eq!(no_id.code, Some(2), "{}", no_id.stderr);
    assert_eq!(desk.app.number("SELECT count(*) FROM rates WHERE version > 1"), 0);
    desk.import_rates(&hotel.id(), &good).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_and_a_manager_at_once_end_as_one_of_them_each_night() {
    let desk = Desk::new().await;
    let app = &desk.app;
    let hotel = Hotel::one_room(app);
    let staff = manager_of(app, &hotel).await;
    // One comes from the front, the other from the back, far beyond the nights that are there.
    let file = |price: u64, backwards: bool| {
        let mut lines: Vec<_> =
            (0..3_000).map(|day| format!("Double,Flexible,{},{price},,,,,", hotel.day(day))).collect();
        if backwards {
            lines.reverse();
        }
        csv(&lines)
    };
    desk.write("a.csv", file(51, false).as_bytes());
    desk.write("b.csv", file(52, true).as_bytes());
    let running: Vec<_> =
        ["a.csv", "b.csv"].map(|name| desk.start(&["import", "rates", name, "--hotel", &hotel.id()])).into();
    let set = items(&[item(&hotel, hotel.day(0), hotel.day(700), json!({ "price": euro(5_300) }))]);
    for _ in 0..3 {
        staff.patch_many(&path(&hotel), set.clone()).await.ok(200);
    }
    for child in running {
        let output = child.wait_with_output().expect("its end");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(app.number("SELECT count(*) FROM rates WHERE price IN (5100, 5200, 5300)"), 3_000);
    assert_eq!(app.rows("rates"), 3_000);
    app.verified();
}
