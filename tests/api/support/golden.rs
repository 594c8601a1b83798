//! Golden files: what is true now, written down, so that a change of it is seen in review.

use std::fs;
use std::path::Path;

/// Compares `actual` with `tests/api/golden/<name>`; with `UPDATE_GOLDEN=1` writes it there.
#[track_caller]
pub fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|update| update == "1") {
        fs::write(&path, actual).expect("the golden file is written");
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let differing: Vec<_> = similar(&golden, actual);
    assert!(
        golden == actual,
        "tests/api/golden/{name} differs:\n{}\nIf the change is meant, run `UPDATE_GOLDEN=1 cargo test --test api` and \
         review the diff.",
        differing.join("\n")
    );
}

/// Lines that only one of the two has.
fn similar(golden: &str, actual: &str) -> Vec<String> {
    let only = |of: &str, other: &str, sign: char| -> Vec<String> {
        of.lines()
            .filter(|line| !other.lines().any(|known| known == *line))
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    [only(golden, actual, '-'), only(actual, golden, '+')].concat()
}
