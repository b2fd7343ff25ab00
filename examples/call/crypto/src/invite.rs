use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::Error;

const SECRET: usize = 32;
const TAG: usize = 32;

/// What a link says: the room, and a secret that is in the part after `#`, which browsers send to nobody.
///
/// Who knows the secret may join: requests to join carry a code made with it, and it enters the group's keys, so that someone
/// who was added without knowing it has no key.
#[derive(Clone)]
pub struct Invite {
    room: String,
    secret: [u8; SECRET],
}

impl Invite {
    /// An invitation with a new secret.
    pub fn generate(room: &str) -> Result<Self, Error> {
        let mut secret = [0; SECRET];
        getrandom::fill(&mut secret)?;
        Ok(Self { room: room.to_owned(), secret })
    }

    /// Reads the part of a link after `#`.
    pub fn parse(room: &str, fragment: &str) -> Result<Self, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(fragment).map_err(|_| Error::Link)?;
        let secret = bytes.try_into().map_err(|_| Error::Link)?;
        Ok(Self { room: room.to_owned(), secret })
    }

    /// The part of the link after `#`.
    pub fn fragment(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.secret)
    }

    /// Prepends the code that shows that the sender of a key package knows the secret.
    pub(crate) fn seal(&self, key_package: &[u8]) -> Vec<u8> {
        let mut request = self.code(key_package).finalize().into_bytes().to_vec();
        request.extend(key_package);
        request
    }

    /// Checks that code, and returns the key package.
    pub(crate) fn open<'a>(&self, request: &'a [u8]) -> Result<&'a [u8], Error> {
        let (tag, key_package) = request.split_at_checked(TAG).ok_or(Error::NotInvited)?;
        self.code(key_package).verify_slice(tag).map_err(|_| Error::NotInvited)?;
        Ok(key_package)
    }

    /// The name of the secret among the group's pre-shared keys.
    pub(crate) fn psk_id(&self) -> Vec<u8> {
        format!("sourdine call {}", self.room).into_bytes()
    }

    /// The secret as a pre-shared key.
    pub(crate) fn psk(&self) -> Vec<u8> {
        self.derive("pre-shared key").to_vec()
    }

    fn code(&self, key_package: &[u8]) -> Hmac<Sha256> {
        let mut code =
            <Hmac<Sha256> as Mac>::new_from_slice(&self.derive("admission")).expect("HMAC takes any length");
        code.update(key_package);
        code
    }

    fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(self.room.as_bytes()), &self.secret)
            .expand_multi_info(&[b"sourdine call 1 ", purpose.as_bytes()], &mut key)
            .expect("32 bytes are a length that HKDF-SHA-256 gives");
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_the_same_on_both_sides() {
        let invite = Invite::generate("room").unwrap();
        let other = Invite::parse("room", &invite.fragment()).unwrap();
        assert_eq!(invite.fragment().len(), 43);
        assert_eq!(other.open(&invite.seal(b"key package")).unwrap(), b"key package");
        assert_eq!(other.psk(), invite.psk());
    }

    #[test]
    fn another_secret_another_room_or_changed_bytes_are_refused() {
        let invite = Invite::generate("room").unwrap();
        let sealed = invite.seal(b"key package");
        assert!(Invite::generate("room").unwrap().open(&sealed).is_err());
        assert!(Invite::parse("other", &invite.fragment()).unwrap().open(&sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(invite.open(&changed).is_err(), "byte {at}");
        }
        assert!(invite.open(&sealed[..20]).is_err());
    }

    #[test]
    fn half_a_link_is_no_link() {
        for fragment in ["", "abc", "not base64 at all, but long enough to be a key"] {
            assert!(matches!(Invite::parse("room", fragment), Err(Error::Link)));
        }
    }
}
