use mls_rs::error::MlsError;

/// Why an operation on the group failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The part after `#` is not 32 bytes in base64url.
    #[error("the link is incomplete: the part after # has to be 43 characters long; copy the whole link")]
    Link,
    /// The message authentication code of a request is wrong.
    #[error("the request to join was made without this room's link")]
    NotInvited,
    /// The bytes are no message of the expected kind.
    #[error("a message that is no {0}")]
    NotA(&'static str),
    /// There is no group yet.
    #[error("not a member of the group yet")]
    NotAMember,
    /// No member of this name.
    #[error("{0} is not in the group")]
    Unknown(String),
    /// The MLS library refused.
    #[error("the group refuses: {0}")]
    Mls(#[from] MlsError),
    /// No randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// Why a frame was not encrypted or decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// There is no key to send with: not in the group.
    #[error("no key yet")]
    NoKey,
    /// Shorter than any frame of the video codec.
    #[error("too short for a video frame")]
    Short,
    /// Not a frame of SFrame's form, or from an epoch that is not known: plaintext, for example.
    #[error("not encrypted for this group")]
    Foreign,
    /// Encrypted by a member, but not by the one or for the stream that it is said to be of.
    #[error("from another sender or stream")]
    Misplaced,
    /// Does not authenticate.
    #[error("does not authenticate")]
    Forged,
    /// Was there before, or is too old to tell.
    #[error("repeated")]
    Repeated,
}
