//! Real files. They are no part of the repository.

use std::path::PathBuf;

/// A real file, from the folder `LASTROOM_TEST_DATA` or the one beside the repository. Where it is absent the test that
/// wants it says so and ends, except in CI, where it fails.
pub fn file(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("LASTROOM_TEST_DATA").map_or_else(beside, PathBuf::from);
    let found = Some(folder.join(name)).filter(|path| path.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{name} is not there: set LASTROOM_TEST_DATA");
        eprintln!("skipped: {name} is not there; LASTROOM_TEST_DATA names its folder");
    }
    found
}
