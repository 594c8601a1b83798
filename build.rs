//! The migrations are part of the program: without this a change of theirs alone would not be built into it.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
