//! `sourdine compare`: measures how close a noisy and a cleaned file are to the clean voice.
//!
//! The measures are those of `sourdine-measures`. All are taken per channel and averaged; a clean file in mono is
//! the reference of every channel.

mod table;

use std::path::Path;

use serde::Serialize;
use sourdine_soundfile::SoundReader;

use crate::args::CompareArgs;
use crate::failure::Failure;
use crate::output;

/// Longer files would not fit in memory: an hour at 48 kHz in stereo, three times.
const MOST_SAMPLES: u64 = 48_000 * 3600 * 2;

/// The largest delay between files that is searched, in seconds.
const LONGEST_DELAY: f64 = 1.0;

/// The measures of one file against the clean one. None where there is too little to measure.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Measures {
    /// Scale-invariant signal-to-distortion ratio in dB.
    pub(crate) si_sdr_db: Option<f64>,
    /// Segmental signal-to-noise ratio in dB, frames of 30 ms within −10 to 35 dB.
    pub(crate) segmental_snr_db: Option<f64>,
    /// Short-time objective intelligibility, up to 1.
    pub(crate) stoi: Option<f64>,
    /// Extended STOI, up to 1.
    pub(crate) estoi: Option<f64>,
    /// Log-spectral distance in dB.
    pub(crate) log_spectral_distance_db: Option<f64>,
    /// Delay of the file behind the clean one, in frames; none where no common signal is found.
    pub(crate) delay_frames: Option<i64>,
}

/// The result. This is the JSON object, field by field.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) clean: String,
    pub(crate) noisy: String,
    pub(crate) cleaned: String,
    pub(crate) sample_rate: u32,
    pub(crate) channels: usize,
    pub(crate) seconds: f64,
    /// Whether the measured delays were taken out before comparing.
    pub(crate) aligned: bool,
    pub(crate) before: Measures,
    pub(crate) after: Measures,
}

/// Compares three files.
pub(crate) fn run(args: &CompareArgs) -> Result<(), Failure> {
    let clean = Recording::read(&args.clean)?;
    let noisy = Recording::read(&args.noisy)?;
    let cleaned = Recording::read(&args.cleaned)?;
    for (path, sound) in [(&args.noisy, &noisy), (&args.cleaned, &cleaned)] {
        fits(&clean, sound).map_err(|reason| Failure::Compare { path: path.clone(), reason })?;
    }
    let comparison = Comparison {
        clean: args.clean.display().to_string(),
        noisy: args.noisy.display().to_string(),
        cleaned: args.cleaned.display().to_string(),
        sample_rate: clean.rate,
        channels: cleaned.channels.len(),
        seconds: clean.frames() as f64 / f64::from(clean.rate),
        aligned: !args.no_align,
        before: measures(&clean, &noisy, !args.no_align),
        after: measures(&clean, &cleaned, !args.no_align),
    };
    if args.json { output::result(&output::json(&comparison, false)?) } else { output::result(&comparison) }
}

/// A whole file, channel by channel.
#[derive(Debug)]
struct Recording {
    rate: u32,
    channels: Vec<Vec<f32>>,
}

impl Recording {
    fn read(path: &Path) -> Result<Self, Failure> {
        let mut reader = SoundReader::open(path)?;
        let spec = reader.spec();
        let channels = usize::from(spec.channels);
        let mut sound = Self { rate: spec.sample_rate, channels: vec![Vec::new(); channels] };
        let mut block = vec![0.0; (1 << 15) * channels];
        loop {
            let frames = reader.read(&mut block)?;
            if frames == 0 {
                return Ok(sound);
            }
            for (c, channel) in sound.channels.iter_mut().enumerate() {
                // NaN would spread over every measure.
                let samples = block[..frames * channels].iter().skip(c).step_by(channels);
                channel.extend(samples.map(|x| if x.is_finite() { *x } else { 0.0 }));
            }
            if (sound.frames() * channels) as u64 > MOST_SAMPLES {
                let reason = "too long to compare; cut a part of an hour or less".into();
                return Err(Failure::Compare { path: path.into(), reason });
            }
        }
    }

    fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }
}

/// Refuses files that cannot be compared, with the reason.
fn fits(clean: &Recording, other: &Recording) -> Result<(), String> {
    if clean.rate != other.rate {
        return Err(format!(
            "has {} Hz, the clean file {} Hz; bring both to one rate",
            other.rate, clean.rate
        ));
    }
    let (a, b) = (clean.channels.len(), other.channels.len());
    if a != 1 && a != b {
        let s = if b == 1 { "" } else { "s" };
        let needed = if b == 1 { "in mono".into() } else { format!("in mono, or with {b} channels") };
        return Err(format!("has {b} channel{s}, the clean file {a}; give a clean file {needed}"));
    }
    if clean.frames() == 0 || other.frames() == 0 {
        return Err("there is no sound to compare; check all three files".into());
    }
    let seconds = |recording: &Recording| recording.frames() as f64 / f64::from(recording.rate);
    if (seconds(clean) - seconds(other)).abs() > LONGEST_DELAY {
        return Err(format!(
            "has {:.1} s, the clean file {:.1} s; cut them to the same part",
            seconds(other),
            seconds(clean)
        ));
    }
    Ok(())
}

