//! Samples without a header: what `--raw s16le:48000:2` says.

use std::fmt;
use std::str::FromStr;

use crate::format::{SampleFormat, SoundSpec};
use crate::riff::{MAX_CHANNELS, MAX_SAMPLE_RATE};

/// The format of headerless samples, written `FORMAT:RATE:CHANNELS`, for instance `s16le:48000:2`.
///
/// The formats are u8, s8, s16, s24, s32, f32, f64 (each but the first two followed by `le` or `be`), alaw and mulaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawSpec {
    pub(crate) spec: SoundSpec,
    pub(crate) order: ByteOrder,
}

/// The byte order of raw samples, relative to WAV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    /// As in WAV.
    Little,
    /// The highest byte comes first.
    Big,
    /// 8 bits with a sign.
    Signed8,
}

impl ByteOrder {
    /// Brings samples of `size` bytes to the order of WAV, or from it: it is its own inverse.
    pub(crate) fn swap(self, bytes: &mut [u8], size: usize) {
        match self {
            Self::Little => {}
            Self::Big => bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse),
            Self::Signed8 => bytes.iter_mut().for_each(|byte| *byte ^= 0x80),
        }
    }
}

impl RawSpec {
    /// Rate, channels and sample format.
    pub fn spec(self) -> SoundSpec {
        self.spec
    }
}

/// Why a text is no [`RawSpec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawSpecError(&'static str);

impl fmt::Display for RawSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; give FORMAT:RATE:CHANNELS, for instance s16le:48000:1", self.0)
    }
}

impl std::error::Error for RawSpecError {}

impl FromStr for RawSpec {
    type Err = RawSpecError;

    fn from_str(text: &str) -> Result<Self, RawSpecError> {
        let mut parts = text.split(':');
        let (Some(format), Some(rate), Some(channels), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(RawSpecError("three parts are wanted"));
        };
        let (format, order) = match format {
            "u8" => (SampleFormat::U8, ByteOrder::Little),
            "s8" => (SampleFormat::U8, ByteOrder::Signed8),
            "alaw" => (SampleFormat::ALaw, ByteOrder::Little),
            "mulaw" | "ulaw" => (SampleFormat::MuLaw, ByteOrder::Little),
            _ => {
                let (format, order) = match format.split_at_checked(3) {
                    Some((format, "le")) => (format, ByteOrder::Little),
                    Some((format, "be")) => (format, ByteOrder::Big),
                    _ => return Err(RawSpecError("the format is unknown or lacks its `le` or `be`")),
                };
                let format = match format {
                    "s16" => SampleFormat::I16,
                    "s24" => SampleFormat::I24,
                    "s32" => SampleFormat::I32,
                    "f32" => SampleFormat::F32,
                    "f64" => SampleFormat::F64,
                    _ => {
                        return Err(RawSpecError(
                            "the format is not one of u8 s8 s16 s24 s32 f32 f64 alaw mulaw",
                        ));
                    }
                };
                (format, order)
            }
        };
        let sample_rate = rate.parse().ok().filter(|rate| (1..=MAX_SAMPLE_RATE).contains(rate));
        let channels = channels.parse().ok().filter(|channels| (1..=MAX_CHANNELS).contains(channels));
        let sample_rate = sample_rate.ok_or(RawSpecError("the rate is not 1 to 1000000 Hz"))?;
        let channels = channels.ok_or(RawSpecError("the channels are not 1 to 64"))?;
        Ok(Self { spec: SoundSpec { sample_rate, channels, format }, order })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;

    #[test]
    fn every_format_is_understood_and_mistakes_are_named() {
        for (text, format, order) in [
            ("u8:8000:1", SampleFormat::U8, ByteOrder::Little),
            ("s8:8000:1", SampleFormat::U8, ByteOrder::Signed8),
            ("s16le:48000:2", SampleFormat::I16, ByteOrder::Little),
            ("s24be:48000:2", SampleFormat::I24, ByteOrder::Big),
            ("s32le:1:64", SampleFormat::I32, ByteOrder::Little),
            ("f32be:48000:2", SampleFormat::F32, ByteOrder::Big),
            ("f64le:1000000:2", SampleFormat::F64, ByteOrder::Little),
            ("alaw:8000:1", SampleFormat::ALaw, ByteOrder::Little),
            ("mulaw:8000:1", SampleFormat::MuLaw, ByteOrder::Little),
        ] {
            let raw: RawSpec = text.parse().unwrap();
            assert_eq!((raw.spec.format, raw.order), (format, order), "{text}");
        }
        for text in [
            "",
            "s16le",
            "s16le:48000",
            "s16:48000:1",
            "s17le:48000:1",
            "s16le:0:1",
            "s16le:48000:65",
            "s16le:48000:1:1",
            "ä16le:1:1",
            "s16le:-1:1",
        ] {
            assert!(text.parse::<RawSpec>().unwrap_err().to_string().contains("s16le:48000:1"), "{text}");
        }
    }

    #[test]
    fn swapping_twice_is_nothing() {
        for order in [ByteOrder::Little, ByteOrder::Big, ByteOrder::Signed8] {
            let mut bytes = [1, 2, 3, 4, 5, 6];
            order.swap(&mut bytes, 3);
            assert_eq!(bytes == [1, 2, 3, 4, 5, 6], order == ByteOrder::Little);
            order.swap(&mut bytes, 3);
            assert_eq!(bytes, [1, 2, 3, 4, 5, 6]);
        }
    }
}
