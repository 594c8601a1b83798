//! SQL of members.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;

use super::grant::Whom;
use crate::access::store::email_key;
use crate::db::{DbError, Tx, sql};
use crate::hotels::staff::http::Wanted;
use crate::hotels::staff::{KeptHotel, ManagedHotel};
use crate::kernel::ids::{HotelId, UserId};
use crate::schema::hotel_members::dsl;
use crate::schema::users;

/// A member of a hotel.
#[derive(Clone, Debug, QueryableByName, Serialize, ToSchema)]
pub struct Member {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = SqlUuid)]
    pub hotel_id: HotelId,
    #[diesel(sql_type = Text)]
    pub email: String,
    #[diesel(sql_type = Text)]
    pub full_name: String,
    /// Without a role such as `manager`, membership alone opens nothing.
    #[diesel(sql_type = Array<Text>)]
    pub roles: Vec<String>,
    #[diesel(sql_type = Timestamptz)]
    pub granted_at: DateTime<Utc>,
    /// When the account was disabled; `null` while it is not.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[schema(required)]
    pub disabled_at: Option<DateTime<Utc>>,
}

/// `$1` the hotel.
const MEMBERS: &str = "
    SELECT m.user_id, m.hotel_id, u.email, u.full_name, m.granted_at, u.disabled_at,
           ARRAY(SELECT role FROM user_roles r WHERE r.user_id = m.user_id ORDER BY role) AS roles
    FROM hotel_members m JOIN users u ON u.user_id = m.user_id
    WHERE m.hotel_id = $1";

/// The hotel's members, by their ids.
pub fn list(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: Wanted<UserId>) -> Result<Vec<Member>, DbError> {
    Ok(sql(format!("{MEMBERS} AND m.user_id > $2 ORDER BY m.user_id LIMIT $3"))
        .bind::<SqlUuid, _>(hotel.hotel_id)
        .bind::<SqlUuid, _>(wanted.after)
        .bind::<diesel::sql_types::BigInt, _>(wanted.rows)
        .load(conn)?)
}

pub fn find(conn: &mut PgConnection, hotel: &ManagedHotel, user_id: UserId) -> Result<Option<Member>, DbError> {
    Ok(sql(format!("{MEMBERS} AND m.user_id = $2"))
        .bind::<SqlUuid, _>(hotel.hotel_id)
        .bind::<SqlUuid, _>(user_id)
        .get_result(conn)
        .optional()?)
}

/// Somebody with an account that may be used.
pub fn user(conn: &mut PgConnection, whom: &Whom) -> Result<Option<UserId>, DbError> {
    let enabled = users::table.filter(users::disabled_at.is_null()).select(users::user_id);
    Ok(match whom {
        Whom::User(user_id) => enabled.filter(users::user_id.eq(*user_id)).first(conn).optional()?,
        Whom::Email(email) => enabled.filter(users::email_key.eq(email_key(email))).first(conn).optional()?,
    })
}

/// False: a member already.
pub fn insert(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, user_id: UserId) -> Result<bool, DbError> {
    let inserted = diesel::insert_into(dsl::hotel_members)
        .values((dsl::hotel_id.eq(hotel.hotel_id), dsl::user_id.eq(user_id)))
        .on_conflict_do_nothing()
        .execute(&mut **tx)?;
    Ok(inserted == 1)
}

/// False: no member.
pub fn delete(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, user_id: UserId) -> Result<bool, DbError> {
    let member = dsl::hotel_members.find((hotel.hotel_id, user_id));
    Ok(diesel::delete(member).execute(&mut **tx)? == 1)
}
