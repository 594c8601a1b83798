//! Where imports are made: a database, a folder for files, and the binary.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use lastroom::db::roles::OWNER;

use crate::support::TestApp;
use crate::support::app::SECRET;
use crate::support::program::lastroom;

const HEADER: &str = "hotel_no,source,name,address,postal_code,city,country_code,lat,lon,stars,rooms,timezone";

/// A good line: 1 to 12 rooms, so one to three room types.
pub fn line(no: u32) -> String {
    let rooms = 1 + no % 12;
    format!("{no},test,Hotel {no},{no} rue A,75001,Paris,FR,48.86,2.35,{},{rooms},Europe/Paris", 1 + no % 5)
}

/// A file of these lines.
pub fn csv(lines: &[String]) -> String {
    let mut file = format!("{HEADER}\n{}", lines.join("\n"));
    file.push('\n');
    file
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Its summary, if all went well.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

pub struct Desk {
    /// Serves the same database, as it would beside an import.
    pub app: TestApp,
    folder: tempfile::TempDir,
}

impl Desk {
    pub async fn new() -> Self {
        Self { app: TestApp::start().await, folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// Runs the binary in the folder, to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("the binary").into()
    }

    /// Starts it and does not wait.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let url = self.app.database.url_as(OWNER);
        let mut command = lastroom(self.folder.path(), &[("DATABASE_URL", &url), ("LASTROOM_SECRET_KEY", SECRET)]);
        command.args(arguments);
        command
    }

    /// Imports a file of this content, with three nights unless the options say otherwise.
    pub fn import(&self, content: impl AsRef<[u8]>, options: &[&str]) -> Ended {
        self.write("hotels.csv", content.as_ref());
        let days: &[&str] = if options.contains(&"--days") { &[] } else { &["--days", "3"] };
        self.run(&[&["import", "hotels", "hotels.csv"], days, options].concat())
    }

    /// Imports a file of rates into a hotel.
    pub fn import_rates(&self, hotel_id: &str, content: impl AsRef<[u8]>) -> Ended {
        self.write("rates.csv", content.as_ref());
        self.run(&["import", "rates", "rates.csv", "--hotel", hotel_id])
    }

    /// The rows of the last import's reject file, its first line apart; none: there is no such file.
    pub fn rejects(&self) -> Option<Vec<[String; 3]>> {
        self.rejects_of("hotels.csv")
    }

    /// The same for a file of that name.
    pub fn rejects_of(&self, name: &str) -> Option<Vec<[String; 3]>> {
        let path = self.folder.path().join(format!("{name}.rejects.csv"));
        let mut reader = csv::Reader::from_path(path).ok()?;
        assert_eq!(reader.headers().expect("a first line"), &["line", "reason", "text"][..]);
        Some(reader.deserialize().map(|row| row.expect("three fields")).collect())
    }

    /// (line, reason) of the last import's rejects.
    pub fn reasons(&self) -> Vec<(String, String)> {
        let rows = self.rejects().expect("a reject file");
        rows.into_iter().map(|[line, reason, _]| (line, reason)).collect()
    }

    /// The hotel numbers that came in, in their order.
    pub fn hotels(&self) -> String {
        self.app.text(
            "SELECT coalesce(string_agg(split_part(external_key, ':', 2), ' '
                                        ORDER BY split_part(external_key, ':', 2)::int), '') FROM hotels",
        )
    }

    /// Rows of every table that an import fills, hotels first.
    pub fn counts(&self) -> [i64; 8] {
        [
            "hotels",
            "room_types",
            "rate_plans",
            "rate_plan_room_types",
            "cancellation_tiers",
            "taxes",
            "inventory",
            "rates",
        ]
        .map(|table| self.app.rows(table))
    }
}