/// Averages the measures of the channels; the delay is the first channel's.
fn measures(clean: &Recording, other: &Recording, align: bool) -> Measures {
    let each: Vec<Measures> = other
        .channels
        .iter()
        .enumerate()
        .map(|(c, channel)| {
            measure(&clean.channels[c.min(clean.channels.len() - 1)], channel, clean.rate, align)
        })
        .collect();
    let mean = |of: fn(&Measures) -> Option<f64>| {
        let known: Vec<f64> = each.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    Measures {
        si_sdr_db: mean(|m| m.si_sdr_db),
        segmental_snr_db: mean(|m| m.segmental_snr_db),
        stoi: mean(|m| m.stoi),
        estoi: mean(|m| m.estoi),
        log_spectral_distance_db: mean(|m| m.log_spectral_distance_db),
        delay_frames: each.first().and_then(|m| m.delay_frames),
    }
}

/// All measures of one channel against the clean one.
fn measure(clean: &[f32], other: &[f32], rate: u32, align: bool) -> Measures {
    let longest = (LONGEST_DELAY * f64::from(rate)) as usize;
    let delay_frames = sourdine_measures::gcc_phat(clean, other, longest);
    let shift = if align { delay_frames.unwrap_or(0) } else { 0 };
    let (late, early) = (shift.max(0) as usize, (-shift).max(0) as usize);
    let (clean, other) = (&clean[early.min(clean.len())..], &other[late.min(other.len())..]);
    let common = clean.len().min(other.len());
    let (clean, other) = (&clean[..common], &other[..common]);
    let (stoi, estoi) = sourdine_measures::stoi(clean, other, rate);
    Measures {
        si_sdr_db: sourdine_measures::si_sdr_db(clean, other),
        segmental_snr_db: sourdine_measures::segmental_snr_db(clean, other, rate),
        stoi,
        estoi,
        log_spectral_distance_db: sourdine_measures::log_spectral_distance_db(clean, other, rate),
        delay_frames,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn a_late_copy_is_as_good_as_the_original_once_aligned() {
        let clean = signals::speechlike(48_000, 16_000, 4);
        for delay in [-700_i64, 0, 333] {
            let mut other = clean.clone();
            if delay >= 0 {
                other.splice(0..0, vec![0.0; delay as usize]);
            } else {
                other.drain(..(-delay) as usize);
            }
            let aligned = measure(&clean, &other, 16_000, true);
            assert_eq!(aligned.delay_frames, Some(delay));
            assert!(aligned.stoi.unwrap() > 0.999 && aligned.log_spectral_distance_db.unwrap() < 1e-6);
            let not = measure(&clean, &other, 16_000, false);
            assert_eq!(not.si_sdr_db.unwrap() > 50.0, delay == 0, "{not:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let sound = |rate, channels, frames| Recording { rate, channels: vec![vec![0.0; frames]; channels] };
        let clean = sound(48_000, 1, 10);
        assert!(fits(&clean, &sound(48_000, 2, 10)).is_ok(), "mono is the reference of each channel");
        assert!(fits(&clean, &sound(44_100, 1, 10)).unwrap_err().contains("44100 Hz"));
        let line = fits(&sound(48_000, 2, 10), &clean).unwrap_err();
        assert_eq!(line, "has 1 channel, the clean file 2; give a clean file in mono");
        let line = fits(&sound(48_000, 2, 10), &sound(48_000, 3, 10)).unwrap_err();
        assert_eq!(line, "has 3 channels, the clean file 2; give a clean file in mono, or with 3 channels");
        assert!(fits(&clean, &sound(48_000, 1, 0)).unwrap_err().contains("no sound"));
    }

    #[test]
    fn nothing_is_said_of_silence() {
        let m = measure(&[0.0; 16_000], &[0.0; 16_000], 16_000, true);
        assert!(m.si_sdr_db.is_none() && m.stoi.is_none() && m.segmental_snr_db.is_none());
        assert!(m.delay_frames.is_none() && m.log_spectral_distance_db.is_none());
        let short = measure(&[0.1; 5], &[0.1; 5], 16_000, true);
        assert!(short.stoi.is_none() && short.segmental_snr_db.is_none());
    }
}
