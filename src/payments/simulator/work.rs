//! What the simulator does of its own accord: requests that nobody got an answer to take effect, webhooks are sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::sender::Sender;
use super::{Simulator, ledger, requests};
use crate::db::DbError;
use crate::http::BASE;
use crate::kernel::secret::Keyring;

/// How often it looks for something to do when there was nothing.
const PAUSE: Duration = Duration::from_millis(500);

/// Works until told to stop. `own_url` is where its webhooks go.
pub fn start(
    simulator: Simulator,
    keys: Arc<Keyring>,
    own_url: &str,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), reqwest::Error> {
    let endpoint = format!("{own_url}{BASE}/payments/webhooks/simulator");
    let sender = Sender::new(simulator.db.clone(), keys, endpoint)?;
    tokio::spawn(async move {
        loop {
            let idle = async {
                match some(&simulator, &sender).await {
                    Ok(true) => {}
                    Ok(false) => tokio::time::sleep(PAUSE).await,
                    Err(error) => {
                        tracing::warn!(%error, "the simulated provider goes on in a moment");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            };
            // What is cut off here is sent again once its lease has run out.
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = idle => {}
            }
        }
    });
    Ok(())
}

/// Does some of what is to be done; false: nothing is.
async fn some(simulator: &Simulator, sender: &Sender) -> Result<bool, DbError> {
    let finished = simulator.finish_one().await?;
    Ok(sender.send_some().await? || finished)
}

impl Simulator {
    /// Lets a request whose time has come take effect; false: there is none.
    async fn finish_one(&self) -> Result<bool, DbError> {
        let Some(intent_id) = self.db.read(requests::any_due).await? else {
            return Ok(false);
        };
        let this = self.clone();
        let finish = self.db.write(move |tx| {
            if let Some(row) = ledger::lock(tx, &intent_id)? {
                this.finish_due(tx, row)?;
            }
            Ok::<_, DbError>(())
        });
        finish.await?;
        Ok(true)
    }
}
