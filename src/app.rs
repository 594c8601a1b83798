//! The assembly: database, keys, routes and background work wired into one server. Tests run this same assembly.

pub mod reaper;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpServer};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use utoipa::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};

use crate::access::password::Passwords;
use crate::access::refresh::Issuer;
use crate::access::throttle::Throttle;
use crate::access::tokens::AccessTokens;
use crate::audit::sealer;
use crate::config::Config;
use crate::db::{Db, PoolSettings};
use crate::http::docs::{self, Description, Published};
use crate::http::envelope::{accept, envelope};
use crate::http::health::{self, Draining};
use crate::http::{BASE, health::healthz};
use crate::inventory::horizon;
use crate::kernel::secret::Keyring;
use crate::{access, accounts, ari, bookings, holds, hotels, payments, quotes, rates, rooms, search};

/// `lock_timeout` of the funnel's transactions.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// `statement_timeout` of the funnel's transactions.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for its work in the database: longer than its locks and statements may take, so that only a
/// database that hangs is given up.
const PATIENCE: Duration = Duration::from_secs(8);
/// The same of work that no caller waits for.
const BACKGROUND_PATIENCE: Duration = Duration::from_secs(60);
/// How long work that has begun may go on once the server has ended.
const LAST_WORK: Duration = Duration::from_secs(2);
/// How long an idle connection is kept: longer than the clients and proxies before it keep theirs, so that they are the
/// ones to close it, and never send a request into a connection that is being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(100);
/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that is listening, and everything it stands on.
pub struct App {
    server: Server,
    address: SocketAddr,
    db: Db,
    stop: watch::Sender<bool>,
    draining: Draining,
    drain_notice: Duration,
}

/// What the handlers share.
#[derive(Clone)]
struct Shared {
    config: Config,
    db: Db,
    keys: Arc<Keyring>,
    tokens: Arc<AccessTokens>,
    passwords: Passwords,
    throttle: Throttle,
    issuer: Issuer,
    provider: payments::Provider,
    published: Data<Published>,
    draining: Draining,
}

impl App {
    /// Binds, wires and starts. The database need not be reachable yet; requests are answered 503 until it is.
    pub fn build(config: Config, database_url: &SecretString, secret: &SecretString) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.listen)
            .map_err(|error| CannotListen { address: config.listen, reason: error.kind().to_string() })?;
        let address = listener.local_addr().context("the listener has no address")?;
        let db = Db::new(&PoolSettings {
            url: database_url.expose_secret().to_owned(),
            size: config.pool_size,
            wait: config.pool_wait,
            patience: PATIENCE,
            lock_timeout: LOCK_TIMEOUT,
            statement_timeout: STATEMENT_TIMEOUT,
            durable: true,
        });
        let own_url = reachable(address);
        let public_url = config.public_url.as_ref().unwrap_or(&own_url);
        let shared = Shared::new(config.clone(), db.clone(), secret, public_url)?;
        let (draining, drain_notice) = (shared.draining.clone(), config.drain_notice);
        let (stop, stopped) = watch::channel(false);
        let background = db.with_patience(BACKGROUND_PATIENCE);
        holds::sweeper::start(background.clone(), config.sweep_interval, stopped.clone());
        horizon::start(background.clone(), config.horizon_interval, stopped.clone());
        sealer::start(background.clone(), stopped.clone());
        reaper::start(background.clone(), config.reap_interval, config.retention_days, stopped.clone());
        payments::worker::start(&background, &shared.provider, &config, &stopped);
        shared.provider.start(shared.keys.clone(), &own_url, stopped.clone())?;
        let server = serve(listener, shared, stopped)?;
        Ok(Self { server, address, db, stop, draining, drain_notice })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Serves until `signal` completes; then says that it is not ready, takes new requests for a moment more, while whoever
    /// sends them finds out, and lets those that run end. `cut` ends the waiting: what runs then is left where it is, as
    /// after a crash.
    pub async fn run_until_stopped(
        self,
        signal: impl Future<Output = ()>,
        cut: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let Self { server, stop, db, draining, drain_notice, .. } = self;
        let mut server = std::pin::pin!(server);
        tokio::select! {
            ended = &mut server => return ended.context("the server ended"),
            () = signal => draining.begin(),
        }
        let drained = async {
            tokio::select! {
                ended = &mut server => return ended,
                () = tokio::time::sleep(drain_notice) => {}
            }
            stop.send_replace(true);
            server.await
        };
        tokio::select! {
            ended = drained => ended.context("the server did not end cleanly")?,
            () = cut => {
                stop.send_replace(true);
                tracing::warn!("stopped at once: requests were cut off");
                return Ok(());
            }
        }
        if !db.is_idle_within(LAST_WORK).await {
            tracing::warn!("the database hangs: work in the background is left to it");
        }
        Ok(())
    }
}

