//! A line that cannot be used is named with its number and the reason; the others go in.

use super::desk::{Desk, csv, line};

fn reason(line: u32, reason: &str) -> (String, String) {
    (line.to_string(), reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_is_named() {
    let desk = Desk::new().await;
    let wrong = [
        ("2,test,A,,,Paris,FR,,,3,,Europe/Paris", "rooms is empty"),
        ("2,test,A,,,Paris,FR,,,3,0,Europe/Paris", "rooms is not 1 to 10000"),
        ("2,test,A,,,Paris,FR,,,3,many,Europe/Paris", "rooms is not 1 to 10000"),
        ("2,test,A,,,Paris,FR,,,6,5,Europe/Paris", "stars is not 1 to 5"),
        ("2,test,A,,,Paris,FR,,,0,5,Europe/Paris", "stars is not 1 to 5"),
        ("2,test,A,,,Paris,FR,91,2,3,5,Europe/Paris", "lat and lon are no point on the globe"),
        ("2,test,A,,,Paris,FR,48,,3,5,Europe/Paris", "lat and lon are no point on the globe"),
        ("2,test,A,,,Paris,FR,NaN,2,3,5,Europe/Paris", "lat and lon are no point on the globe"),
        ("2,test,A,,,Paris,FR,,,3,5,Europe/Nowhere", "timezone is not an IANA zone"),
        ("2,test,A,,,Paris,FR,,,3,5,", "timezone is not an IANA zone"),
        ("2,test,A,,,Paris,GB,,,3,5,Europe/London", "currency is needed outside the euro countries"),
        ("2,test,A,,,Paris,FRA,,,3,5,Europe/Paris", "country_code is not two letters"),
        ("2,test, ,,,Paris,FR,,,3,5,Europe/Paris", "name is empty"),
        ("2,test,A,,, ,FR,,,3,5,Europe/Paris", "city is empty"),
        (",test,A,,,Paris,FR,,,3,5,Europe/Paris", "hotel_no is empty"),
        ("2,,A,,,Paris,FR,,,3,5,Europe/Paris", "source is empty"),
        ("2,test,A,,,Paris,FR,,,3,5", "fewer fields than the first line names"),
        ("2,test,A,,,Paris,FR,,,3,5,Europe/Paris,more", "more fields than the first line names"),
        ("2,test,A\0,,,Paris,FR,,,3,5,Europe/Paris", "contains NUL"),
    ];
    let mut lines = vec![line(1)];
    lines.extend(wrong.iter().map(|(text, _)| (*text).to_owned()));
    lines.push(line(3));
    let summary = desk.import(csv(&lines), &[]).done();
    assert_eq!(desk.hotels(), "1 3");
    let expected: Vec<_> = (3..).zip(wrong).map(|(number, (_, why))| reason(number, why)).collect();
    assert_eq!(desk.reasons(), expected);
    assert!(summary.contains("rejected 2: stars is not 1 to 5"), "{summary}");
    assert!(summary.contains("see hotels.csv.rejects.csv"), "{summary}");
    let rejects = desk.rejects().expect("a reject file");
    assert_eq!(rejects[0][2], wrong[0].0, "the line as it was read");
    assert_eq!(rejects[16][2], wrong[16].0, "even if it is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotel_that_stands_twice_comes_once() {
    let desk = Desk::new().await;
    let another = line(1).replace("Hotel 1", "Another").replace(",test,", ",other,");
    desk.import(csv(&[line(1), line(2), line(1).replace("Hotel 1", "Changed"), another]), &[]).done();
    assert_eq!(desk.reasons(), [reason(4, "source and hotel_no stand on an earlier line too")]);
    assert_eq!(desk.app.text("SELECT string_agg(name, ', ' ORDER BY name) FROM hotels"), "Another, Hotel 1, Hotel 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_not_text_is_left_out() {
    let desk = Desk::new().await;
    let mut file = csv(&[line(1)]).into_bytes();
    file.extend_from_slice(b"2,test,H\xf4tel,,,Paris,FR,,,3,5,Europe/Paris\n");
    file.extend_from_slice(line(3).as_bytes());
    desk.import(file, &[]).done();
    assert_eq!(desk.hotels(), "1 3", "the last line needs no line end");
    assert_eq!(desk.reasons(), [reason(3, "not UTF-8")]);
    assert_eq!(desk.rejects().expect("rejects")[0][2], "2,test,H\u{fffd}tel,,,Paris,FR,,,3,5,Europe/Paris");
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_keep_commas_quotes_and_line_breaks() {
    let desk = Desk::new().await;
    let quoted = "1,test,\"Le \"\"Grand\"\", Paris\",\"1 rue A\r\nbâtiment B\",75001,Paris,FR,,,3,5,Europe/Paris";
    desk.import(csv(&[quoted.to_owned(), "bad".to_owned(), line(2)]), &[]).done();
    let hotel = desk.app.text("SELECT name || ' / ' || address FROM hotels WHERE external_key = 'test:1'");
    assert_eq!(hotel, "Le \"Grand\", Paris / 1 rue A\nbâtiment B, 75001");
    assert_eq!(desk.reasons(), [reason(4, "fewer fields than the first line names")], "lines are the file's");
    assert_eq!(desk.hotels(), "1 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_quote_takes_no_hotel_away_without_a_word() {
    let desk = Desk::new().await;
    let open = |no: u32| line(no).replace("Hotel", "\"Hotel");
    let closed = |no: u32| line(no).replace(&format!("Hotel {no}"), &format!("\"Hotel {no}\""));
    let comma = |no: u32| line(no).replace(&format!("Hotel {no}"), &format!("\"Hotel {no}, Paris\""));
    // Open to the next quote, with and without a comma behind it; and open to the end.
    desk.import(csv(&[line(1), open(2), closed(3), line(4), open(5), comma(6), line(7), open(8), line(9)]), &[]).done();
    assert_eq!(desk.hotels(), "1 4 7");
    let reasons = desk.reasons();
    assert_eq!(reasons[0], reason(3, "a quotation mark is never closed; reaches to line 4"));
    assert_eq!((reasons[1].0.as_str(), reasons[1].1.ends_with("; reaches to line 7")), ("6", true), "{reasons:?}");
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert_eq!(reasons[2].0, "9");
    let text = &desk.rejects().expect("rejects")[2][2];
    assert!(text.contains("9 rue A"), "what the quote took with it is told: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_ten_megabytes_is_left_out() {
    let desk = Desk::new().await;
    let long = line(2).replace("Hotel", &"H".repeat(10 << 20));
    desk.import(csv(&[line(1), long, line(3)]), &[]).done();
    assert_eq!(desk.hotels(), "1 3");
    assert_eq!(desk.reasons(), [reason(3, "longer than 65536 bytes")]);
    assert_eq!(desk.rejects().expect("rejects")[0][2], "", "and not copied");
}
