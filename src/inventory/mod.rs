//! The stock: how many rooms of a type are left each night, and the only code that changes it.

pub mod horizon;
pub mod out_of_service;
pub mod stock;
pub mod store;
