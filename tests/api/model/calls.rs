//! Calls: a request made of what is meant, its answer held to what is expected, and both made once more with their key.

use reqwest::Method;
use serde_json::{Value, json};

use super::answers;
use super::command::Tag;
use super::play::{Play, nth};
use super::rows;
use super::rules::{Answer, Op};
use crate::support;

/// A call with an idempotency key, and its answer if that is stored under it.
pub struct Sent {
    op: Op,
    key: String,
    stored: Option<(u16, String)>,
}

impl Play<'_> {
    pub async fn perform(&mut self, op: Op) -> Result<(), String> {
        self.perform_with(op, support::key()).await
    }

    /// Makes the call, and holds the answer to what is expected.
    async fn perform_with(&mut self, op: Op, key: String) -> Result<(), String> {
        let answer = self.send(&op, &key, false).await?;
        let expected = self.house.call(&op);
        if let Op::Pay { line, is_good, .. } = op {
            self.rows.mend(line, is_good, matches!(expected, Answer::Processing(_)))?;
        }
        answers::check(self, &expected, &answer).map_err(|error| {
            format!("{op:?}: {error}\n   found {} {}\nexpected {expected:?}", answer.status, answer.text)
        })?;
        *self.tally.entry(format!("{} {}", name(&op), outcome(&answer))).or_default() += 1;
        if !matches!(op, Op::Release { .. }) {
            let is_stored = matches!(answer.status, 200..=299 | 402 | 404 | 409 | 410 | 412);
            self.sent.push(Sent { op, key, stored: is_stored.then_some((answer.status, answer.text)) });
        }
        Ok(())
    }

    async fn send(&mut self, op: &Op, key: &str, is_changed: bool) -> Result<support::Answer, String> {
        let ids = &self.ids;
        let (guest, path, mut body) = match op {
            Op::Quote { guest, offer } => (*guest, "/quotes".to_owned(), json!({ "offer_id": ids.offers[*offer] })),
            Op::Hold { guest, quotes } => {
                let items: Vec<_> = quotes.iter().map(|quote| json!({ "quote_id": ids.quotes[*quote] })).collect();
                let body = if items.len() == 1 { items[0].clone() } else { json!({ "items": items }) };
                (*guest, "/holds".to_owned(), body)
            }
            Op::Extend { guest, hold, seconds, .. } => {
                let body = seconds.map_or(json!({}), |seconds| json!({ "extend_by_s": seconds }));
                (*guest, format!("/holds/{}/extend", ids.holds[*hold]), body)
            }
            Op::Release { guest, hold } => {
                return Ok(self.guests[*guest].delete(&format!("/holds/{}", ids.holds[*hold])).await);
            }
            Op::Pay { guest, hold, is_good, line } => {
                self.rows.line(*line)?;
                let method = if *is_good { "pm_card_visa" } else { "pm_card_chargeDeclined" };
                (*guest, "/payments".to_owned(), json!({ "hold_id": ids.holds[*hold], "payment_method": method }))
            }
            Op::Confirm { guest, hold } => {
                let stays = json!({ "full_name": "Ada Lovelace", "email": "ada@example.com" });
                (*guest, "/bookings".to_owned(), json!({ "hold_id": ids.holds[*hold], "guest": stays }))
            }
            Op::Cancel { guest, booking, dry_run } => {
                (*guest, format!("/bookings/{}/cancel", ids.bookings[*booking]), json!({ "dry_run": dry_run }))
            }
        };
        if is_changed {
            body = another_body(op, body);
        }
        let mut headers = vec![("content-type", "application/json"), ("idempotency-key", key)];
        let tag = self.tag(op);
        headers.extend(tag.as_deref().map(|tag| ("if-match", tag)));
        Ok(self.guests[guest].send(Method::POST, &path, &headers, Some(body.to_string().into_bytes())).await)
    }

    fn tag(&self, op: &Op) -> Option<String> {
        match op {
            Op::Extend { hold, tag: Tag::Current, .. } => Some(format!("\"{}\"", self.house.holds[*hold].version)),
            Op::Extend { hold, tag: Tag::Stale, .. } => Some(format!("\"{}\"", self.house.holds[*hold].version - 1)),
            _ => None,
        }
    }

    pub async fn repeat(&mut self, back: usize, is_changed: bool) -> Result<(), String> {
        let Some(at) = nth(self.sent.len(), back) else { return Ok(()) };
        let (op, key, stored) = (self.sent[at].op.clone(), self.sent[at].key.clone(), self.sent[at].stored.clone());
        match stored {
            // What was not stored is done anew, under the same key.
            None if is_changed => Ok(()),
            None => {
                self.sent.remove(at);
                self.perform_with(op, key).await
            }
            Some((status, text)) => {
                let answer = self.send(&op, &key, is_changed).await?;
                if let Op::Pay { line, is_good, .. } = op {
                    self.rows.mend(line, is_good, false)?;
                }
                let replayed = answer.header("idempotency-replayed") == Some("true");
                let is_refused = answer.status == 409 && answer.json()["code"] == "idempotency_key_reused";
                let is_same = (answer.status, &answer.text, replayed) == (status, &text, true);
                let is_right = if is_changed { is_refused } else { is_same };
                let found = || format!("{op:?} again: found {} {}, before {status} {text}", answer.status, answer.text);
                if is_right { Ok(()) } else { Err(found()) }
            }
        }
    }
}

fn name(op: &Op) -> &'static str {
    match op {
        Op::Quote { .. } => "quote",
        Op::Hold { quotes, .. } if quotes.len() > 1 => "hold several",
        Op::Hold { .. } => "hold",
        Op::Extend { .. } => "extend",
        Op::Release { .. } => "release",
        Op::Pay { .. } => "pay",
        Op::Confirm { .. } => "confirm",
        Op::Cancel { .. } => "cancel",
    }
}

fn outcome(answer: &support::Answer) -> String {
    match answer.status {
        ..400 => answer.status.to_string(),
        _ => format!("{} {}", answer.status, answer.json()["code"]),
    }
}

fn another_body(op: &Op, body: Value) -> Value {
    let mut body = body;
    match op {
        Op::Quote { .. } => body["offer_id"] = json!("another"),
        Op::Hold { .. } => body = json!({ "quote_id": rows::room_type_id(0) }),
        Op::Extend { seconds, .. } => body = json!({ "extend_by_s": if *seconds == Some(7) { 8 } else { 7 } }),
        Op::Pay { .. } => body["payment_method"] = json!("pm_card_chargeDeclinedInsufficientFunds"),
        Op::Confirm { .. } => body["special_requests"] = json!("a cot"),
        Op::Cancel { dry_run, .. } => body["dry_run"] = json!(!dry_run),
        Op::Release { .. } => {}
    }
    body
}
