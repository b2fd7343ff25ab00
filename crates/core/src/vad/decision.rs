//! The decision made from a voice probability: two thresholds, so that it does not flutter, and a hangover, so
//! that it bridges the gaps within a sentence.

use crate::settings::VadParams;

#[derive(Debug)]
pub(crate) struct VoiceDecision {
    params: VadParams,
    hangover_frames: u32,
    left: u32,
    voice: bool,
}

impl VoiceDecision {
    pub(crate) fn new(params: VadParams, frame_ms: f32) -> Self {
        Self {
            params,
            hangover_frames: (params.hangover_ms / frame_ms).round() as u32,
            left: 0,
            voice: false,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.left = 0;
        self.voice = false;
    }

    /// Takes the probability of the newest frame and returns the decision.
    pub(crate) fn run(&mut self, probability: f32) -> bool {
        let threshold = if self.voice { self.params.off } else { self.params.on };
        if probability >= threshold {
            self.voice = true;
            self.left = self.hangover_frames;
        } else if self.left > 0 {
            self.left -= 1;
        } else {
            self.voice = false;
        }
        self.voice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hysteresis_and_hangover() {
        let mut d = VoiceDecision::new(VadParams { on: 0.6, off: 0.3, hangover_ms: 30.0 }, 10.0);
        assert!(!d.run(0.5), "below the upper threshold");
        assert!(d.run(0.6));
        assert!(d.run(0.4), "above the lower threshold");
        let tail: Vec<bool> = (0..5).map(|_| d.run(0.0)).collect();
        assert_eq!(tail, [true, true, true, false, false]);
        assert!(!d.run(0.5));
    }
}
