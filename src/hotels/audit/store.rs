//! SQL of reading the audit log.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
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
///
/// However long the log is, what is read of it is bounded: entries of one user or one thing at most, or else a page of
/// each [strand](strands).
pub fn list(conn: &mut PgConnection, scope: Scope, wanted: &Wanted) -> Result<Vec<AuditEntry>, DbError> {
    let member = match scope {
        Scope::Everywhere => None,
        Scope::MemberOf(user_id) => Some(user_id),
    };
    let (before_time, before_id) = match (wanted.before, wanted.to) {
        (Some((time, audit_id)), _) => (Some(time), audit_id),
        // No id is less: what is of that very moment is not before it.
        (None, to) => (to, AuditId(Uuid::nil())),
    };
    Ok(sql(statement(member.is_some(), wanted))
        .bind::<BigInt, _>(wanted.rows)
        .bind::<SqlUuid, _>(NO_HOTEL)
        .bind::<Nullable<Timestamptz>, _>(wanted.from)
        .bind::<Nullable<Timestamptz>, _>(before_time)
        .bind::<SqlUuid, _>(before_id)
        .bind::<Nullable<SqlUuid>, _>(member)
        .bind::<Nullable<SqlUuid>, _>(wanted.hotel_id)
        .bind::<Nullable<SqlUuid>, _>(wanted.actor)
        .bind::<Nullable<SqlUuid>, _>(wanted.resource_id)
        .bind::<Nullable<Text>, _>(wanted.resource)
        .bind::<Nullable<Text>, _>(wanted.action)
        .bind::<Array<Text>, _>(Resource::ALL)
        .bind::<Array<Text>, _>(Action::ALL)
        .load(conn)?)
}

/// Only what is asked for stands in the statement, so that each has the plan that suits it, whether or not PostgreSQL
/// knows the parameters when it plans. Time is always bounded, for that is the end of every index used.
fn statement(is_member: bool, wanted: &Wanted) -> String {
    let (strands, of_strand) = strands(is_member, wanted);
    let by_actor = wanted.actor.map_or("", |_| " AND actor_id = $8");
    let by_thing = wanted.resource_id.map_or("", |_| " AND resource_id = $9");
    format!(
        "SELECT e.audit_id, nullif(e.hotel_id, $2) AS hotel_id, e.actor_id, u.email AS actor_email, e.action, e.resource,
             e.resource_id, e.before, e.after, nullif(e.request_id, '') AS request_id, e.address, e.created_at, s.seq,
             encode(s.hash, 'hex') AS hash
         FROM (
             SELECT newest.* FROM {strands} CROSS JOIN LATERAL (
                 SELECT * FROM audit_entries
                 WHERE created_at >= coalesce($3, '-infinity') AND (created_at, audit_id) < (coalesce($4, 'infinity'), $5)
                   {of_strand}{by_actor}{by_thing}
                 ORDER BY created_at DESC, audit_id DESC LIMIT $1
             ) newest
             ORDER BY created_at DESC, audit_id DESC LIMIT $1
         ) e
         LEFT JOIN audit_seals s ON s.hotel_id = e.hotel_id AND s.audit_id = e.audit_id
         LEFT JOIN users u ON u.user_id = e.actor_id
         ORDER BY e.created_at DESC, e.audit_id DESC"
    )
}

/// The log is cut into strands, one for each way in which its entries may be what is wanted: an index has each of them in
/// the order of time, so the newest are at its end, and the newest of all are among those. A table of the strands, and
/// what makes an entry one's.
///
/// One user's or one thing's entries are few enough to be looked through whole.
fn strands(is_member: bool, wanted: &Wanted) -> (String, String) {
    let is_narrow = wanted.actor.is_some() || wanted.resource_id.is_some();
    let mut tables = vec!["(SELECT) one"];
    let mut of_strand = String::new();
    match (is_member, is_narrow) {
        (false, _) => {}
        (true, true) => {
            of_strand += " AND hotel_id = ANY(ARRAY(SELECT hotel_id FROM hotel_members WHERE user_id = $6))";
        }
        (true, false) => {
            tables.push("(SELECT hotel_id FROM hotel_members WHERE user_id = $6) own");
            of_strand += " AND hotel_id = own.hotel_id";
        }
    }
    of_strand += wanted.hotel_id.map_or("", |_| " AND hotel_id = $7");
    match (wanted.resource.is_some(), wanted.action.is_some()) {
        (false, false) => {}
        (true, false) if !is_narrow => {
            tables.push("unnest($13) AS each (action)");
            of_strand += " AND resource = $10 AND action = each.action";
        }
        (false, true) if !is_narrow => {
            tables.push("unnest($12) AS each (resource)");
            of_strand += " AND action = $11 AND resource = each.resource";
        }
        (by_resource, by_action) => {
            of_strand += if by_resource { " AND resource = $10" } else { "" };
            of_strand += if by_action { " AND action = $11" } else { "" };
        }
    }
    (tables.join(" CROSS JOIN "), of_strand)
}
