//! The voice gate: attenuates pauses further without cutting the start of a word.
//!
//! The gain of a frame is decided when the *next* frame has been analysed: the model's overlap delays the
//! output by a frame, and the gate looks ahead into that delay, without adding latency. It opens on any of
//! three signs, because each alone is late on some onsets: the model's voice probability; a clear rise of the denoised
//! level, or of the input's, over its floor (a model removes some quiet fricatives at first); a
//! level not far below that of the voice so far. It opens within one frame along a raised cosine (the mix's ramp),
//! holds, and closes slowly to a depth in dB.

use crate::settings::GateParams;
use crate::signal::{SILENCE_DBFS, db_to_gain};

/// Voice probability that opens the gate; well below the voice decision's, because a closed gate cuts words.
const OPEN_PROBABILITY: f32 = 0.25;

/// Rise of the denoised level over its floor that opens the gate, in dB.
const OPEN_RISE_DB: f32 = 6.0;

/// Distance below the level of the voice so far at which sound may still be the start of a word, in dB.
const NEAR_VOICE_DB: f32 = 25.0;

/// Frames of at least this probability set the level of the voice, which then decays at this rate. A stream starts with the
/// level of a voice at arm's length.
const SURE_PROBABILITY: f32 = 0.8;
const VOICE_FALL_DB_PER_S: f32 = 1.0;
const FIRST_VOICE_DBFS: f32 = -25.0;

/// Level that a rise has to reach to open the gate, in dBFS.
const QUIETEST_VOICE_DBFS: f32 = -75.0;

/// Rate at which the floor follows the level up, in dB a second; down it follows at once.
const FLOOR_RISE_DB_PER_S: f32 = 6.0;

#[derive(Debug, PartialEq)]
pub(crate) struct Gate {
    depth_db: f32,
    hold_frames: u32,
    step_db: f32,
    wet_floor: Floor,
    dry_floor: Floor,
    voice_step_db: f32,
    voice_dbfs: f32,
    hold: u32,
    gain_db: f32,
}

impl Gate {
    /// Makes a gate for steps of `frame_ms`; it starts open, so that the first word of a file is kept.
    pub(crate) fn new(params: GateParams, frame_ms: f32) -> Self {
        let hold_frames = (params.hold_ms / frame_ms).ceil() as u32 + 1;
        Self {
            depth_db: params.depth_db,
            hold_frames,
            step_db: params.depth_db * frame_ms / params.release_ms,
            wet_floor: Floor::new(frame_ms),
            dry_floor: Floor::new(frame_ms),
            voice_step_db: VOICE_FALL_DB_PER_S * frame_ms / 1000.0,
            voice_dbfs: FIRST_VOICE_DBFS,
            hold: hold_frames,
            gain_db: 0.0,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.wet_floor.dbfs = SILENCE_DBFS;
        self.dry_floor.dbfs = SILENCE_DBFS;
        self.voice_dbfs = FIRST_VOICE_DBFS;
        self.hold = self.hold_frames;
        self.gain_db = 0.0;
    }

    /// Takes the newest frame's voice probability and level, and the denoised level of the frame
    /// before. Returns the gain for the frame being output, which is older.
    pub(crate) fn run(&mut self, probability: f32, dry_dbfs: f32, wet_dbfs: f32) -> f32 {
        let rises = self.wet_floor.rise_db(wet_dbfs).max(self.dry_floor.rise_db(dry_dbfs));
        if probability >= SURE_PROBABILITY {
            self.voice_dbfs = wet_dbfs.max(self.voice_dbfs - self.voice_step_db);
        }
        let voice = probability >= OPEN_PROBABILITY
            || wet_dbfs > self.voice_dbfs - NEAR_VOICE_DB
            || rises >= OPEN_RISE_DB;
        if voice {
            self.hold = self.hold_frames;
            self.gain_db = 0.0;
        } else if self.hold > 0 {
            self.hold -= 1;
        } else {
            self.gain_db = (self.gain_db - self.step_db).max(-self.depth_db);
        }
        db_to_gain(self.gain_db)
    }
}

/// The floor of a level: follows it down at once and up slowly.
#[derive(Debug, PartialEq)]
struct Floor {
    dbfs: f32,
    step_db: f32,
}

impl Floor {
    fn new(frame_ms: f32) -> Self {
        Self { dbfs: SILENCE_DBFS, step_db: FLOOR_RISE_DB_PER_S * frame_ms / 1000.0 }
    }

