//! What a rate plan lists: the room types that it sells, its cancellation tiers, its child bands.

pub mod store;
