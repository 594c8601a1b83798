//! SQL of what rate plans list.

use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};

use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::rates::plan::{Penalty, Tier};
use crate::rates::plans::wire::{ChildBandBody, PlanBody, PlanFields, TierBody};
use crate::rates::store as rates;
use crate::schema::{
    cancellation_tiers as tiers, child_bands as bands, rate_plan_room_types as links, room_types as types,
};

/// The lists of some plans.
pub struct Lists {
    links: Vec<(RatePlanId, RoomTypeId)>,
    tiers: Vec<(RatePlanId, Tier)>,
    bands: Vec<(RatePlanId, i16, i64)>,
}

impl Lists {
    /// In three queries, however many the plans are. Room types that are deleted are left out.
    pub fn load(conn: &mut PgConnection, hotel_id: HotelId, plans: &[RatePlanId]) -> Result<Self, DbError> {
        let of_type = types::hotel_id.eq(links::hotel_id).and(types::room_type_id.eq(links::room_type_id));
        Ok(Self {
            links: links::table
                .inner_join(types::table.on(of_type))
                .filter(links::hotel_id.eq(hotel_id).and(links::rate_plan_id.eq_any(plans)))
                .filter(links::removed_at.is_null().and(types::deleted_at.is_null()))
                .select((links::rate_plan_id, links::room_type_id))
                .load(conn)?,
            tiers: rates::tiers(conn, hotel_id, plans)?,
            bands: bands::table
                .filter(bands::hotel_id.eq(hotel_id).and(bands::rate_plan_id.eq_any(plans)))
                .select((bands::rate_plan_id, bands::max_age, bands::amount))
                .load(conn)?,
        })
    }

    pub fn room_type_ids(&self, plan: RatePlanId) -> Vec<RoomTypeId> {
        self.links.iter().filter(|(of, _)| *of == plan).map(|(_, id)| *id).collect()
    }

    pub fn cancellation(&self, plan: RatePlanId) -> Vec<TierBody> {
        let body = |tier: &Tier| TierBody {
            until_hours_before_check_in: tier.until_hours_before_check_in,
            penalty: tier.penalty.into(),
        };
        self.tiers.iter().filter(|(of, _)| *of == plan).map(|(_, tier)| body(tier)).collect()
    }

    pub fn child_bands(&self, plan: RatePlanId) -> Vec<ChildBandBody> {
        let own = self.bands.iter().filter(|(of, ..)| *of == plan);
        own.map(|&(_, max_age, amount)| ChildBandBody { max_age, amount }).collect()
    }
}

/// What the plan sells, whether or not the room types are deleted.
pub fn links_of(tx: &mut Tx<'_>, plan: &PlanBody) -> Result<Vec<RoomTypeId>, DbError> {
    Ok(links::table
        .filter(links::hotel_id.eq(plan.hotel_id).and(links::rate_plan_id.eq(plan.rate_plan_id)))
        .filter(links::removed_at.is_null())
        .select(links::room_type_id)
        .load(&mut **tx)?)
}

/// Replaces what a plan lists by what the fields list.
pub fn write(tx: &mut Tx<'_>, hotel: HotelId, plan: RatePlanId, fields: &PlanFields) -> Result<(), DbError> {
    write_links(tx, (hotel, plan), &fields.room_type_ids)?;
    keep_to_base(tx, hotel, plan)?;
    write_tiers(tx, (hotel, plan), &fields.cancellation)?;
    write_bands(tx, (hotel, plan), &fields.child_bands)
}

