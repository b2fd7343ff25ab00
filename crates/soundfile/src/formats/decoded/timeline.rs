//! Places decoded sound on a timeline: gaps become silence, and padding is removed.

use std::ops::Range;

use super::{Decoded, LONGEST_REPAIR};
use crate::formats::codec::{Block, is_wider_than_f32};
use crate::formats::feed::{Ending, Place};
use crate::notice::Notice;

/// A gap longer than this is a jump of the clock and not sound that is missing, in seconds.
pub(super) const LONGEST_SILENCE: u64 = 3600;

/// More notices than this are not kept of jumps of the clock.
const MOST_NOTICES: usize = 100;

/// Places of silence listed one by one, before the rest is only counted.
const MOST_PLACES: usize = 20;

/// Sound that waits for its place is at most this long, in samples.
const LONGEST_WAIT: usize = 1 << 22;

/// The most that a stated end may cut off the end of the sound, in frames: the padding of an encoder.
const LONGEST_PADDING: u64 = 8192;

/// The state of the timeline between the container and the output.
#[derive(Debug)]
pub(super) struct Line {
    /// The frame that comes next, by the times of the container.
    pub(super) at: i64,
    /// End of the previous packet by its own timestamp, in frames.
    pub(super) end_of_last: Option<i64>,
    /// Which frames are sound.
    pub(super) sound: Range<i64>,
    /// Frames of the output so far.
    pub(super) given: u64,
    /// The length that the recording states, in frames.
    pub(super) stated: Option<u64>,
    /// `ready` waits for a mark.
    pub(super) waiting: bool,
    /// The place of a gap in `ready`, in frames.
    pub(super) hole: Option<usize>,
    /// No mark was met yet.
    pub(super) fresh: bool,
}

impl Line {
    pub(super) fn new(sound: Range<u64>, stated: Option<u64>, given: u64) -> Self {
        let narrow = |frame: u64| i64::try_from(frame).unwrap_or(i64::MAX);
        let sound = narrow(sound.start)..narrow(sound.end);
        Self { at: 0, end_of_last: None, sound, given, stated, waiting: false, hole: None, fresh: true }
    }
}

impl Decoded {
    /// Makes up for what is missing before a packet.
    pub(super) fn place(&mut self, place: Place, frames: u64) {
        let line = &mut self.line;
        match place {
            Place::Next => {}
            Place::Marked => line.waiting = true,
            Place::At(time) => {
                let first = std::mem::take(&mut line.fresh);
                // A stream that does not say how long it is may begin anywhere.
                if first && line.stated.is_none() {
                    line.at = time;
                    line.sound.start = time;
                }
                let missing = time.saturating_sub(line.at);
                if missing > 0 {
                    self.lose(missing.unsigned_abs());
                }
            }
            Place::About(time) => {
                if std::mem::take(&mut line.fresh) {
                    line.at = time;
                }
                let expected = line.end_of_last.unwrap_or(time);
                line.end_of_last = Some(time.saturating_add_unsigned(frames));
                let missing = time.saturating_sub(expected);
                // Less than a packet is the jitter of a clock.
                if frames > 0 && missing.unsigned_abs() >= frames && missing > 0 {
                    self.lose(missing.unsigned_abs());
                }
            }
        }
    }

    /// Puts silence where sound is missing, as far as it lies within the sound.
    pub(super) fn lose(&mut self, frames: u64) {
        let rate = self.opened.spec.sample_rate;
        let line = &mut self.line;
        if frames > LONGEST_SILENCE * u64::from(rate) {
            if self.opened.notices.len() < MOST_NOTICES {
                self.opened.notices.push(Notice::TimeJump { at: line.given, frames, rate });
            }
            line.at = line.at.saturating_add_unsigned(frames);
            return;
        }
        let end = line.at.saturating_add_unsigned(frames);
        let missing =
            end.min(line.sound.end).saturating_sub(line.at.max(line.sound.start)).max(0).unsigned_abs();
        note_silence(&mut self.opened.notices, line.given, missing, rate);
        line.given += missing;
        line.at = end;
        self.silence += missing;
    }

    /// Takes the samples of a packet behind those that are ready.
    pub(super) fn append(&mut self, block: Block, frames: usize) {
        if !self.line.waiting {
            self.ready = block;
            self.keep_sound(frames);
            return;
        }
        self.ready.samples.extend(block.samples);
        self.ready.originals.extend(block.originals);
        if self.ready.samples.len() > LONGEST_WAIT {
            self.release(None);
        }
    }

    /// Leaves only what is sound of the frames that are ready, and counts them.
    fn keep_sound(&mut self, frames: usize) {
        let channels = usize::from(self.opened.spec.channels);
        let line = &mut self.line;
        let within = |frame: i64| usize::try_from(frame.saturating_sub(line.at)).unwrap_or(0).min(frames);
        let (start, end) = (within(line.sound.start), within(line.sound.end));
        line.at = line.at.saturating_add(frames as i64);
        let range = start * channels..end.max(start) * channels;
        line.given += (range.len() / channels) as u64;
        if is_wider_than_f32(self.opened.spec.format) {
            let bytes = self.opened.spec.format.bytes();
            self.ready.originals.truncate(range.end * bytes);
            self.ready.originals.drain(..range.start * bytes);
        }
        self.ready.samples.truncate(range.end);
        self.ready.samples.drain(..range.start);
    }

