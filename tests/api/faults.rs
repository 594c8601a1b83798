//! What breaks around a server: processes, connections, locks. Callers are told 503 or the truth, and it ends well.

mod connections;
mod frozen;
mod kills;
mod locks;
mod pool;

use lastroom::config::Given;

/// Holds that lapse under the load, and guests who may have many.
fn hasty(given: &mut Given) {
    given.hold_ttl_s = Some("2".to_owned());
    given.hold_limit = Some("1000".to_owned());
    given.sweep_interval_ms = Some("100".to_owned());
}
