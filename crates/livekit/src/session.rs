//! One stream: the engine at the input's rate, followed by a resampler if the output's rate differs.

use sourdine::{Engine, Model, Settings, StreamFormat};

use crate::options::Options;
use crate::rate::Rate;

/// Samples processed at a time if the output's rate differs.
const PIECE: usize = 960;

pub(crate) struct Session {
    engine: Engine,
    rate: Option<Rate>,
    channels: usize,
    piece: Vec<f32>,
}

impl Session {
    /// Makes a session, or returns the error.
    pub(crate) fn new(input_rate: u32, output_rate: u32, options: &Options) -> Result<Self, String> {
        let settings = Settings::default()
            .with_enabled(options.enabled)
            .with_attenuation_limit_db(options.attenuation_limit_db)
            .with_gate(options.gate)
            .with_ceiling(true);
        let channels = options.channels;
        let model =
            Model::by_name(&options.model).ok_or_else(|| format!("there is no model `{}`", options.model))?;
        let engine = Engine::new(StreamFormat::new(input_rate, channels), &settings, &model)
            .map_err(|error| error.to_string())?;
        let no_rate = || format!("an output of {output_rate} Hz cannot be made from {input_rate} Hz");
        if !(8_000..=192_000).contains(&output_rate) {
            return Err(no_rate());
        }
        let rate = if input_rate == output_rate {
            None
        } else {
            Some(Rate::new(input_rate, output_rate, channels).ok_or_else(no_rate)?)
        };
        Ok(Self { engine, rate, channels, piece: vec![0.0; PIECE * channels] })
    }

    /// Returns whether the block was processed; if not, the output is unchanged.
    pub(crate) fn process_i16(&mut self, input: &[i16], output: &mut [i16]) -> bool {
        let Some(rate) = &mut self.rate else {
            return input.len() == output.len()
                && self.engine.process_interleaved_i16_into(input, output).is_ok();
        };
        if !input.len().is_multiple_of(self.channels) {
            return false;
        }
        let mut wanted = output.iter_mut();
        for part in input.chunks(self.piece.len()) {
            let piece = &mut self.piece[..part.len()];
            for (to, from) in piece.iter_mut().zip(part) {
                *to = f32::from(*from) / 32_768.0;
            }
            if self.engine.process_interleaved_f32(piece).is_err() {
                return false;
            }
            rate.push(piece, |queue| {
                let n = queue.len().min(wanted.len());
                for (to, from) in wanted.by_ref().take(n).zip(queue.drain(..n)) {
                    *to = (from * 32_768.0).round() as i16; // `as` saturates.
                }
            });
        }
        wanted.for_each(|to| *to = 0);
        true
    }

    /// Returns whether the block was processed; if not, the output is unchanged.
    pub(crate) fn process_f32(&mut self, input: &[f32], output: &mut [f32]) -> bool {
        let Some(rate) = &mut self.rate else {
            return input.len() == output.len()
                && self.engine.process_interleaved_f32_into(input, output).is_ok();
        };
        if !input.len().is_multiple_of(self.channels) {
            return false;
        }
        let mut wanted = output.iter_mut();
        for part in input.chunks(self.piece.len()) {
            let piece = &mut self.piece[..part.len()];
            piece.copy_from_slice(part);
            if self.engine.process_interleaved_f32(piece).is_err() {
                return false;
            }
            rate.push(piece, |queue| {
                let n = queue.len().min(wanted.len());
                for (to, from) in wanted.by_ref().take(n).zip(queue.drain(..n)) {
                    *to = from;
                }
            });
        }
        wanted.for_each(|to| *to = 0.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::alloc::{CountingAllocator, count};
    use sourdine_testkit::signals;

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;

    fn session(input: u32, output: u32, json: &str) -> Option<Session> {
        Session::new(input, output, &Options::parse(json).ok()?).ok()
    }

    #[test]
    fn refusals() {
        for (input, output, json) in [
            (48_000, 7_000, ""),
            (1, 1, ""),
            (44_101, 44_101, ""),
            (48_000, 44_150, ""),
            (48_000, 48_000, r#"{"model":"?"}"#),
            (48_000, 48_000, r#"{"channels":0}"#),
            (48_000, 48_000, r#"{"channels":9}"#),
            (48_000, 48_000, r#"{"attenuationLimitDb":-1}"#),
        ] {
            assert!(session(input, output, json).is_none(), "{input} {output} {json}");
        }
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_level_at_another_rate() {
        for (input, output, block) in
            [(48_000, 24_000, 480), (48_000, 16_000, 960), (24_000, 48_000, 240), (44_100, 48_000, 441)]
        {
            let mut s = session(input, output, r#"{"enabled":false}"#).unwrap();
            s.engine.warm_up_thread();
            let n = 100 * block;
            let tone = signals::tone(n, input, 997.0, 0.5);
            let outputs = block * output as usize / input as usize;
            let mut got = vec![0.0; 100 * outputs];
            for (i, o) in tone.chunks_exact(block).zip(got.chunks_exact_mut(outputs)) {
                let (calls, done) = count(|| s.process_f32(i, o));
                assert!(done && calls == 0, "{calls} allocations");
            }
            // The best match of a sine of that frequency, whatever its phase.
            let tail = &got[got.len() / 2..];
            let step = 2.0 * std::f64::consts::PI * 997.0 / f64::from(output);
            let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
            for (k, y) in tail.iter().enumerate() {
                re += f64::from(*y) * (step * k as f64).cos();
                im += f64::from(*y) * (step * k as f64).sin();
                power += f64::from(*y).powi(2);
            }
            let level = 2.0 * re.hypot(im) / tail.len() as f64;
            let power = power / tail.len() as f64;
            assert!((level - 0.5).abs() < 0.005, "{input} to {output}: level {level}");
            assert!((power - 0.125).abs() < 0.003, "{input} to {output}: power {power}, a gap or a click");
        }
    }

    #[test]
    fn integers_and_floats_agree() {
        let mut a = session(48_000, 24_000, r#"{"model":"sourdine"}"#).unwrap();
        let mut b = session(48_000, 24_000, r#"{"model":"sourdine"}"#).unwrap();
        let whole: Vec<i16> = signals::noise(48_000, 9_000.0, 3).iter().map(|x| *x as i16).collect();
        for block in whole.chunks_exact(480) {
            let floats: Vec<f32> = block.iter().map(|x| f32::from(*x) / 32_768.0).collect();
            let (mut x, mut y) = (vec![0; 240], vec![0.0; 240]);
            assert!(a.process_i16(block, &mut x) && b.process_f32(&floats, &mut y));
            assert!(x.iter().zip(&y).all(|(x, y)| (f32::from(*x) - y * 32_768.0).abs() <= 0.5));
        }
    }
}
