//! Liveness and readiness.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get};
use diesel::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::{Db, DbError, migrate};

/// Who asks whether a server is ready gives up soon.
const PATIENCE: Duration = Duration::from_secs(2);
/// When to ask one again that is not ready, in seconds.
const RETRY_AFTER_S: u32 = 2;

/// Set once the process has been told to stop.
#[derive(Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The process lives.
#[derive(Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether requests should be sent here, and what stands in the way.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    ready: bool,
    /// `ok`, `away` or `busy`.
    database: &'static str,
    /// `current`, `pending` or `unknown`.
    migrations: &'static str,
    draining: bool,
}

/// Liveness
#[utoipa::path(tag = "operations", responses((status = 200, body = Health)))]
#[get("/healthz")]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Readiness
#[utoipa::path(tag = "operations", responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
#[get("/readyz")]
pub async fn readyz(db: Data<Db>, draining: Data<Draining>) -> HttpResponse {
    let asked = db.with_patience(PATIENCE);
    let asked = asked.read(|conn| {
        diesel::sql_query("SELECT 1").execute(conn)?;
        migrate::is_current(conn)
    });
    let (database, migrations) = match asked.await {
        Ok(true) => ("ok", "current"),
        Ok(false) => ("ok", "pending"),
        Err(DbError::Busy(_)) => ("busy", "unknown"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            ("away", "unknown")
        }
    };
    let draining = draining.is_on();
    let ready = database == "ok" && migrations == "current" && !draining;
    let body = Readiness { ready, database, migrations, draining };
    if ready {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, RETRY_AFTER_S)).json(body)
    }
}
