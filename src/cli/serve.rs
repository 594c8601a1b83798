//! `lastroom serve`, the default: database, schema, demo, first admin, server.

use std::mem::ManuallyDrop;
use std::net::SocketAddr;

use anyhow::Context;
use secrecy::ExposeSecret;

use super::ground::Ground;
use super::progress::Steps;
use crate::access::admin::{self, FirstAdmin};
use crate::app::App;
use crate::config::Config;
use crate::hotels::demo;
use crate::telemetry;

/// Serves until Ctrl-C or SIGTERM.
pub fn run(mut config: Config) -> anyhow::Result<()> {
    telemetry::init(&config);
    let steps = Steps::new();
    let mut ground = Ground::prepare(&config, &steps)?;
    config.database.forget_owner();
    // Never dropped: a runtime waits for its threads, and one may wait for a database that hangs.
    let system = ManuallyDrop::new(actix_web::rt::System::new());
    let served = system.block_on(serve(&config, &mut ground, steps));
    let released = ground.release();
    served.and(released)
}

async fn serve(config: &Config, ground: &mut Ground, steps: Steps) -> anyhow::Result<()> {
    let (stop, cut) = stop_signals()?;
    let app = App::build(config.clone(), &ground.url, &ground.secret)?;
    if config.demo {
        steps.say("Looking for hotels; an empty database gets the demo catalogue");
        if demo::fill(&ground.bulk()).await? {
            tracing::info!("the demo catalogue was made: 40 hotels in 8 cities");
        }
    }
    ground.forget_owner();
    let admin = admin::ensure(app.db(), &config.admin_email, config.admin_password.clone()).await?;
    steps.finish();
    greet(app.address(), config, &admin);
    app.run_until_stopped(stop, cut).await
}

/// Two futures: the first completes at SIGINT or SIGTERM, the second at the next one.
fn stop_signals() -> anyhow::Result<(impl Future<Output = ()>, impl Future<Output = ()>)> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let (tell, told) = tokio::sync::oneshot::channel();
    let first = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: running requests may end; once more stops at once");
        // Nobody is left to be told only where the server has ended already.
        let _heard = tell.send((interrupt, terminate));
    };
    let second = async move {
        let Ok((mut interrupt, mut terminate)) = told.await else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok((first, second))
}

/// One line for scripts on standard output; the rest for people, on standard error.
fn greet(address: SocketAddr, config: &Config, admin: &FirstAdmin) {
    eprintln!("{}", welcome(address));
    match admin {
        FirstAdmin::Exists => {}
        FirstAdmin::AddressTaken => {
            eprintln!(
                "There is no admin, and {} is a guest: set LASTROOM_ADMIN_EMAIL to another.\n",
                config.admin_email
            );
        }
        FirstAdmin::Made => eprintln!("The first admin is {}, with the configured password.\n", config.admin_email),
        FirstAdmin::MadeWith(password) => {
            eprintln!(
                "The first admin is {}, password (shown this once): {}\n",
                config.admin_email,
                password.expose_secret()
            );
        }
    }
    println!("ready http://{address}");
}

fn welcome(address: SocketAddr) -> String {
    format!(
        r"
Lastroom serves http://{address}/api/v1 and describes itself at http://{address}/docs
Book a room in Paris from another terminal:

{}",
        tour(address)
    )
}

/// Commands that book a room when pasted into a shell, whatever the day.
fn tour(address: SocketAddr) -> String {
    include_str!("tour.sh").replace("127.0.0.1:8080", &address.to_string())
}
