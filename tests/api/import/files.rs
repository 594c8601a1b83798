//! Files as they come: from Windows, compressed, cut off.

use std::io::Write;

use liblzma::write::XzEncoder;

use super::desk::{Desk, csv, line};

fn xz(text: &str) -> Vec<u8> {
    let mut encoder = XzEncoder::new(Vec::new(), 6);
    encoder.write_all(text.as_bytes()).expect("compressed");
    encoder.finish().expect("compressed")
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_files_are_read_and_their_lines_counted() {
    let desk = Desk::new().await;
    let file = csv(&[line(1), String::new(), "bad".to_owned(), line(2), line(3).replace(",3 rue", ",\"3\nrue\"")]);
    desk.import(format!("\u{feff}{}", file.replace('\n', "\r\n")), &[]).done();
    assert_eq!(desk.hotels(), "1 2 3");
    let reason = "fewer fields than the first line names".to_owned();
    assert_eq!(desk.reasons(), [("4".to_owned(), reason)], "an empty line is a line");
    assert_eq!(desk.app.number("SELECT count(*) FROM hotels WHERE name LIKE E'%\r%' OR time_zone LIKE E'%\r%'"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_that_is_cut_off_is_left_out() {
    let desk = Desk::new().await;
    let file = csv(&[line(1), line(2)]);
    for cut in [file.len() - 4, file.len() - 30] {
        desk.import(&file[..cut], &[]).done();
        assert_eq!(desk.hotels(), "1", "{cut}");
        assert_eq!(desk.reasons().len(), 1);
        assert_eq!(desk.reasons()[0].0, "3");
    }
    desk.import(&file, &[]).done();
    assert_eq!(desk.hotels(), "1 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_file_that_breaks_off_keeps_what_was_whole() {
    let desk = Desk::new().await;
    // Names that do not compress, so that half the file is about half the hotels.
    let named = |no: u32| line(no).replace("Hotel", &uuid::Uuid::now_v7().to_string());
    let lines: Vec<_> = (1..=600).map(named).collect();
    let whole = xz(&csv(&lines));
    desk.write("hotels.csv.xz", &whole[..whole.len() / 2]);
    let import = ["import", "hotels", "hotels.csv.xz", "--days", "1"];
    let broken = desk.run(&import);
    assert_eq!(broken.code, Some(1), "{}", broken.stderr);
    assert!(broken.stderr.contains("breaks off after line"), "{}", broken.stderr);
    let kept = desk.counts()[0];
    assert!((1..600).contains(&kept), "{kept}");

    desk.write("hotels.csv.xz", &whole);
    let summary = desk.run(&import).done();
    assert!(summary.contains(&format!("{kept} hotels were there already")), "{summary}");
    assert_eq!(desk.counts()[0], 600);
    let without_nights = "SELECT count(*) FROM room_types t WHERE NOT EXISTS
        (SELECT FROM inventory i WHERE (i.hotel_id, i.room_type_id) = (t.hotel_id, t.room_type_id))";
    assert_eq!(desk.app.number(without_nights), 0);
}
