//! Shared by the tests of all crates: [`signals`], [`metrics`], the [`conformance`] suite that a model or a
//! front end has to pass, [`models`] that are simple enough to predict, the allocation
//! counter ([`alloc`]) and a simulated sound card ([`host`]).
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test's helper may fail its test.

pub mod alloc;
pub mod conformance;
pub mod host;
pub mod metrics;
pub mod models;
pub mod signals;
