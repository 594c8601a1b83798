//! SQL of the audit log: entries and seals are inserted, and never changed.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::Value;

use super::{Action, Actor, Subject, chain};
use crate::db::tx::exactly;
use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{AuditId, HotelId, UserId};
use crate::kernel::request;
use crate::schema::{audit_heads, audit_seals, audit_unsealed};

/// Inserts an entry, and that it waits for its seal: one statement, so that no other way leads into the log.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    by: Actor<'_>,
    action: Action,
    subject: Subject,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), DbError> {
    let (actor_id, address) = match by {
        Actor::User { user_id, address } => (Some(user_id), address),
        Actor::Stranger { address } => (None, address),
        Actor::Operator => (None, None),
    };
    sql("WITH entry AS (
             INSERT INTO audit_entries
                 (hotel_id, audit_id, actor_id, action, resource, resource_id, before, after, request_id, address)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING hotel_id, audit_id
         )
         INSERT INTO audit_unsealed (hotel_id, audit_id) SELECT hotel_id, audit_id FROM entry")
    .bind::<SqlUuid, _>(subject.hotel_id)
    .bind::<SqlUuid, _>(AuditId::new())
    .bind::<Nullable<SqlUuid>, _>(actor_id)
    .bind::<Text, _>(action)
    .bind::<Text, _>(subject.resource)
    .bind::<Nullable<SqlUuid>, _>(subject.resource_id)
    .bind::<Nullable<Jsonb>, _>(before)
    .bind::<Nullable<Jsonb>, _>(after)
    .bind::<Text, _>(request::id())
    .bind::<Nullable<Text>, _>(address.map(str::to_owned))
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

/// The end of a chain.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = audit_heads)]
pub(super) struct Head {
    pub seq: i64,
    pub hash: Vec<u8>,
}

/// Locks a hotel's head, which is made at `genesis` for the first of its entries; `None` while another has it.
pub(super) fn lock_head(tx: &mut Tx<'_>, hotel_id: HotelId, genesis: &[u8]) -> Result<Option<Head>, DbError> {
    diesel::insert_into(audit_heads::table)
        .values((audit_heads::hotel_id.eq(hotel_id), audit_heads::seq.eq(0), audit_heads::hash.eq(genesis)))
        .on_conflict_do_nothing()
        .execute(&mut **tx)?;
    Ok(audit_heads::table
        .find(hotel_id)
        .select(Head::as_select())
        .for_update()
        .skip_locked()
        .first(&mut **tx)
        .optional()?)
}

/// An entry to be sealed.
#[derive(Debug, QueryableByName)]
pub(super) struct Waiting {
    #[diesel(sql_type = SqlUuid)]
    pub audit_id: AuditId,
    /// As [`chain::FIELDS`] says.
    #[diesel(sql_type = Array<Nullable<Text>>)]
    pub fields: Vec<Option<String>>,
}

/// What of a hotel waits, the oldest first.
pub(super) fn unsealed(tx: &mut Tx<'_>, hotel_id: HotelId, most: i64) -> Result<Vec<Waiting>, DbError> {
    Ok(sql(format!(
        "SELECT audit_id, ARRAY[{}] AS fields FROM audit_unsealed JOIN audit_entries USING (hotel_id, audit_id)
         WHERE hotel_id = $1 ORDER BY created_at, audit_id LIMIT $2",
        chain::FIELDS
    ))
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<BigInt, _>(most)
    .load(&mut **tx)?)
}

/// Writes seals, each the entry's id, its place and its hash; nothing of it waits any more.
pub(super) fn seal(tx: &mut Tx<'_>, hotel_id: HotelId, seals: &[(AuditId, i64, Vec<u8>)]) -> Result<(), DbError> {
    let rows: Vec<_> = seals
        .iter()
        .map(|(audit_id, seq, hash)| {
            (
                audit_seals::hotel_id.eq(hotel_id),
                audit_seals::audit_id.eq(audit_id),
                audit_seals::seq.eq(seq),
                audit_seals::hash.eq(hash),
            )
        })
        .collect();
    diesel::insert_into(audit_seals::table).values(rows).execute(&mut **tx)?;
    let ids: Vec<AuditId> = seals.iter().map(|(audit_id, ..)| *audit_id).collect();
    let waited =
        audit_unsealed::table.filter(audit_unsealed::hotel_id.eq(hotel_id).and(audit_unsealed::audit_id.eq_any(&ids)));
    exactly(diesel::delete(waited).execute(&mut **tx)?, seals.len(), "entries that waited for their seals")
}

/// Makes the seal with this place and hash the last one. The caller has the head locked.
pub(super) fn move_head(tx: &mut Tx<'_>, hotel_id: HotelId, seq: i64, hash: &[u8]) -> Result<(), DbError> {
    let moved = sql("UPDATE audit_heads SET seq = $2, hash = $3 WHERE hotel_id = $1")
        .bind::<SqlUuid, _>(hotel_id)
        .bind::<BigInt, _>(seq)
        .bind::<Bytea, _>(hash.to_vec())
        .execute(&mut **tx)?;
    exactly(moved, 1, "head of a chain")
}