/// A room type that is deleted keeps its place in the plan: when it is restored, the plan sells it again.
fn write_links(tx: &mut Tx<'_>, (hotel, plan): (HotelId, RatePlanId), ids: &[RoomTypeId]) -> Result<(), DbError> {
    sql("UPDATE rate_plan_room_types k SET removed_at = clock_timestamp()
         FROM room_types t
         WHERE k.hotel_id = $1 AND k.rate_plan_id = $2 AND k.removed_at IS NULL AND k.room_type_id <> ALL ($3)
           AND t.hotel_id = k.hotel_id AND t.room_type_id = k.room_type_id AND t.deleted_at IS NULL")
    .bind::<SqlUuid, _>(hotel)
    .bind::<SqlUuid, _>(plan)
    .bind::<Array<SqlUuid>, _>(ids.to_vec())
    .execute(&mut **tx)?;
    sql("INSERT INTO rate_plan_room_types AS k (hotel_id, rate_plan_id, room_type_id)
         SELECT $1, $2, id FROM unnest($3) AS id ORDER BY id
         ON CONFLICT (hotel_id, rate_plan_id, room_type_id) DO UPDATE SET removed_at = NULL
         WHERE k.removed_at IS NOT NULL")
    .bind::<SqlUuid, _>(hotel)
    .bind::<SqlUuid, _>(plan)
    .bind::<Array<SqlUuid>, _>(ids.to_vec())
    .execute(&mut **tx)?;
    Ok(())
}

/// Gives up a derived plan's places of deleted room types that its base plan sells no more, or never did: restored, they would
/// be sold by the derived plan alone.
pub fn keep_to_base(tx: &mut Tx<'_>, hotel: HotelId, plan: RatePlanId) -> Result<(), DbError> {
    sql("UPDATE rate_plan_room_types k SET removed_at = clock_timestamp()
         FROM rate_plans p
         WHERE p.hotel_id = $1 AND p.rate_plan_id = $2 AND p.derived_from IS NOT NULL
           AND k.hotel_id = p.hotel_id AND k.rate_plan_id = p.rate_plan_id AND k.removed_at IS NULL
           AND NOT EXISTS (
               SELECT FROM rate_plan_room_types b
               WHERE b.hotel_id = p.hotel_id AND b.rate_plan_id = p.derived_from AND b.room_type_id = k.room_type_id
                 AND b.removed_at IS NULL)")
    .bind::<SqlUuid, _>(hotel)
    .bind::<SqlUuid, _>(plan)
    .execute(&mut **tx)?;
    Ok(())
}

fn write_tiers(tx: &mut Tx<'_>, (hotel, plan): (HotelId, RatePlanId), given: &[TierBody]) -> Result<(), DbError> {
    diesel::delete(tiers::table.filter(tiers::hotel_id.eq(hotel).and(tiers::rate_plan_id.eq(plan))))
        .execute(&mut **tx)?;
    let row = |tier: &TierBody| {
        let (percent, nights, amount) = match tier.penalty.penalty() {
            Penalty::Percent(percent) => (Some(percent), None, None),
            Penalty::Nights(nights) => (None, Some(nights), None),
            Penalty::Amount(amount) => (None, None, Some(amount)),
        };
        (
            tiers::hotel_id.eq(hotel),
            tiers::rate_plan_id.eq(plan),
            tiers::until_hours_before_check_in.eq(tier.until_hours_before_check_in),
            tiers::penalty_percent.eq(percent),
            tiers::penalty_nights.eq(nights),
            tiers::penalty_amount.eq(amount),
        )
    };
    let rows: Vec<_> = given.iter().map(row).collect();
    diesel::insert_into(tiers::table).values(rows).execute(&mut **tx)?;
    Ok(())
}

fn write_bands(tx: &mut Tx<'_>, (hotel, plan): (HotelId, RatePlanId), given: &[ChildBandBody]) -> Result<(), DbError> {
    diesel::delete(bands::table.filter(bands::hotel_id.eq(hotel).and(bands::rate_plan_id.eq(plan))))
        .execute(&mut **tx)?;
    let row = |band: &ChildBandBody| {
        (
            bands::hotel_id.eq(hotel),
            bands::rate_plan_id.eq(plan),
            bands::max_age.eq(band.max_age),
            bands::amount.eq(band.amount),
        )
    };
    let rows: Vec<_> = given.iter().map(row).collect();
    diesel::insert_into(bands::table).values(rows).execute(&mut **tx)?;
    Ok(())
}
