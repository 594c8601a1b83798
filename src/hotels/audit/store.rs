//! SQL of reading the audit log.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::guard::Scope;
use crate::audit::{Action, NO_HOTEL, Resource};
use crate::db::{DbError, sql};
use crate::kernel::ids::{AuditId, HotelId, UserId};

/// An entry of the audit log.
#[derive(Clone, Debug, QueryableByName, Serialize, ToSchema)]
pub struct AuditEntry {
    #[diesel(sql_type = SqlUuid)]
    pub audit_id: AuditId,
    /// `null` for what belongs to no hotel, such as signing in.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    #[schema(required)]
    pub hotel_id: Option<HotelId>,
    /// `null`: the operator's own commands, or somebody who has not proven who they are.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    #[schema(required)]
    pub actor_id: Option<UserId>,
    #[diesel(sql_type = Nullable<Text>)]
    #[schema(required)]
    pub actor_email: Option<String>,
    #[diesel(sql_type = Text)]
    pub action: Action,
    #[diesel(sql_type = Text)]
    pub resource: Resource,
    /// `null`: many at once, or nothing that has an id.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    #[schema(required)]
    pub resource_id: Option<Uuid>,
    /// The resource as the API showed it.
    #[diesel(sql_type = Nullable<Jsonb>)]
    #[schema(required, value_type = Option<Object>)]
    pub before: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    #[schema(required, value_type = Option<Object>)]
    pub after: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    #[schema(required)]
    pub request_id: Option<String>,
    /// Where the request came from.
    #[diesel(sql_type = Nullable<Text>)]
    #[schema(required)]
    pub address: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// The entry's place in its hotel's chain; `null` for the seconds until it is sealed.
    #[diesel(sql_type = Nullable<BigInt>)]
    #[schema(required)]
    pub seq: Option<i64>,
    /// SHA-256 over the entry and the hash before it, in hex.
    #[diesel(sql_type = Nullable<Text>)]
    #[schema(required)]
    pub hash: Option<String>,
}

/// What is asked for; `None`: whatever it is.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub hotel_id: Option<HotelId>,
    pub actor: Option<UserId>,
    pub action: Option<Action>,
    pub resource: Option<Resource>,
    pub resource_id: Option<Uuid>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// Only what is older than this entry.
    pub before: Option<(DateTime<Utc>, AuditId)>,
    /// One more than the page has.
    pub rows: i64,
}

/// Entries within the scope, the newest first. What belongs to no hotel is for those alone who reach all.
pub fn list(conn: &mut PgConnection, scope: Scope, wanted: &Wanted) -> Result<Vec<AuditEntry>, DbError> {
    let member = match scope {
        Scope::Everywhere => None,
        Scope::MemberOf(user_id) => Some(user_id),
    };
    let (before_time, before_id) = wanted.before.unzip();
    Ok(sql("SELECT e.audit_id, nullif(e.hotel_id, $1) AS hotel_id, e.actor_id, u.email AS actor_email, e.action, e.resource,
             e.resource_id, e.before, e.after, nullif(e.request_id, '') AS request_id, e.address, e.created_at, s.seq,
             encode(s.hash, 'hex') AS hash
         FROM audit_entries e
         LEFT JOIN audit_seals s ON s.hotel_id = e.hotel_id AND s.audit_id = e.audit_id
         LEFT JOIN users u ON u.user_id = e.actor_id
         WHERE ($2 IS NULL OR EXISTS (SELECT FROM hotel_members m WHERE m.hotel_id = e.hotel_id AND m.user_id = $2))
           AND ($3 IS NULL OR e.hotel_id = $3) AND ($4 IS NULL OR e.actor_id = $4)
           AND ($5 IS NULL OR e.action = $5) AND ($6 IS NULL OR e.resource = $6)
           AND ($7 IS NULL OR e.resource_id = $7)
           AND ($8 IS NULL OR e.created_at >= $8) AND ($9 IS NULL OR e.created_at < $9)
           AND ($10 IS NULL OR (e.created_at, e.audit_id) < ($10, $11))
         ORDER BY e.created_at DESC, e.audit_id DESC LIMIT $12")
    .bind::<SqlUuid, _>(NO_HOTEL)
    .bind::<Nullable<SqlUuid>, _>(member)
    .bind::<Nullable<SqlUuid>, _>(wanted.hotel_id)
    .bind::<Nullable<SqlUuid>, _>(wanted.actor)
    .bind::<Nullable<Text>, _>(wanted.action)
    .bind::<Nullable<Text>, _>(wanted.resource)
    .bind::<Nullable<SqlUuid>, _>(wanted.resource_id)
    .bind::<Nullable<Timestamptz>, _>(wanted.from)
    .bind::<Nullable<Timestamptz>, _>(wanted.to)
    .bind::<Nullable<Timestamptz>, _>(before_time)
    .bind::<Nullable<SqlUuid>, _>(before_id)
    .bind::<BigInt, _>(wanted.rows)
    .load(conn)?)
}
