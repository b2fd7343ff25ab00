//! The overload policy: falls back to a cheaper tier when deadlines are missed, and returns.
//!
//! [`Policy`] decides from the times that the caller reports; [`Changeover`] carries the decision out without a click and
//! without running two models in one frame. Neither has a clock.

use std::time::Duration;

/// The model that a stream runs under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tier {
    /// The stream's own model.
    #[default]
    Full,
    /// The cheaper model given to [`Engine::with_light_model`](crate::Engine::with_light_model).
    Light,
    /// No model: passes the input through, with the same latency.
    Dry,
}

/// Misses, less one for every second since, at which the stream falls back: a single late block is not overload.
const MISSES_TO_FALL: u32 = 3;
const MISS_FORGOTTEN_AFTER: Duration = Duration::from_secs(1);

/// Time at a lower tier before the next higher one is tried. Doubled, up to the longest, when a trial
/// fails before it is proven.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
const PROVEN_AFTER: Duration = Duration::from_secs(10);

/// Chooses a tier from reported times.
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

    /// Takes the time that a block took and the time it was allowed. Returns whether it missed its deadline.
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

/// Frames that a model runs before it is audible, after a time in which it did not run: its state and the delay
/// lines around it are stale.
const WARM_UP_FRAMES: u32 = 10;

/// How one frame is processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// The model that runs; none for [`Tier::Dry`].
    pub(crate) tier: Tier,
    /// Whether its output is mixed in. When this changes, the mix fades over the frame.
    pub(crate) audible: bool,
}

/// Changes from one tier to another: fades to dry, warms the other model up, fades it in.
#[derive(Debug)]
pub(crate) struct Changeover {
    now: Tier,
    warm_up_left: u32,
}

impl Changeover {
    pub(crate) fn new() -> Self {
        Self { now: Tier::Full, warm_up_left: 0 }
    }

    pub(crate) fn next(&mut self, wanted: Tier) -> Run {
        if wanted != self.now {
            let before = std::mem::replace(&mut self.now, wanted);
            let was_audible = before != Tier::Dry && self.warm_up_left == 0;
            self.warm_up_left = WARM_UP_FRAMES;
            if was_audible {
                return Run { tier: before, audible: false };
            }
        }
        if self.now == Tier::Dry {
            return Run { tier: Tier::Dry, audible: false };
        }
        let audible = self.warm_up_left == 0;
        self.warm_up_left = self.warm_up_left.saturating_sub(1);
        Run { tier: self.now, audible }
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
    fn a_block_that_takes_all_its_time_is_not_late() {
        assert!(!Policy::new(false).report(BLOCK, BLOCK));
    }

    #[test]
    fn a_trial_that_succeeds_makes_the_next_one_early_again() {
        let mut policy = Policy::new(false);
        let fall = |policy: &mut Policy| {
            while policy.tier() != Tier::Dry {
                policy.report(LATE, BLOCK);
            }
        };
        let seconds_until_full = |policy: &mut Policy| {
            (1..).find(|_| {
                calm(policy, 1);
                policy.tier() == Tier::Full
            })
        };
        fall(&mut policy);
        assert_eq!(seconds_until_full(&mut policy), Some(2));
        fall(&mut policy);
        assert_eq!(seconds_until_full(&mut policy), Some(4));
        calm(&mut policy, PROVEN_AFTER.as_secs());
        fall(&mut policy);
        assert_eq!(seconds_until_full(&mut policy), Some(2));
    }

    #[test]
    fn a_changeover_is_dry_while_the_other_model_warms_up() {
        let mut changeover = Changeover::new();
        assert_eq!(changeover.next(Tier::Full), Run { tier: Tier::Full, audible: true });
        assert_eq!(changeover.next(Tier::Light), Run { tier: Tier::Full, audible: false });
        for _ in 0..WARM_UP_FRAMES {
            assert_eq!(changeover.next(Tier::Light), Run { tier: Tier::Light, audible: false });
        }
        assert_eq!(changeover.next(Tier::Light), Run { tier: Tier::Light, audible: true });
        assert_eq!(changeover.next(Tier::Dry), Run { tier: Tier::Light, audible: false });
        assert_eq!(changeover.next(Tier::Dry), Run { tier: Tier::Dry, audible: false });
        assert_eq!(changeover.next(Tier::Full), Run { tier: Tier::Full, audible: false });
    }
}