    /// Returns the level's distance above the floor so far, in dB.
    fn rise_db(&mut self, level_dbfs: f32) -> f32 {
        let rise = level_dbfs - self.dbfs;
        self.dbfs = level_dbfs.min(self.dbfs + self.step_db).max(QUIETEST_VOICE_DBFS - OPEN_RISE_DB);
        if level_dbfs > QUIETEST_VOICE_DBFS { rise } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(GateParams { depth_db: 18.0, hold_ms: 100.0, release_ms: 100.0 }, 10.0)
    }

    /// Whether the gate is open after ten seconds at one level without a sign of voice but that level.
    fn is_open_at(mut gate: Gate, dbfs: f32) -> bool {
        (0..1000).for_each(|_| _ = gate.run(0.0, dbfs, dbfs));
        gate.run(0.0, dbfs, dbfs) == 1.0
    }

    #[test]
    fn sound_near_the_level_of_the_voice_opens_it() {
        assert!(is_open_at(gate(), FIRST_VOICE_DBFS - NEAR_VOICE_DB + 0.5));
        assert!(!is_open_at(gate(), FIRST_VOICE_DBFS - NEAR_VOICE_DB - 0.5));
        // A loud voice, then two seconds of a quiet one.
        let after = || {
            let mut gate = gate();
            gate.run(0.9, -10.0, -10.0);
            (0..200).for_each(|_| _ = gate.run(0.9, -70.0, -70.0));
            gate
        };
        let level = -10.0 - 2.0 * VOICE_FALL_DB_PER_S - NEAR_VOICE_DB;
        assert!(is_open_at(after(), level + 0.5));
        assert!(!is_open_at(after(), level - 0.5));
    }

    #[test]
    fn a_floor_starts_below_the_quietest_voice_and_rises_slowly() {
        let mut floor = Floor::new(10.0);
        let rises: Vec<f32> = (0..101).map(|_| floor.rise_db(-50.0)).collect();
        let first = -50.0 - (QUIETEST_VOICE_DBFS - OPEN_RISE_DB);
        assert!((rises[1] - first).abs() < 1e-3 && (rises[100] - (first - 5.94)).abs() < 1e-2, "{rises:?}");
        assert_eq!(floor.rise_db(QUIETEST_VOICE_DBFS - 1.0), 0.0, "too quiet for a voice");
    }

    #[test]
    fn reset_makes_it_new() {
        let mut used = gate();
        used.run(0.9, -10.0, -12.0);
        (0..300).for_each(|_| _ = used.run(0.0, -65.0, -68.0));
        used.reset();
        assert_eq!(used, gate());
    }

    #[test]
    fn holds_then_closes_slowly_to_its_depth_and_opens_at_once() {
        let mut gate = gate();
        for _ in 0..20 {
            assert_eq!(gate.run(0.9, -20.0, -20.0), 1.0);
        }
        let closing: Vec<f32> = (0..40).map(|_| gate.run(0.0, -80.0, -80.0)).collect();
        assert!(closing[..10].iter().all(|&g| g == 1.0), "held");
        assert!(closing.windows(2).all(|w| w[1] <= w[0] && w[1] / w[0] > 0.8), "slow");
        assert!((closing[39] - db_to_gain(-18.0)).abs() < 1e-6, "never to nothing");
        assert_eq!(gate.run(0.3, -80.0, -80.0), 1.0, "opened by probability");
        for _ in 0..100 {
            gate.run(0.0, -70.0, -70.0);
        }
        assert_eq!(gate.run(0.0, -70.0, -55.0), 1.0, "opened by a rise");
    }
}
