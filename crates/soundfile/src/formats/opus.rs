//! Opus (RFC 6716) as it stands in Ogg (RFC 7845): the header of a stream, and its packets to samples. They come out at
//! 48 kHz whatever went in, and not bounded by ±1.
//!
//! The decoder is opus-pure, libopus in Rust: its floats are those of libopus to more than 100 dB.

use opus_pure::{ChannelLayout, OpusDecoder, OpusMSDecoder, packet};

use crate::error::SoundErrorKind;

/// Frames per second of all that is decoded.
pub(crate) const RATE: u32 = 48_000;

const MAGIC: &[u8; 8] = b"OpusHead";

/// The contents of a stream's first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) channels: u8,
    /// Frames before the sound, which the decoder needs to find its feet.
    pub(crate) pre_skip: u16,
    /// In steps of 1/256 dB.
    gain: i16,
    /// Channel mapping family: 0 for mono and stereo, 1 for Vorbis's layouts.
    family: u8,
}

impl Head {
    /// `None` if the packet is none of Opus.
    ///
    /// # Errors
    /// A layout of channels other than the usual ones, or a header that is damaged.
    pub(crate) fn read(packet: &[u8]) -> Option<Result<Self, SoundErrorKind>> {
        let rest = packet.strip_prefix(MAGIC)?;
        let &[version, channels, skip_low, skip_high, _, _, _, _, gain_low, gain_high, family, ..] = rest
        else {
            return Some(Err(SoundErrorKind::Damaged { what: "that of Opus is too short" }));
        };
        // The lower half counts changes that older readers can ignore.
        if version >> 4 != 0 || channels == 0 {
            return Some(Err(SoundErrorKind::Damaged {
                what: "that of Opus has no version or channels that exist",
            }));
        }
        let usual = ChannelLayout::surround(channels.into(), family).ok().filter(|layout| match family {
            0 => true,
            _ => rest.get(11..).is_some_and(|table| states(table, layout)),
        });
        Some(match usual {
            Some(_) => Ok(Self {
                channels,
                pre_skip: u16::from_le_bytes([skip_low, skip_high]),
                gain: i16::from_le_bytes([gain_low, gain_high]),
                family,
            }),
            None => Err(SoundErrorKind::OpusLayout { channels, family }),
        })
    }

    /// For each channel in the order of WAVE, where it stands in that of Vorbis, and the mask of all of them.
    fn order(self) -> (&'static [usize], Option<u32>) {
        match self.channels {
            1 => (&[0], None),
            2 => (&[0, 1], Some(0x3)),
            3 => (&[0, 2, 1], Some(0x7)),
            4 => (&[0, 1, 2, 3], Some(0x33)),
            5 => (&[0, 2, 1, 3, 4], Some(0x37)),
            6 => (&[0, 2, 1, 5, 3, 4], Some(0x3F)),
            7 => (&[0, 2, 1, 6, 5, 3, 4], Some(0x70F)),
            _ => (&[0, 2, 1, 7, 5, 6, 3, 4], Some(0x63F)),
        }
    }
}

/// Returns whether a header's table of streams is this layout's.
fn states(table: &[u8], layout: &ChannelLayout) -> bool {
    let counts = [layout.nb_streams, layout.nb_coupled_streams];
    let stated = table.iter().map(|number| usize::from(*number));
    stated.take(2).eq(counts) && table.get(2..2 + layout.nb_channels) == Some(&layout.mapping[..])
}

/// Returns whether a packet is no sound but one of the two headers. No sound begins so: it would be 48 frames of 20 ms, and a packet
/// has at most 120 ms.
pub(crate) fn is_header(packet: &[u8]) -> bool {
    packet.starts_with(b"Opus")
}

/// Decodes packets one after the other.
pub(crate) struct Decoder {
    head: Head,
    inner: OpusStreams,
    pcm: Vec<f32>,
}

enum OpusStreams {
    One(Box<OpusDecoder>),
    Several(Box<OpusMSDecoder>),
}

impl OpusStreams {
    fn new(head: Head) -> Option<Self> {
        let (rate, channels, gain) = (RATE as i32, head.channels.into(), head.gain.into());
        if head.family == 0 {
            let mut decoder = OpusDecoder::new(rate, channels).ok()?;
            decoder.gain_q8 = gain;
            return Some(Self::One(Box::new(decoder)));
        }
        let mut decoder = OpusMSDecoder::new(rate, channels, head.family).ok()?;
        decoder.streams_mut().iter_mut().for_each(|stream| stream.gain_q8 = gain);
        Some(Self::Several(Box::new(decoder)))
    }
}

impl Decoder {
    pub(crate) fn new(head: Head) -> Option<Self> {
        Some(Self { head, inner: OpusStreams::new(head)?, pcm: Vec::new() })
    }

    /// As it was before the first packet.
    pub(crate) fn reset(&mut self) {
        if let Some(inner) = OpusStreams::new(self.head) {
            self.inner = inner;
        }
    }

    /// WAVE's channel mask of what comes out.
    pub(crate) fn mask(&self) -> Option<u32> {
        self.head.order().1
    }

    pub(crate) fn channels(&self) -> usize {
        self.head.channels.into()
    }

    /// Decodes a packet behind what is in `samples`: its number of frames, or `None` if it is damaged.
    pub(crate) fn decode(&mut self, packet: &[u8], samples: &mut Vec<f32>) -> Option<usize> {
        let channels = self.channels();
        // The stated length, which is refused above 120 ms.
        let frames = packet::samples_48k(packet).ok()?;
        self.pcm.clear();
        self.pcm.resize(frames * channels, 0.0);
        let decoded = match &mut self.inner {
            OpusStreams::One(decoder) => decoder.decode(packet, frames, &mut self.pcm),
            OpusStreams::Several(decoder) => decoder.decode(packet, frames, &mut self.pcm),
        };
        decoded.ok().filter(|decoded| *decoded == frames)?;
        let order = self.head.order().0;
        for frame in self.pcm.chunks_exact(channels) {
            samples.extend(order.iter().map(|channel| frame[*channel]));
        }
        Some(frames)
    }
}
