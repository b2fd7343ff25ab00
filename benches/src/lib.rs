//! Shared signals of the benches.
