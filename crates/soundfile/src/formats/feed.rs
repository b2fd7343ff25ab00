//! Takes a container apart, one piece at a time, with the place that the container gives it.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::guard;
use super::mpeg::{Form, Section, Step, Walker};
use super::ogg;

/// The next piece.
#[derive(Debug)]
pub(crate) enum Event {
    /// A packet, and where its sound belongs.
    Packet(Packet, Place),
    /// Sound of so many frames is missing here.
    Lost { frames: u64 },
    /// Sound is missing here; the next mark says how much.
    Hole,
    /// End of the sound up to here, in frames, and whether nothing follows.
    Mark { end: i64, last: bool },
    /// Another encoder's sound follows, and these frames of it are sound, counted from here.
    Section { sound: Range<u64>, before: Ending },
    /// The end.
    End(Ending),
}

/// The place of a packet's sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the packet before it.
    Next,
    /// At this frame.
    At(i64),
    /// About this frame: near enough to the end of the packet before it, it is there.
    About(i64),
    /// Wherever the next mark says.
    Marked,
}

/// The way in which a container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As it should.
    Whole,
    /// In the middle of something, and how many frames are missing, if that is known.
    Cut(Option<u64>),
    /// With more frames than it states, or without saying how many.
    More(u64),
}

/// A container, from its first packet on.
pub(crate) enum Feed {
    Demuxed(Demuxed),
    Mpeg(Mpeg),
    Ogg(ogg::Packets),
}

impl Feed {
    /// # Errors
    /// Those of reading the file.
    pub(crate) fn next(&mut self) -> io::Result<Event> {
        match self {
            Self::Demuxed(demuxed) => demuxed.next(),
            Self::Mpeg(mpeg) => mpeg.next(),
            Self::Ogg(packets) => Ok(match packets.next()? {
                ogg::OggStep::Packet(data) => Event::Packet(packet(data, 0), Place::Marked),
                ogg::OggStep::Mark { end, last } => Event::Mark { end, last },
                ogg::OggStep::Hole => Event::Hole,
                ogg::OggStep::End { said: true } => Event::End(Ending::Whole),
                ogg::OggStep::End { said: false } => Event::End(Ending::Cut(None)),
            }),
        }
    }
}

/// A packet whose place is said elsewhere.
fn packet(data: Box<[u8]>, frames: u64) -> Packet {
    Packet::new(0, Timestamp::ZERO, Duration::from(frames), data)
}

/// A track of one of symphonia's demuxers.
pub(crate) struct Demuxed {
    pub(crate) format: Box<dyn FormatReader>,
    pub(crate) track: u32,
    pub(crate) times: Times,
}

/// The meaning of packets' timestamps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Times {
    /// The frame.
    Exact,
    /// About the frame, in units of so many frames.
    About(f64),
    /// Nothing.
    None,
}

impl Demuxed {
    fn next(&mut self) -> io::Result<Event> {
        // A demuxer that panics is good for being dropped only: there it ends.
        guard::contained(|| self.next_packet()).unwrap_or(Ok(Event::End(Ending::Cut(None))))
    }

    fn next_packet(&mut self) -> io::Result<Event> {
        loop {
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id != self.track => {}
                Ok(Some(packet)) => {
                    let time = packet.pts.get();
                    let place = match self.times {
                        Times::Exact => Place::At(time),
                        Times::About(frames) => Place::About((time as f64 * frames) as i64),
                        Times::None => Place::Next,
                    };
                    return Ok(Event::Packet(packet, place));
                }
                Ok(None) => return Ok(Event::End(Ending::Whole)),
                Err(Error::IoError(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                    return Err(error);
                }
                Err(_) => return Ok(Event::End(Ending::Cut(None))),
            }
        }
    }
}

/// Frames of MPEG audio or ADTS.
pub(crate) struct Mpeg {
    walker: Walker,
    form: Form,
    sections: VecDeque<Section>,
    /// The current section.
    section: Section,
    begun: bool,
}

impl Mpeg {
    /// `sections` are all that a survey found.
    pub(crate) fn new(walker: Walker, sections: Vec<Section>) -> Self {
        let mut sections = VecDeque::from(sections);
        let section = sections.pop_front().unwrap_or_default();
        Self { form: walker.form(), walker, sections, section, begun: false }
    }

    /// Which frames of the first section are sound.
    pub(crate) fn sound(&self) -> Range<u64> {
        self.section.sound(self.form)
    }

    fn next(&mut self) -> io::Result<Event> {
        let samples = u64::from(self.form.samples);
        loop {
            return Ok(match self.walker.step()? {
                Step::Frame { data, head } => {
                    self.begun = true;
                    let data =
                        if self.form.is_adts() { data[head..].into() } else { data.into_boxed_slice() };
                    Event::Packet(packet(data, samples), Place::Next)
                }
                Step::Info(_) if !self.begun => {
                    self.begun = true;
                    continue;
                }
                Step::Info(_) => {
                    let Some(next) = self.sections.pop_front() else { continue };
                    let before = self.section.ending(self.form);
                    self.section = next;
                    Event::Section { sound: self.section.sound(self.form), before }
                }
                Step::Junk { bytes } => Event::Lost { frames: self.section.lost_frames(bytes) * samples },
                // A survey has refused that before.
                Step::Change { .. } => Event::End(Ending::Cut(None)),
                Step::End { .. } => Event::End(self.section.ending(self.form)),
            });
        }
    }
}
