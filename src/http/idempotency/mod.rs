//! Idempotency keys: the same call with the same key happens once and is answered the same way each time.
//!
//! Two ways, by whose work it is. Work that is ours alone runs under [`once`]: key, effect and answer commit in ONE
//! transaction, so a crash on any line leaves either all of them or none, and a duplicate waits on the unique key.
//! Work that calls the payment provider cannot: it makes a [`claim`] in a committed transaction of its own, under a
//! lease and a fencing epoch that [`finish`] checks.

mod answer;
mod claim;
mod key;
mod once;
mod store;

pub use answer::Answer;
pub use claim::{Claim, claim, finish, free, holds_claim, refuse, works_on};
pub use key::{Key, Keyed, OptionalKey};
pub use once::{Halt, once, once_for};
pub use store::reap;
