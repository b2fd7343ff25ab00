//! Noise floor and signal-to-noise ratio, estimated from frame levels and the voice decision.
//!
//! The floor is the median level of the frames decided to hold no voice, which single clicks do not move. The ratio
//! is the mean power of the voiced frames, less the floor's, to the floor's. Both describe what a listener hears in the
//! pauses; noise that hides behind the voice is not in them.

use serde::Serialize;
use sourdine::signal::SILENCE_DBFS;

/// Bins of a tenth of a dB, from digital silence up to +10 dBFS.
const BINS_PER_DB: f32 = 10.0;
const BINS: usize = ((10.0 - SILENCE_DBFS) * BINS_PER_DB) as usize;

/// The fewest frames that an estimate is made of: 100 ms.
const FEWEST: u64 = 10;

#[derive(Debug)]
pub(super) struct NoiseMeter {
    pauses: Vec<u64>,
    voiced_power: f64,
    voiced: u64,
}

/// The estimates; none without pauses, without voice, or with digital silence in the pauses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Noise {
    /// Level of the pauses in dBFS.
    pub(crate) floor_dbfs: Option<f64>,
    /// Voice to noise in dB.
    pub(crate) snr_db: Option<f64>,
}

impl NoiseMeter {
    pub(super) fn new() -> Self {
        Self { pauses: vec![0; BINS], voiced_power: 0.0, voiced: 0 }
    }

    pub(super) fn push(&mut self, dbfs: f32, voice: bool) {
        if voice {
            self.voiced += 1;
            self.voiced_power += 10.0_f64.powf(f64::from(dbfs) / 10.0);
        } else {
            let bin = ((dbfs - SILENCE_DBFS) * BINS_PER_DB) as usize;
            self.pauses[bin.min(BINS - 1)] += 1;
        }
    }

    pub(super) fn finish(&self) -> Noise {
        let floor_dbfs = self.median().filter(|db| *db > f64::from(SILENCE_DBFS) + 1.0);
        let snr_db = floor_dbfs.filter(|_| self.voiced >= FEWEST).and_then(|floor| {
            let noise = 10.0_f64.powf(floor / 10.0);
            let voice = self.voiced_power / self.voiced as f64 - noise;
            (voice > 0.0).then(|| 10.0 * (voice / noise).log10())
        });
        Noise { floor_dbfs, snr_db }
    }

    fn median(&self) -> Option<f64> {
        let count: u64 = self.pauses.iter().sum();
        if count < FEWEST {
            return None;
        }
        let mut below = 0;
        let bin = self.pauses.iter().position(|n| {
            below += n;
            2 * below >= count
        })?;
        Some(f64::from(SILENCE_DBFS) + (bin as f64 + 0.5) / f64::from(BINS_PER_DB))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_levels_are_found() {
        let mut meter = NoiseMeter::new();
        for k in 0..100 {
            meter.push(if k % 10 == 0 { -10.0 } else { -60.0 }, false); // A click now and then.
            meter.push(-20.0, true);
        }
        let noise = meter.finish();
        assert!((noise.floor_dbfs.unwrap() + 60.0).abs() <= 0.1, "{noise:?}");
        assert!((noise.snr_db.unwrap() - 40.0).abs() <= 0.1, "{noise:?}");
    }

    #[test]
    fn nothing_is_said_of_what_is_not_there() {
        let mut meter = NoiseMeter::new();
        assert_eq!(meter.finish(), Noise::default());
        (0..100).for_each(|_| meter.push(-20.0, true));
        assert_eq!(meter.finish(), Noise::default(), "no pauses");
        let mut meter = NoiseMeter::new();
        (0..100).for_each(|_| meter.push(SILENCE_DBFS, false));
        assert_eq!(meter.finish(), Noise::default(), "digital silence");
        let mut meter = NoiseMeter::new();
        (0..100).for_each(|_| meter.push(-50.0, false));
        assert!(meter.finish().floor_dbfs.is_some() && meter.finish().snr_db.is_none(), "no voice");
    }
}
