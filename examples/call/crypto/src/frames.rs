use std::collections::{HashMap, hash_map::Entry};

use sframe::{
    CipherSuite,
    error::SframeError,
    frame::{
        EncryptedFrameView, MediaFrameView, MonotonicCounter,
        validation::{ReplayAttackProtectionStore, Tolerance},
    },
    header::KeyId,
    key::{DecryptionKey, EncryptionKey},
    mls::{MlsKeyId, MlsKeyIdBitRange},
};

use crate::FrameError;

const SUITE: CipherSuite = CipherSuite::AesGcm128Sha256;

/// A key id holds the low bits of the epoch, the sender's leaf, and the stream (RFC 9605, 5.2). So groups have up to 1024
/// leaves, and an epoch is told from those around it.
const EPOCH_BITS: u8 = 8;
const LEAF_BITS: u8 = 10;

/// How far frames may overtake each other.
const REORDERING: usize = 1024;

/// Epochs that are kept for frames that are still on their way.
const EPOCHS: usize = 4;

/// What a participant sends. Each stream has keys and a counter of its own, so the server cannot pass one off as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The voice.
    Microphone,
    /// The face.
    Camera,
    /// The shared screen's picture.
    Screen,
    /// The shared screen's sound.
    ScreenSound,
}

impl Stream {
    /// All streams, each at its number in key ids.
    pub const ALL: [Self; 4] = [Self::Microphone, Self::Camera, Self::Screen, Self::ScreenSound];

    fn is_video(self) -> bool {
        matches!(self, Self::Camera | Self::Screen)
    }

    /// The bytes of a frame that have to stay readable, and the others. All are authenticated. The receiver's depacketizer reads VP8's payload
    /// header (RFC 7741, 4.3), before the frame gets to the decrypting side: whether it is a key frame, and then its size.
    fn split(self, frame: &[u8]) -> Result<(&[u8], &[u8]), FrameError> {
        let clear = match frame.first() {
            _ if !self.is_video() => 0,
            Some(first) if first & 1 == 1 => 3,
            _ => 10,
        };
        frame.split_at_checked(clear).ok_or(FrameError::Short)
    }
}

/// An epoch of the group, as far as frames are concerned.
#[derive(Clone)]
pub struct EpochKeys {
    number: u64,
    own_leaf: u32,
    base_key: Vec<u8>,
    members: Vec<(u32, String)>,
}

impl EpochKeys {
    /// What the base key is called among the group's exported secrets (RFC 9605, 5.2).
    pub const LABEL: &'static [u8] = b"SFrame 1.0 Base Key";
    /// The base key's length in bytes.
    pub const LENGTH: usize = 16;

    /// `members` are leaves and names.
    pub fn new(number: u64, own_leaf: u32, base_key: &[u8], members: Vec<(u32, String)>) -> Self {
        Self { number, own_leaf, base_key: base_key.to_vec(), members }
    }

    /// The epoch's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// This participant's leaf.
    pub fn own_leaf(&self) -> u32 {
        self.own_leaf
    }

    /// The secret that all keys of the epoch are derived from.
    pub fn base_key(&self) -> &[u8] {
        &self.base_key
    }

    /// Leaves and names.
    pub fn members(&self) -> &[(u32, String)] {
        &self.members
    }
}

/// Encrypts and decrypts frames with the keys of the last few epochs.
pub struct FrameCipher {
    epochs: Vec<Epoch>,
    sending: Option<u64>,
    repetitions: ReplayAttackProtectionStore,
}

struct Epoch {
    keys: EpochKeys,
    senders: HashMap<Stream, (EncryptionKey, MonotonicCounter)>,
    receivers: HashMap<KeyId, DecryptionKey>,
}

impl Default for FrameCipher {
    fn default() -> Self {
        Self {
            epochs: Vec::new(),
            sending: None,
            repetitions: ReplayAttackProtectionStore::new(Tolerance::new(REORDERING)),
        }
    }
}

impl FrameCipher {
    /// Knows no key yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Can read frames of this epoch from now on; those who are not in it any more are not heard any more. An epoch that is known
    /// stays as it is, lest its counters begin anew.
    pub fn add_epoch(&mut self, keys: EpochKeys) {
        if self.epochs.iter().any(|epoch| epoch.keys.number >= keys.number) {
            return;
        }
        self.epochs.push(Epoch { keys, senders: HashMap::new(), receivers: HashMap::new() });
        if self.epochs.len() > EPOCHS {
            let oldest = self.epochs[1].keys.number;
            self.forget_before(oldest);
        }
    }

    /// Encrypts with the newest epoch from now on.
    pub fn send_with_newest(&mut self) {
        self.sending = self.epochs.last().map(|epoch| epoch.keys.number);
    }

    /// Deletes older epochs' keys.
    pub fn forget_before(&mut self, number: u64) {
        self.epochs.retain(|epoch| epoch.keys.number >= number);
        let kept: Vec<u64> = self.epochs.iter().map(|epoch| epoch.keys.number).collect();
        self.repetitions.retain(|key_id| {
            kept.iter()
                .any(|&number| low_bits(number) == MlsKeyId::from_key_id(key_id, bit_range()).epoch_lsb())
        });
    }

