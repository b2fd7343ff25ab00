//! The cryptography of a call: who is in it, and what its frames look like on the wire.
//!
//! [`Member`] keeps one participant's state of the group (MLS, RFC 9420): it admits those who know the link, follows the epochs
//! and exports a key for each. [`FrameCipher`] encrypts and decrypts media frames with these keys (SFrame, RFC 9605). The two
//! only share an [`EpochKeys`], so that frames can be handled in another thread. In the browser both are classes (`web.rs`).

mod error;
mod frames;
mod invite;
mod member;
mod safety;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{Error, FrameError};
pub use frames::{EpochKeys, FrameCipher, Stream};
pub use invite::Invite;
pub use member::{Commit, Member, Received};
