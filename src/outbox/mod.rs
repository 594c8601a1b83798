//! The outbox: events that tell what happened, and jobs that are owed to the payment provider. Both are rows written
//! in the transaction that causes them, so neither is ever lost nor ever true of something rolled back.

pub mod events;
pub mod jobs;
