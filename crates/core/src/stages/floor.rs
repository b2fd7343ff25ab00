//! The floor: keeps at least −75 dBFS of a quiet room, so that its pauses do not become digital silence and a voice
//! barely louder than that is kept whole.
//!
//! It sets the least share of the dry signal in the mix. Above −60 dBFS the floor
//! falls as the input rises, or it would be audible under the noise that is removed. The level follows the newest frame up at
//! once, before that frame is output, so the share is small when a sound starts; it decays slowly.

use crate::signal::db_to_gain;

/// Level kept of a quiet room, in dBFS: slightly above the rounding of 16-bit samples.
const FLOOR_DBFS: f32 = -75.0;

/// Level up to which a room is quiet, in dBFS.
const QUIET_DBFS: f32 = -60.0;

/// Decay of the level.
const FALL_DB_PER_MS: f32 = 0.6;

/// Level before the first frame: loud, so that the first noise is not let through.
const FIRST_DBFS: f32 = 0.0;

#[derive(Debug)]
pub(crate) struct Floor {
    fall_db: f32,
    dbfs: f32,
}

impl Floor {
    pub(crate) fn new(frame_ms: f32) -> Self {
        Self { fall_db: FALL_DB_PER_MS * frame_ms, dbfs: FIRST_DBFS }
    }

    pub(crate) fn reset(&mut self) {
        self.dbfs = FIRST_DBFS;
    }

    /// Takes the newest frame's level. Returns the least share of the input to keep, 0 to 1.
    pub(crate) fn run(&mut self, newest_dbfs: f32) -> f32 {
        self.dbfs = newest_dbfs.max(self.dbfs - self.fall_db);
        let left_dbfs = FLOOR_DBFS - (self.dbfs - QUIET_DBFS).max(0.0);
        db_to_gain(left_dbfs - self.dbfs).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_sound_at_once_and_a_pause_slowly() {
        let mut floor = Floor::new(10.0);
        assert!(floor.run(-120.0) < 0.001, "as if it had been loud before");
        for _ in 0..20 {
            floor.run(-120.0);
        }
        assert_eq!(floor.run(-120.0), 1.0, "what is quieter than the floor stays");
        assert!((floor.run(-70.0) - db_to_gain(-5.0)).abs() < 1e-6);
        assert!((floor.run(-50.0) - db_to_gain(-85.0 + 50.0)).abs() < 1e-6);
        assert!((floor.run(-90.0) - db_to_gain(-79.0 + 56.0)).abs() < 1e-6);
        floor.reset();
        assert_eq!(floor.run(-120.0), Floor::new(10.0).run(-120.0));
    }
}