    /// Returns what to send in place of the frame.
    pub fn encrypt(&mut self, stream: Stream, frame: &[u8]) -> Result<Vec<u8>, FrameError> {
        let epoch = self
            .epochs
            .iter_mut()
            .find(|epoch| Some(epoch.keys.number) == self.sending)
            .ok_or(FrameError::NoKey)?;
        let keys = &epoch.keys;
        let (key, counter) = match epoch.senders.entry(stream) {
            Entry::Occupied(sender) => sender.into_mut(),
            Entry::Vacant(place) => {
                let id = key_id(keys.number, keys.own_leaf, stream)?;
                let key =
                    EncryptionKey::derive_from(SUITE, id, &keys.base_key).map_err(|_| FrameError::NoKey)?;
                place.insert((key, MonotonicCounter::default()))
            }
        };
        let (clear, secret) = stream.split(frame)?;
        let mut encrypted = Vec::new();
        // The counter of a key ends after 2^64 frames.
        MediaFrameView::try_with_meta_data(counter, secret, clear)
            .and_then(|view| view.encrypt_into(key, &mut encrypted).map(|_| ()))
            .map_err(|_| FrameError::NoKey)?;
        Ok(encrypted)
    }

    /// Returns the frame, if `peer` sent it in this stream.
    pub fn decrypt(&mut self, peer: &str, stream: Stream, frame: &[u8]) -> Result<Vec<u8>, FrameError> {
        let is_member = |epoch: &Epoch| epoch.keys.members.iter().any(|(_, name)| name == peer);
        let newest = self.epochs.last().ok_or(FrameError::NoKey)?;
        let is_heard = is_member(newest);

        let (clear, secret) = stream.split(frame)?;
        let view = EncryptedFrameView::try_with_meta_data(secret, clear).map_err(|_| FrameError::Foreign)?;
        let id = view.header().key_id();
        let parts = MlsKeyId::from_key_id(id, bit_range());
        let epoch = self
            .epochs
            .iter_mut()
            .rev()
            .find(|epoch| low_bits(epoch.keys.number) == parts.epoch_lsb())
            .ok_or(FrameError::Foreign)?;
        let (leaf, name) = epoch
            .keys
            .members
            .iter()
            .find(|(leaf, _)| u64::from(*leaf) == parts.member_index())
            .ok_or(FrameError::Foreign)?;
        if name != peer || !is_heard || key_id(epoch.keys.number, *leaf, stream)? != id {
            return Err(FrameError::Misplaced);
        }
        let key = match epoch.receivers.entry(id) {
            Entry::Occupied(key) => key.into_mut(),
            Entry::Vacant(place) => place.insert(
                DecryptionKey::derive_from(SUITE, id, &epoch.keys.base_key).map_err(|_| FrameError::NoKey)?,
            ),
        };
        let mut buffer = Vec::new();
        let decrypted =
            view.validated_decrypt_into(&*key, &mut buffer, &mut self.repetitions).map_err(|error| {
                match error {
                    SframeError::FrameValidationFailed(_) => FrameError::Repeated,
                    _ => FrameError::Forged,
                }
            })?;
        Ok([clear, decrypted.payload()].concat())
    }
}

fn bit_range() -> MlsKeyIdBitRange {
    MlsKeyIdBitRange::new(EPOCH_BITS, LEAF_BITS)
}

fn low_bits(epoch: u64) -> u64 {
    epoch & ((1 << EPOCH_BITS) - 1)
}

fn key_id(epoch: u64, leaf: u32, stream: Stream) -> Result<KeyId, FrameError> {
    MlsKeyId::try_new(stream as u64, low_bits(epoch), leaf, bit_range())
        .map(KeyId::from)
        .map_err(|_| FrameError::NoKey)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use sframe::{frame::FrameCounter, header::Counter};

    use super::*;

    struct Fixed;

    impl FrameCounter for Fixed {
        type Error = Infallible;

        fn try_next(&mut self) -> Result<Counter, Infallible> {
            Ok(0x4567)
        }
    }

    /// RFC 9605, appendix C.3, AES_128_GCM_SHA256_128: key schedule, header, additional data, ciphertext.
    #[test]
    fn frames_are_those_of_the_rfc() {
        let base_key: Vec<u8> = (0..16).collect();
        let key = EncryptionKey::derive_from(SUITE, 0x123u64, &base_key).unwrap();
        let mut buffer = Vec::new();
        MediaFrameView::try_with_meta_data(&mut Fixed, "draft-ietf-sframe-enc", "IETF SFrame WG")
            .unwrap()
            .encrypt_into(&key, &mut buffer)
            .unwrap();
        let hex: String = buffer["IETF SFrame WG".len()..].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "9901234567b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb"
        );
    }

    #[test]
    fn key_ids_hold_stream_leaf_and_epoch() {
        assert_eq!(key_id(0x23, 1, Stream::Microphone), Ok(0x123));
        assert_eq!(key_id(0x723, 1023, Stream::ScreenSound), Ok(3 << 18 | 1023 << 8 | 0x23));
        assert_eq!(key_id(0, 1024, Stream::Microphone), Err(FrameError::NoKey), "the group is too large");
    }
}
