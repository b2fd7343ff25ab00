//! What a stream does when its host's deadlines are missed: falls to a cheaper tier, and comes back.
//!
//! [`Policy`] decides from what the caller reports; [`Changeover`] carries the decision out without a click and
//! without ever running two models in one frame. Both are pure: the caller has the clock.

use std::time::Duration;

/// How much of the work a stream is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tier {
    /// The stream's own model.
    #[default]
    Full,
    /// The cheaper model given to [`Engine::with_light_model`](crate::Engine::with_light_model).
    Light,
    /// No model: the input, with the same latency.
    Dry,
}

/// Misses, less one for every second gone, that make the stream fall: one late block is the system's hiccup.
const MISSES_TO_FALL: u32 = 3;
const MISS_FORGOTTEN_AFTER: Duration = Duration::from_secs(1);

/// How long a lower tier is kept before the next higher one is tried. Doubled, up to the longest, when a trial
/// fails within the time that proves it.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
const PROVEN_AFTER: Duration = Duration::from_secs(10);

/// From reported times to a tier.
#[derive(Debug)]
pub(crate) struct Policy {
    tier: Tier,
    has_light: bool,
    misses: u32,
    since_forgotten: Duration,
    /// Stream time in this tier without a miss.
    calm: Duration,
    patience: Duration,
    on_trial: bool,
}

impl Policy {
    pub(crate) fn new(has_light: bool) -> Self {
        Self {
            tier: Tier::Full,
            has_light,
            misses: 0,
            since_forgotten: Duration::ZERO,
            calm: Duration::ZERO,
            patience: FIRST_PATIENCE,
            on_trial: false,
        }
    }

    pub(crate) fn has_light(&self) -> bool {
        self.has_light
    }

    pub(crate) fn tier(&self) -> Tier {
        self.tier
    }

    /// Takes the time that a block took and the time there was for it. Returns whether that was a miss.
    pub(crate) fn report(&mut self, spent: Duration, available: Duration) -> bool {
        self.since_forgotten = self.since_forgotten.saturating_add(available);
        if self.since_forgotten >= MISS_FORGOTTEN_AFTER {
            self.since_forgotten = Duration::ZERO;
            self.misses = self.misses.saturating_sub(1);
        }
        if spent > available {
            self.calm = Duration::ZERO;
            self.misses = self.misses.saturating_add(1);
            if self.misses >= MISSES_TO_FALL && self.tier != Tier::Dry {
                self.fall();
            }
            return true;
        }
        self.calm = self.calm.saturating_add(available);
        if self.on_trial && self.calm >= PROVEN_AFTER {
            self.on_trial = false;
            self.patience = FIRST_PATIENCE;
        }
        if self.tier != Tier::Full && self.calm >= self.patience {
            self.rise();
        }
        false
    }

    fn fall(&mut self) {
        if self.on_trial {
            self.patience = (2 * self.patience).min(LONGEST_PATIENCE);
        }
        self.tier = if self.tier == Tier::Full && self.has_light { Tier::Light } else { Tier::Dry };
        self.on_trial = false;
        self.misses = 0;
        self.calm = Duration::ZERO;
    }

    fn rise(&mut self) {
        self.tier = if self.tier == Tier::Dry && self.has_light { Tier::Light } else { Tier::Full };
        self.on_trial = true;
        self.misses = 0;
        self.calm = Duration::ZERO;
    }
}

/// Frames that a model hears before it is heard, after a time in which it did not run: its memory and the delay
/// lines around it are stale.
const LISTEN_FRAMES: u32 = 10;

/// What one frame is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// The model that runs; none for [`Tier::Dry`].
    pub(crate) tier: Tier,
    /// Whether its result is heard. Where this changes, the mix fades over the frame.
    pub(crate) heard: bool,
}

/// The way from one tier to another: fade to dry, let the other one listen, fade it in.
#[derive(Debug)]
pub(crate) struct Changeover {
    now: Tier,
    listen_left: u32,
}

impl Changeover {
    pub(crate) fn new() -> Self {
        Self { now: Tier::Full, listen_left: 0 }
    }

    pub(crate) fn next(&mut self, wanted: Tier) -> Run {
        if wanted != self.now {
            let before = std::mem::replace(&mut self.now, wanted);
            let was_heard = before != Tier::Dry && self.listen_left == 0;
            self.listen_left = LISTEN_FRAMES;
            if was_heard {
                return Run { tier: before, heard: false };
            }
        }
        if self.now == Tier::Dry {
            return Run { tier: Tier::Dry, heard: false };
        }
        let heard = self.listen_left == 0;
        self.listen_left = self.listen_left.saturating_sub(1);
        Run { tier: self.now, heard }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Duration = Duration::from_millis(10);
    const LATE: Duration = Duration::from_millis(12);

    fn calm(policy: &mut Policy, seconds: u64) {
        for _ in 0..100 * seconds {
            assert!(!policy.report(BLOCK / 10, BLOCK));
        }
    }

    #[test]
    fn one_late_block_now_and_then_changes_nothing() {
        let mut policy = Policy::new(false);
        for _ in 0..50 {
            assert!(policy.report(LATE, BLOCK));
            calm(&mut policy, 2);
            assert_eq!(policy.tier(), Tier::Full);
        }
    }

    #[test]
    fn falls_tier_by_tier_and_comes_back_the_same_way() {
        let mut policy = Policy::new(true);
        let tiers: Vec<Tier> = (0..7)
            .map(|_| {
                policy.report(LATE, BLOCK);
                policy.tier()
            })
            .collect();
        use Tier::{Dry, Full, Light};
        assert_eq!(tiers, [Full, Full, Light, Light, Light, Dry, Dry]);
        calm(&mut policy, 2);
        assert_eq!(policy.tier(), Light);
        calm(&mut policy, 2);
        assert_eq!(policy.tier(), Full);
    }

    #[test]
    fn failed_trials_become_rarer_up_to_a_minute_apart() {
        let mut policy = Policy::new(false);
        let mut trials = 0;
        for _ in 0..100 * 600 {
            let before = policy.tier();
            policy.report(if before == Tier::Dry { BLOCK / 10 } else { LATE }, BLOCK);
            trials += u32::from(before == Tier::Dry && policy.tier() == Tier::Full);
        }
        // 2 + 4 + 8 + 16 + 32 s, then every 60 s.
        assert_eq!(trials, 5 + (600 - 62) / 60);
    }

    #[test]
    fn a_changeover_is_dry_while_the_other_model_listens() {
        let mut way = Changeover::new();
        assert_eq!(way.next(Tier::Full), Run { tier: Tier::Full, heard: true });
        assert_eq!(way.next(Tier::Light), Run { tier: Tier::Full, heard: false });
        for _ in 0..LISTEN_FRAMES {
            assert_eq!(way.next(Tier::Light), Run { tier: Tier::Light, heard: false });
        }
        assert_eq!(way.next(Tier::Light), Run { tier: Tier::Light, heard: true });
        assert_eq!(way.next(Tier::Dry), Run { tier: Tier::Light, heard: false });
        assert_eq!(way.next(Tier::Dry), Run { tier: Tier::Dry, heard: false });
        assert_eq!(way.next(Tier::Full), Run { tier: Tier::Full, heard: false });
    }
}