    /// Lets go what waits: it ends where the mark says, if there is one.
    pub(super) fn release(&mut self, mark: Option<(i64, bool)>) {
        let channels = usize::from(self.opened.spec.channels);
        let frames = self.ready.samples.len() / channels;
        let line = &mut self.line;
        line.waiting = false;
        let Some((end, last)) = mark else { return self.keep_sound(frames) };
        let first = std::mem::take(&mut line.fresh);
        let hole = line.hole.take();
        let begin = end.saturating_sub(frames as i64);
        // Unless its very start is missing, as far as that can be told from one cut out of a longer stream.
        if first && (hole.is_none() || begin > LONGEST_REPAIR as i64) {
            // It begins where its first page says, which for one cut out of a longer stream is not at 0.
            let start = if last { begin.max(0) } else { begin };
            // The padding of an encoder stays before the sound.
            line.sound.start = line.sound.start.saturating_add(start.saturating_sub(line.at).max(0));
            line.at = start;
        }
        let missing = begin.saturating_sub(line.at);
        if missing > 0 {
            match hole.filter(|hole| *hole > 0 && missing.unsigned_abs() <= LONGEST_REPAIR) {
                Some(hole) => return self.release_around(hole, missing.unsigned_abs(), frames),
                None => self.lose(missing.unsigned_abs()),
            }
        }
        let line = &mut self.line;
        if last {
            // Only padding is cut off by it.
            let excess = line.at.saturating_add(frames as i64).saturating_sub(end).max(0).unsigned_abs();
            if excess <= LONGEST_PADDING {
                line.sound.end = end;
            } else {
                let (rate, held) = (self.opened.spec.sample_rate, line.given + frames as u64);
                self.opened.notices.push(Notice::LongerThanStated {
                    stated: held.saturating_sub(excess),
                    frames: held,
                    rate,
                });
            }
        }
        self.keep_sound(frames);
    }

    /// The same, with silence in its middle.
    fn release_around(&mut self, hole: usize, missing: u64, frames: usize) {
        let channels = usize::from(self.opened.spec.channels);
        let at = hole.min(frames);
        note_silence(
            &mut self.opened.notices,
            self.line.given + at as u64,
            missing,
            self.opened.spec.sample_rate,
        );
        let samples = missing as usize * channels;
        self.ready.samples.splice(at * channels..at * channels, std::iter::repeat_n(0.0, samples));
        if is_wider_than_f32(self.opened.spec.format) {
            let bytes = self.opened.spec.format.bytes();
            let place = at * channels * bytes;
            self.ready.originals.splice(place..place, std::iter::repeat_n(0, samples * bytes));
        }
        self.keep_sound(frames + missing as usize);
    }

    /// Says where a recording does not end as it says.
    pub(super) fn note_ending(&mut self, ending: Ending) {
        let (rate, at) = (self.opened.spec.sample_rate, self.line.given);
        let there = self.line.at.max(0).unsigned_abs();
        let notice = match (ending, self.line.stated) {
            (_, Some(stated)) if stated > there => Notice::CutOff { at, missing: Some(stated - there), rate },
            (Ending::Whole, Some(stated)) if stated < there && self.line.sound.end == i64::MAX => {
                Notice::LongerThanStated { stated, frames: there, rate }
            }
            (_, Some(_)) | (Ending::Whole, None) => return,
            (Ending::Cut(missing), None) => Notice::CutOff { at, missing, rate },
            (Ending::More(0), None) => Notice::UnknownLength,
            (Ending::More(stated), None) => Notice::LongerThanStated { stated, frames: there, rate },
        };
        if self.opened.notices.len() < MOST_NOTICES {
            self.opened.notices.push(notice);
        }
    }
}

/// Notes that sound is missing: in one place with the notice before it where that ends there, and not listed without end.
fn note_silence(notices: &mut Vec<Notice>, at: u64, frames: u64, rate: u32) {
    if frames == 0 {
        return;
    }
    match notices.last_mut() {
        Some(Notice::Silence { at: before, frames: length, .. }) if *before + *length == at => {
            *length += frames;
            return;
        }
        Some(Notice::MoreSilence { places, frames: sum, .. }) => {
            *places += 1;
            *sum += frames;
            return;
        }
        _ => {}
    }
    let listed = notices.iter().filter(|notice| matches!(notice, Notice::Silence { .. })).count();
    notices.push(if listed < MOST_PLACES {
        Notice::Silence { at, frames, rate }
    } else {
        Notice::MoreSilence { places: 1, frames, rate }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silences_side_by_side_are_one_and_many_are_counted() {
        let mut notices = Vec::new();
        note_silence(&mut notices, 100, 50, 1000);
        note_silence(&mut notices, 150, 50, 1000);
        assert_eq!(notices, [Notice::Silence { at: 100, frames: 100, rate: 1000 }]);
        for place in 0..100 {
            note_silence(&mut notices, 1000 * (place + 1), 10, 1000);
        }
        assert_eq!(notices.len(), MOST_PLACES + 1);
        assert_eq!(notices.last(), Some(&Notice::MoreSilence { places: 81, frames: 810, rate: 1000 }));
        assert!(notices[0].to_string().contains("0.100 s"));
    }
}
