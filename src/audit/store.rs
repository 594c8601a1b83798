//! SQL of the audit log: entries and seals are inserted, and never changed.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::{Action, Actor, Resource, Subject, chain};
use crate::db::tx::exactly;
use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{AuditId, HotelId, UserId};
use crate::kernel::request;
use crate::schema::audit_unsealed;

/// What an entry says of one thing.
pub(super) struct Said {
    pub subject: Subject,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Inserts entries, and that they wait for their seals: one statement, so that no other way leads into the log.
pub(super) fn insert(tx: &mut Tx<'_>, by: Actor<'_>, action: Action, all: Vec<Said>) -> Result<(), DbError> {
    let (actor_id, address) = match by {
        Actor::User { user_id, address } => (Some(user_id), address),
        Actor::Stranger { address } => (None, address),
        Actor::Operator => (None, None),
    };
    let ids: Vec<AuditId> = all.iter().map(|_| AuditId::new()).collect();
    let hotels: Vec<HotelId> = all.iter().map(|said| said.subject.hotel_id).collect();
    let resources: Vec<Resource> = all.iter().map(|said| said.subject.resource).collect();
    let resource_ids: Vec<Option<Uuid>> = all.iter().map(|said| said.subject.resource_id).collect();
    let (before, after): (Vec<_>, Vec<_>) = all.into_iter().map(|said| (said.before, said.after)).unzip();
    sql("WITH entry AS (
             INSERT INTO audit_entries
                 (hotel_id, audit_id, actor_id, action, resource, resource_id, before, after, request_id, address)
             SELECT hotel_id, audit_id, $6, $7, resource, resource_id, before, after, $8, $9
             FROM unnest($1, $2, $3, $4, $5, $10) said (hotel_id, audit_id, resource, resource_id, before, after)
             RETURNING hotel_id, audit_id
         )
         INSERT INTO audit_unsealed (hotel_id, audit_id) SELECT hotel_id, audit_id FROM entry")
    .bind::<Array<SqlUuid>, _>(hotels)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(resources)
    .bind::<Array<Nullable<SqlUuid>>, _>(resource_ids)
    .bind::<Array<Nullable<Jsonb>>, _>(before)
    .bind::<Nullable<SqlUuid>, _>(actor_id)
    .bind::<Text, _>(action)
    .bind::<Text, _>(request::id())
    .bind::<Nullable<Text>, _>(address.map(str::to_owned))
    .bind::<Array<Nullable<Jsonb>>, _>(after)
    .execute(&mut **tx)?;
    Ok(())
}

/// Whether a denial of this permission to this user was written within the last `seconds`.
pub(super) fn denied_lately(
    conn: &mut PgConnection,
    user_id: UserId,
    permission: &str,
    seconds: i32,
) -> Result<bool, DbError> {
    let lately = sql("SELECT FROM audit_entries
         WHERE actor_id = $1 AND action = 'denied' AND after ->> 'permission' = $2
           AND created_at > (SELECT clock_timestamp()) - $3 * interval '1 second' LIMIT 1")
    .bind::<SqlUuid, _>(user_id)
    .bind::<Text, _>(permission.to_owned())
    .bind::<Integer, _>(seconds)
    .execute(conn)?;
    Ok(lately > 0)
}

/// Hotels that have entries waiting.
pub(super) fn hotels_unsealed(conn: &mut PgConnection) -> Result<Vec<HotelId>, DbError> {
    Ok(audit_unsealed::table.select(audit_unsealed::hotel_id).distinct().order(audit_unsealed::hotel_id).load(conn)?)
}

/// A chain that does not get on.
#[derive(Debug, QueryableByName)]
pub struct Overdue {
    #[diesel(sql_type = SqlUuid)]
    pub hotel_id: HotelId,
    /// How many entries wait.
    #[diesel(sql_type = BigInt)]
    pub entries: i64,
    /// How long the oldest has waited, in seconds.
    #[diesel(sql_type = BigInt)]
    pub waited_s: i64,
}

/// Hotels that have entries older than so many seconds waiting, the oldest first.
pub(super) fn overdue(conn: &mut PgConnection, seconds: i32, most: i64) -> Result<Vec<Overdue>, DbError> {
    Ok(sql("SELECT hotel_id, count(*) AS entries,
                extract(epoch FROM clock_timestamp() - min(created_at))::bigint AS waited_s
         FROM audit_unsealed JOIN audit_entries USING (hotel_id, audit_id)
         GROUP BY hotel_id HAVING min(created_at) < clock_timestamp() - $1 * interval '1 second'
         ORDER BY min(created_at) LIMIT $2")
    .bind::<Integer, _>(seconds)
    .bind::<BigInt, _>(most)
    .load(conn)?)
}

/// The end of a hotel's chain.
#[derive(Debug, QueryableByName)]
pub(super) struct Head {
    #[diesel(sql_type = SqlUuid)]
    pub hotel_id: HotelId,
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = Bytea)]
    pub hash: Vec<u8>,
}

/// Locks the heads of hotels in the order of their ids, but those that another has; one is made at `genesis` for the
/// first of a hotel's entries.
pub(super) fn lock_heads(tx: &mut Tx<'_>, hotels: &[HotelId], genesis: &[u8]) -> Result<Vec<Head>, DbError> {
    sql("INSERT INTO audit_heads (hotel_id, seq, hash)
         SELECT hotel_id, 0, $2 FROM unnest($1) AS hotel (hotel_id) ORDER BY hotel_id
         ON CONFLICT DO NOTHING")
    .bind::<Array<SqlUuid>, _>(hotels.to_vec())
    .bind::<Bytea, _>(genesis.to_vec())
    .execute(&mut **tx)?;
    Ok(sql("SELECT hotel_id, seq, hash FROM audit_heads WHERE hotel_id = ANY($1) ORDER BY hotel_id
            FOR UPDATE SKIP LOCKED")
    .bind::<Array<SqlUuid>, _>(hotels.to_vec())
    .load(&mut **tx)?)
}

/// An entry to be sealed.
#[derive(Debug, QueryableByName)]
pub(super) struct Waiting {
    #[diesel(sql_type = SqlUuid)]
    pub hotel_id: HotelId,
    #[diesel(sql_type = SqlUuid)]
    pub audit_id: AuditId,
    /// As [`chain::FIELDS`] says.
    #[diesel(sql_type = Array<Nullable<Text>>)]
    pub fields: Vec<Option<String>>,
}

/// What of those hotels waits, hotel by hotel, the oldest first.
pub(super) fn unsealed(tx: &mut Tx<'_>, hotels: Vec<HotelId>, most: i64) -> Result<Vec<Waiting>, DbError> {
    Ok(sql(format!(
        "SELECT hotel_id, audit_id, ARRAY[{}] AS fields FROM audit_unsealed JOIN audit_entries USING (hotel_id, audit_id)
         WHERE hotel_id = ANY($1) ORDER BY hotel_id, created_at, audit_id LIMIT $2",
        chain::FIELDS
    ))
    .bind::<Array<SqlUuid>, _>(hotels)
    .bind::<BigInt, _>(most)
    .load(&mut **tx)?)
}

/// The place of an entry in its hotel's chain.
pub(super) struct Seal {
    pub hotel_id: HotelId,
    pub audit_id: AuditId,
    pub seq: i64,
    pub hash: Vec<u8>,
}

/// Writes seals; nothing of it waits any more.
pub(super) fn seal(tx: &mut Tx<'_>, seals: Vec<Seal>) -> Result<(), DbError> {
    let count = seals.len();
    let hotels: Vec<HotelId> = seals.iter().map(|seal| seal.hotel_id).collect();
    let ids: Vec<AuditId> = seals.iter().map(|seal| seal.audit_id).collect();
    let (seqs, hashes): (Vec<i64>, Vec<Vec<u8>>) = seals.into_iter().map(|seal| (seal.seq, seal.hash)).unzip();
    sql("INSERT INTO audit_seals (hotel_id, audit_id, seq, hash) SELECT * FROM unnest($1, $2, $3, $4)")
        .bind::<Array<SqlUuid>, _>(hotels.clone())
        .bind::<Array<SqlUuid>, _>(ids.clone())
        .bind::<Array<BigInt>, _>(seqs)
        .bind::<Array<Bytea>, _>(hashes)
        .execute(&mut **tx)?;
    let waited = sql("DELETE FROM audit_unsealed u USING unnest($1, $2) AS sealed (hotel_id, audit_id)
         WHERE u.hotel_id = sealed.hotel_id AND u.audit_id = sealed.audit_id")
    .bind::<Array<SqlUuid>, _>(hotels)
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(&mut **tx)?;
    exactly(waited, count, "entries that waited for their seals")
}

/// Moves heads to their new places. The caller has them locked.
pub(super) fn move_heads(tx: &mut Tx<'_>, heads: Vec<Head>) -> Result<(), DbError> {
    let count = heads.len();
    let hotels: Vec<HotelId> = heads.iter().map(|head| head.hotel_id).collect();
    let (seqs, hashes): (Vec<i64>, Vec<Vec<u8>>) = heads.into_iter().map(|head| (head.seq, head.hash)).unzip();
    let moved = sql("UPDATE audit_heads h SET seq = moved.seq, hash = moved.hash
         FROM unnest($1, $2, $3) AS moved (hotel_id, seq, hash) WHERE h.hotel_id = moved.hotel_id")
    .bind::<Array<SqlUuid>, _>(hotels)
    .bind::<Array<BigInt>, _>(seqs)
    .bind::<Array<Bytea>, _>(hashes)
    .execute(&mut **tx)?;
    exactly(moved, count, "heads of chains")
}