/// The port is taken, or the address is not this machine's.
#[derive(Debug, thiserror::Error)]
#[error("LASTROOM_LISTEN: cannot listen on {address}: {reason}")]
pub struct CannotListen {
    address: SocketAddr,
    reason: String,
}

/// Where a server that listens on `address` is found from its own machine.
fn reachable(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

impl Shared {
    fn new(config: Config, db: Db, secret: &SecretString, public_url: &str) -> anyhow::Result<Self> {
        let keys = Arc::new(Keyring::new(secret));
        let tokens = Arc::new(AccessTokens::new(keys.clone(), config.access_ttl_s));
        let issuer = Issuer {
            keys: keys.clone(),
            tokens: tokens.clone(),
            session_ttl_s: config.session_ttl_s,
            refresh_grace_s: config.refresh_grace_s,
        };
        Ok(Self {
            passwords: Passwords::new(config.hash_parallelism)?,
            throttle: Throttle::new(keys.clone()),
            provider: payments::Provider::simulator(db.clone(), public_url),
            published: Data::new(Published::new(&description())?),
            draining: Draining::default(),
            config,
            db,
            keys,
            tokens,
            issuer,
        })
    }

    fn install(&self, app: &mut web::ServiceConfig) {
        app.app_data(Data::new(self.config.clone()))
            .app_data(Data::new(self.db.clone()))
            .app_data(Data::new(self.keys.clone()))
            .app_data(Data::new(self.tokens.clone()))
            .app_data(Data::new(self.passwords.clone()))
            .app_data(Data::new(self.throttle.clone()))
            .app_data(Data::new(self.issuer.clone()))
            .app_data(Data::new(self.provider.clone()))
            .app_data(Data::new(self.draining.clone()))
            .app_data(self.published.clone());
    }
}

/// Every route, with its documentation.
fn routes(app: &mut ServiceConfig<'_>) {
    app.service(
        scope(BASE)
            .service(access::http::register_user)
            .service(access::http::login_user)
            .service(access::http::refresh_session)
            .service(access::http::logout_user)
            .service(access::http::me)
            .configure(access::sessions::http::routes)
            .configure(search::http::routes)
            .configure(quotes::http::routes)
            .configure(holds::http::routes)
            .configure(payments::http::routes)
            .configure(bookings::http::routes)
            .configure(bookings::admin_http::routes)
            .configure(accounts::users::http::routes)
            .configure(accounts::roles::http::routes)
            .configure(hotels::admin::http::routes)
            .configure(hotels::members::http::routes)
            .configure(hotels::audit::http::routes)
            .configure(rooms::types::http::routes)
            .configure(rooms::http::routes)
            .configure(rates::plans::http::routes)
            .configure(rates::taxes::http::routes)
            .configure(ari::inventory::http::routes)
            .configure(ari::rates::http::routes),
    )
    .service(payments::simulator::bank::answer_challenge)
    .service(access::http::jwks)
    .service(healthz)
    .service(health::readyz);
}

/// The API as OpenAPI 3.1.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let (_, mut api) =
        ActixApp::new().into_utoipa_app().openapi(Description::openapi()).configure(routes).split_for_parts();
    docs::make_schemas_whole(&mut api);
    docs::complete(&mut api);
    api
}

fn serve(listener: TcpListener, shared: Shared, stopped: watch::Receiver<bool>) -> anyhow::Result<Server> {
    let Config { workers, drain_s, drain_notice, cors_origins, .. } = shared.config.clone();
    let server = HttpServer::new(move || {
        let (app, _) = ActixApp::new()
            .into_utoipa_app()
            .map(|app| app.configure(|app| shared.install(app)))
            .configure(routes)
            .split_for_parts();
        app.route("/openapi.yaml", web::get().to(docs::openapi_yaml))
            .route("/docs", web::get().to(docs::to_docs))
            .service(docs::browser())
            .default_service(web::to(docs::nowhere))
            .wrap(Compress::default())
            .wrap(from_fn(accept))
            .wrap(cors(&cors_origins))
            .wrap(from_fn(envelope))
    })
    .workers(workers)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(Duration::from_secs(drain_s).saturating_sub(drain_notice).as_secs())
    .shutdown_signal(async move {
        let mut stopped = stopped;
        // An error means that the sender is gone, and with it the reason to go on.
        let _gone = stopped.wait_for(|stop| *stop).await;
    })
    .listen(listener)?
    .run();
    Ok(server)
}

fn cors(origins: &[String]) -> Cors {
    let exposed = ["etag", "location", "idempotency-replayed", "retry-after", "ratelimit", "x-request-id"];
    let allowed = ["idempotency-key", "x-request-id", "traceparent"].map(HeaderName::from_static);
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT, header::IF_MATCH])
        .allowed_headers(allowed)
        .expose_headers(exposed)
        .block_on_origin_mismatch(false)
        .max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
