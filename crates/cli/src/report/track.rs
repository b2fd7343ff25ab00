//! One side of the report, before or after: spectra, outline and levels, gathered as the sound goes by.

use super::loudness::{Levels, Loudness};
use super::pooled::{Pool, Pooled};
use super::spectrum::{Analyzer, Spectrum, WINDOW_TICKS};

/// About how many spectra a column is the mean of. More cost time and show nothing else.
const SPECTRA_PER_COLUMN: u64 = 4;

/// The range of the waveform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    pub(super) least: f32,
    pub(super) most: f32,
}

impl Default for Extent {
    fn default() -> Self {
        Self { least: f32::INFINITY, most: f32::NEG_INFINITY }
    }
}

impl Pool for Extent {
    fn join(&mut self, next: &Self) {
        self.least = self.least.min(next.least);
        self.most = self.most.max(next.most);
    }
}

#[derive(Debug)]
pub(super) struct Track {
    channels: usize,
    /// Samples of one tick, all channels.
    tick: usize,
    /// The tick that is being filled.
    filling: Vec<f32>,
    /// The mean of the channels over the newest window.
    recent: Vec<f32>,
    /// Ticks until the window is full, less the half of it that its spectrum lies behind.
    early: usize,
    analyzer: Analyzer,
    spectra: Pooled<Spectrum>,
    outline: Pooled<Extent>,
    loudness: Loudness,
    frames: u64,
}

/// A finished track.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) spectra: Pooled<Spectrum>,
    pub(super) outline: Pooled<Extent>,
    pub(super) levels: Levels,
    pub(super) frames: u64,
}

impl Track {
    pub(super) fn new(rate: u32, channels: usize, tick_frames: usize) -> Self {
        Self {
            channels,
            tick: tick_frames * channels,
            filling: Vec::with_capacity(tick_frames * channels),
            recent: vec![0.0; WINDOW_TICKS * tick_frames],
            early: WINDOW_TICKS / 2,
            analyzer: Analyzer::new(rate, tick_frames),
            spectra: Pooled::new(),
            outline: Pooled::new(),
            loudness: Loudness::new(rate, channels),
            frames: 0,
        }
    }

    /// Takes interleaved samples, any number of whole frames.
    pub(super) fn push(&mut self, mut samples: &[f32]) {
        self.frames += (samples.len() / self.channels) as u64;
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.tick - self.filling.len()));
            self.filling.extend_from_slice(now);
            samples = later;
            if self.filling.len() == self.tick {
                self.end_tick();
            }
        }
    }

    pub(super) fn finish(mut self) -> Side {
        if !self.filling.is_empty() {
            self.end_tick();
        }
        // The last windows reach beyond the end.
        for _ in 0..WINDOW_TICKS / 2 {
            self.listen();
        }
        Side {
            spectra: self.spectra,
            outline: self.outline,
            levels: self.loudness.finish(),
            frames: self.frames,
        }
    }

    fn end_tick(&mut self) {
        // NaN would stay in every filter.
        for x in self.filling.iter_mut().filter(|x| !x.is_finite()) {
            *x = 0.0;
        }
        self.loudness.push(&self.filling);
        let mut extent = Extent::default();
        for x in &self.filling {
            extent.least = extent.least.min(*x);
            extent.most = extent.most.max(*x);
        }
        self.outline.push(&extent);
        self.listen();
    }

    /// Moves the window by the tick in `filling` (by silence where that is short) and looks at it.
    fn listen(&mut self) {
        let frames = self.tick / self.channels;
        self.recent.copy_within(frames.., 0);
        let at = self.recent.len() - frames;
        let newest = &mut self.recent[at..];
        newest.fill(0.0);
        for (mean, samples) in newest.iter_mut().zip(self.filling.chunks_exact(self.channels)) {
            *mean = samples.iter().sum::<f32>() / self.channels as f32;
        }
        self.filling.clear();
        if self.early > 0 {
            self.early -= 1;
        } else if self.spectra.is_due(SPECTRA_PER_COLUMN) {
            self.spectra.push(&self.analyzer.spectrum(&self.recent));
        } else {
            self.spectra.skip();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::spectrum::ROWS;

    /// The loudest column of a click, in ticks, and how many columns there are.
    fn of_click(at: usize, blocks: usize) -> (usize, usize) {
        let mut sound = vec![0.0; 48_000];
        sound[at] = 1.0;
        let mut track = Track::new(48_000, 1, 480);
        sound.chunks(blocks).for_each(|block| track.push(block));
        let side = track.finish();
        let level = |column: &Spectrum| (0..ROWS).map(|row| column.dbfs(row)).sum::<f32>();
        let columns = side.spectra.columns();
        let loudest = (0..columns.len()).max_by(|a, b| level(&columns[*a]).total_cmp(&level(&columns[*b])));
        (loudest.unwrap(), columns.len())
    }

    #[test]
    fn spectra_stand_where_the_sound_is() {
        for at in [480 * 10, 480 * 50, 480 * 97] {
            for blocks in [480, 1000, 48_000] {
                let (column, columns) = of_click(at, blocks);
                assert!(column.abs_diff(at / 480) <= 1, "click in tick {}, seen in {column}", at / 480);
                assert_eq!(columns, 100);
            }
        }
    }

    #[test]
    fn the_outline_holds_the_peaks_and_the_end() {
        let mut track = Track::new(8_000, 2, 80);
        let mut sound = vec![0.1; 2 * 805];
        sound[500] = -0.9;
        sound[1609] = 0.7;
        track.push(&sound);
        let side = track.finish();
        let columns = side.outline.columns();
        assert_eq!((side.frames, columns.len()), (805, 11));
        assert_eq!(columns[3], Extent { least: -0.9, most: 0.1 });
        assert_eq!(columns[10], Extent { least: 0.1, most: 0.7 });
    }
}
