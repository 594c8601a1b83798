//! Two hotels, their guests and their staff: whom the ids of a path belong to.

use std::collections::BTreeMap;

use chrono::{Days, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::bodies::Bodies;
use crate::support::operations::Operation;
use crate::support::staff::text;
use crate::support::{Answer, Guest, Made, TestApp, key};

/// What refusals and sign-ins leave behind, and are meant to.
const TRACES: &[&str] = &["audit_entries", "idempotency_keys", "throttles"];

/// A hotel, and somebody who has every kind of thing at it.
pub struct Side {
    pub made: Made,
    pub guest: Guest,
    user_id: String,
    session: String,
    quote: String,
    hold: String,
    payment: String,
    booking: String,
}

impl Side {
    async fn by(app: &TestApp, admin: &Guest) -> Self {
        let (made, guest) = (Made::by(admin).await, app.guest());
        made.price(app, 10_000);
        app.grant(&guest, std::slice::from_ref(&made.hotel_id));
        let paid = guest.held(&made.hotel_id, &made.stay(app, 10, 12)).await;
        let payment = guest.pay(&paid["hold_id"], "pm_card_visa").await.ok(201);
        let booking = guest.confirm(&paid["hold_id"]).await.ok(201);
        let hold = guest.held(&made.hotel_id, &made.stay(app, 20, 22)).await;
        let offer = guest.offer(&made.hotel_id, &made.stay(app, 30, 31)).await;
        let quote = guest.quote(&offer["offer_id"]).await;
        let user = guest.get("/auth/me").await.ok(200);
        let sessions = guest.get("/auth/sessions").await.ok(200);
        let id = |of: &Value, name: &str| text(&of[name]).to_owned();
        Self {
            user_id: id(&user, "user_id"),
            session: id(&sessions["data"][0], "session_id"),
            quote: id(&quote, "quote_id"),
            hold: id(&hold, "hold_id"),
            payment: id(&payment, "payment_id"),
            booking: id(&booking, "booking_id"),
            made,
            guest,
        }
    }

    /// The id that a path has at `site`: the word before a parameter, and the parameter. None: nobody owns it.
    fn id(&self, site: &str) -> Option<&str> {
        Some(match site {
            "sessions/{id}" => &self.session,
            "quotes/{id}" => &self.quote,
            "holds/{id}" => &self.hold,
            "payments/{id}" => &self.payment,
            "bookings/{id}" | "bookings/{booking_id}" => &self.booking,
            "hotels/{hotel_id}" => &self.made.hotel_id,
            "members/{user_id}" => &self.user_id,
            "room-types/{room_type_id}" | "inventory/{room_type_id}" => text(&self.made.room_type["room_type_id"]),
            "rooms/{room_id}" => text(&self.made.room["room_id"]),
            "rate-plans/{rate_plan_id}" => text(&self.made.plan["rate_plan_id"]),
            "taxes/{tax_id}" => text(&self.made.tax["tax_id"]),
            _ => return None,
        })
    }

    /// What stands at a site that has no owner: guests see every hotel, and users and roles are only the admins'.
    fn common(&self, site: &str) -> String {
        match site {
            "hotels/{id}" => self.made.hotel_id.clone(),
            "users/{user_id}" => self.user_id.clone(),
            "{room_type_id}/{date}" => in_days(20),
            "roles/{role}" => "guest".to_owned(),
            "webhooks/{provider}" => "simulator".to_owned(),
            "challenges/{token}" => "0123456789".to_owned(),
            site => panic!("say in abuse/world.rs whose id stands at {site}, and how a foreign one is made"),
        }
    }
}

/// So many days from today.
pub fn in_days(days: u64) -> String {
    (Utc::now().date_naive() + Days::new(days)).to_string()
}

pub struct World {
    pub app: TestApp,
    pub admin: Guest,
    /// Runs the own hotel, and no other.
    pub manager: Guest,
    pub own: Side,
    pub other: Side,
    pub bodies: Bodies,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::start().await;
        app.lose_webhooks();
        let (admin, manager) = (app.admin(), app.manager());
        let (own, other) = (Side::by(&app, &admin).await, Side::by(&app, &admin).await);
        app.grant(&manager, std::slice::from_ref(&own.made.hotel_id));
        app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
        let bodies = Bodies::new(&own);
        Self { app, admin, manager, own, other, bodies }
    }

    /// The path of an operation, with the id that `choose` makes for each site.
    pub fn path(operation: &Operation, mut choose: impl FnMut(&str) -> String) -> String {
        let parts: Vec<&str> = operation.path.split('/').collect();
        let with_ids = parts.iter().enumerate().map(|(at, part)| match part.strip_prefix('{') {
            Some(_) => choose(&format!("{}/{part}", parts.get(at.wrapping_sub(1)).unwrap_or(&""))),
            None => (*part).to_owned(),
        });
        with_ids.collect::<Vec<_>>().join("/")
    }

    /// The sites of an operation's path that have an owner.
    pub fn owned_sites(&self, operation: &Operation) -> Vec<String> {
        let mut sites = Vec::new();
        Self::path(operation, |site| {
            match self.own.id(site) {
                Some(_) => sites.push(site.to_owned()),
                None => drop(self.own.common(site)),
            }
            String::new()
        });
        sites
    }

    /// The path with what is one's own.
    pub fn own_path(&self, operation: &Operation) -> String {
        Self::path(operation, |site| self.own.at(site))
    }

    /// A call with a query and a body that are as they should be.
    pub async fn call(&self, operation: &Operation, path: &str, caller: &Guest) -> Answer {
        let query = self.bodies.query(operation);
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let body = operation.takes_body().then(|| self.bodies.least(operation).to_string().into_bytes());
        self.send(operation, &path, caller, body).await
    }

    /// A call with any body.
    pub async fn send(&self, operation: &Operation, path: &str, caller: &Guest, body: Option<Vec<u8>>) -> Answer {
        let key = key();
        let mut headers = vec![("if-match", "*")];
        if operation.method == Method::POST {
            headers.push(("idempotency-key", key.as_str()));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        // As [`Guest::send`] takes a path that is whole.
        caller.send(operation.method.clone(), &format!("/{path}"), &headers, body).await
    }

    /// Every row that a refused call may not change, and what staff did.
    pub fn rows(&self) -> BTreeMap<String, String> {
        let mut rows = self.app.snapshot();
        rows.retain(|table, _| !TRACES.contains(&table.as_str()));
        let done = "SELECT count(*) FROM audit_entries WHERE action NOT IN ('denied', 'sign_in_failed')";
        rows.insert("what was done".to_owned(), self.app.text(done));
        rows
    }
}

impl Side {
    /// What stands at a site, whoever owns it.
    pub fn at(&self, site: &str) -> String {
        self.id(site).map_or_else(|| self.common(site), str::to_owned)
    }

    /// Ids by the names that schemas give them.
    pub fn named(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("HoldId", json!(self.hold)),
            ("QuoteId", json!(self.quote)),
            ("RatePlanId", self.made.plan["rate_plan_id"].clone()),
            ("RoomTypeId", self.made.room_type["room_type_id"].clone()),
            ("UserId", json!(self.user_id)),
        ]
    }
}
