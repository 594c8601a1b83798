//! Events as the provider would send them, signed by whoever a test likes.

use lastroom::kernel::secret::{Keyring, Purpose};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::actors::{Answer, Guest, key};
use super::app::{SECRET, TestApp};

/// The signature of a body by whoever has this secret.
pub fn signature(secret: &str, at_s: i64, body: &str) -> String {
    let keys = Keyring::new(&SecretString::from(secret));
    let mac = keys.mac(Purpose::Webhook, format!("{at_s}.{body}").as_bytes());
    mac.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

impl TestApp {
    /// The database's time, in seconds since 1970.
    pub fn now_s(&self) -> i64 {
        self.number("floor(extract(epoch FROM clock_timestamp()))")
    }

    /// Sends a body with this header, as anybody can.
    pub async fn send_webhook(&self, header: &str, body: &str) -> Answer {
        let headers = [("content-type", "application/json"), ("simulator-signature", header)];
        let path = "/payments/webhooks/simulator";
        Guest::stranger(self).send(reqwest::Method::POST, path, &headers, Some(body.as_bytes().to_vec())).await
    }

    /// Sends an event as the provider does.
    pub async fn webhook(&self, event: &Value) -> Answer {
        let (now_s, body) = (self.now_s(), event.to_string());
        self.send_webhook(&format!("t={now_s},v1={}", signature(SECRET, now_s, &body)), &body).await
    }

    /// A new event about a payment and its intent.
    pub fn event(&self, event_type: &str, payment_id: &Value) -> Value {
        let payment_id = payment_id.as_str().expect("an id");
        let data = self.text(&format!(
            "SELECT jsonb_build_object('intent_id', i.intent_id, 'metadata', i.metadata,
                 'amount', jsonb_build_object('amount', i.amount, 'currency', i.currency))
             FROM simulator_intents i WHERE i.metadata ->> 'payment_id' = '{payment_id}'"
        ));
        let data: Value = serde_json::from_str(&data).expect("JSON");
        json!({ "id": format!("evt_{}", key()), "type": event_type, "data": data })
    }

    /// What the inbox says of an event.
    pub fn inbox(&self, event: &Value) -> String {
        let event_id = event["id"].as_str().expect("an id");
        self.text(&format!(
            "SELECT coalesce((SELECT status || coalesce(': ' || reason, '') FROM webhook_events
                              WHERE event_id = '{event_id}'), 'unknown')"
        ))
    }
}
