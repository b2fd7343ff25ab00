//! Joins frame-by-frame decisions into segments of voice.
//!
//! In this order: gaps shorter than `min_silence` are closed, what is then shorter than `min_speech` is dropped,
//! and the rest is padded on both sides; segments that meet by it become one. All lengths are in frames of the
//! file, so that times are exact.

use std::ops::Range;

/// Rules that turn decisions into segments. All lengths are in frames of the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct SegmentShape {
    /// Voice shorter than this is dropped.
    pub min_speech: u64,
    /// Gaps shorter than this are closed.
    pub min_silence: u64,
    /// Added before and after each segment.
    pub pad: u64,
}

/// Gathers decisions; memory grows with the number of segments only.
#[derive(Debug)]
pub struct Segmenter {
    shape: SegmentShape,
    /// Voice with short gaps closed, in order.
    joined: Vec<Range<u64>>,
}

impl Segmenter {
    /// Starts without a decision.
    #[must_use]
    pub fn new(shape: SegmentShape) -> Self {
        Self { shape, joined: Vec::new() }
    }

    /// Takes the next decision and the frames that it is about. Spans come in order and do not overlap; what lies
    /// between two spans counts as silence.
    pub fn push(&mut self, span: Range<u64>, voice: bool) {
        if !voice || span.is_empty() {
            return;
        }
        match self.joined.last_mut() {
            Some(last) if span.start <= last.end || span.start - last.end < self.shape.min_silence => {
                last.end = span.end;
            }
            _ => self.joined.push(span),
        }
    }

    /// The segments of a file of `frames` frames: in order, not empty, not touching, within the file.
    #[must_use]
    pub fn finish(self, frames: u64) -> Vec<Range<u64>> {
        let SegmentShape { min_speech, pad, .. } = self.shape;
        let mut segments: Vec<Range<u64>> = Vec::new();
        for voice in self.joined {
            if voice.start >= frames || voice.end - voice.start < min_speech {
                continue;
            }
            let padded = voice.start.saturating_sub(pad)..voice.end.saturating_add(pad).min(frames);
            match segments.last_mut() {
                Some(last) if padded.start <= last.end => last.end = padded.end,
                _ => segments.push(padded),
            }
        }
        segments
    }
}

/// The frames of the file that the `index`-th block of `step` frames is about, with `behind` frames of delay taken
/// out. Blocks whose sound lies before the file's start give an empty span.
#[must_use]
pub fn span(index: u64, step: u64, behind: u64) -> Range<u64> {
    let start = (index * step).saturating_sub(behind);
    start..((index + 1) * step).saturating_sub(behind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segments(decisions: &[bool], step: u64, shape: SegmentShape, frames: u64) -> Vec<Range<u64>> {
        let mut segmenter = Segmenter::new(shape);
        for (k, voice) in decisions.iter().enumerate() {
            segmenter.push(span(k as u64, step, 0), *voice);
        }
        segmenter.finish(frames)
    }

    fn of(pattern: &str, min_speech: u64, min_silence: u64, pad: u64) -> Vec<Range<u64>> {
        let decisions: Vec<bool> = pattern.chars().map(|c| c == '#').collect();
        segments(&decisions, 1, SegmentShape { min_speech, min_silence, pad }, decisions.len() as u64)
    }

    #[test]
    fn joins_drops_and_pads() {
        assert_eq!(of("..###...##..", 0, 0, 0), [2..5, 8..10]);
        assert_eq!(of("..###...##..", 0, 4, 0), std::slice::from_ref(&(2..10)));
        assert_eq!(of("..###...##..", 0, 3, 0), [2..5, 8..10], "a gap of just min_silence stays");
        assert_eq!(of("..###...##..", 3, 0, 0), std::slice::from_ref(&(2..5)));
        assert_eq!(of("..###...##..", 0, 0, 1), [1..6, 7..11]);
        assert_eq!(
            of("..###...##..", 0, 0, 5),
            std::slice::from_ref(&(0..12)),
            "padding stays within the file"
        );
        assert_eq!(of("#.#.#.......", 5, 2, 0), std::slice::from_ref(&(0..5)), "joined first, dropped then");
        assert!(of("............", 0, 0, 5).is_empty());
        assert!(of("", 0, 0, 5).is_empty());
    }

    #[test]
    fn delay_is_taken_out() {
        let mut segmenter = Segmenter::new(SegmentShape::default());
        for (k, voice) in [true, true, false, true].into_iter().enumerate() {
            segmenter.push(span(k as u64, 10, 15), voice);
        }
        assert_eq!(segmenter.finish(22), [0..5, 15..25].map(|s| s.start..s.end.min(22)));
    }

    proptest! {
        #[test]
        fn segments_are_sound(
            decisions in prop::collection::vec(any::<bool>(), 0..200),
            step in 1_u64..500,
            min_speech in 0_u64..3000,
            min_silence in 0_u64..3000,
            pad in 0_u64..3000,
            cut in 0_u64..500,
        ) {
            let shape = SegmentShape { min_speech, min_silence, pad };
            let frames = (decisions.len() as u64 * step).saturating_sub(cut);
            let found = segments(&decisions, step, shape, frames);
            for s in &found {
                prop_assert!(s.start < s.end && s.end <= frames);
                // Shorter ones were dropped, unless the end of the file cuts them.
                prop_assert!(s.end - s.start >= min_speech || s.end == frames);
            }
            for pair in found.windows(2) {
                // Closing gaps and padding leave at least this much, and never nothing.
                let least = min_silence.saturating_sub(2 * pad).max(1);
                prop_assert!(pair[1].start - pair[0].end >= least);
            }
            let inside = |frame: u64| found.iter().any(|s| s.contains(&frame));
            for (k, voice) in decisions.iter().enumerate() {
                let middle = k as u64 * step + step / 2;
                if *voice && min_speech == 0 && middle < frames {
                    prop_assert!(inside(middle), "voice at {} is lost", middle);
                }
                if inside(middle) {
                    // Nothing is far from a decision for voice.
                    let reach = pad + min_silence + step;
                    let near = |(j, v): (usize, &bool)| *v && (j as u64 * step).abs_diff(middle) <= reach;
                    prop_assert!(decisions.iter().enumerate().any(near));
                }
            }
        }

        #[test]
        fn segments_of_segments_are_the_same(
            decisions in prop::collection::vec(any::<bool>(), 0..200),
            min_speech in 0_u64..20,
            min_silence in 0_u64..20,
        ) {
            let shape = SegmentShape { min_speech, min_silence, pad: 0 };
            let frames = decisions.len() as u64;
            let once = segments(&decisions, 1, shape, frames);
            let again: Vec<bool> = (0..frames).map(|f| once.iter().any(|s| s.contains(&f))).collect();
            prop_assert_eq!(segments(&again, 1, shape, frames), once);
        }
    }
}
