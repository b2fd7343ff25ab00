//! The conformance suite: what every model must hold at every rate, number of channels and block length.
//!
//! Each check takes the case and panics with a sentence that names it. A new model calls [`check_model`] from a
//! test and is done.

use sourdine::{Block, BlockError, Channels, Engine, Model, Settings, StreamFormat};

use crate::metrics;
use crate::signals::{self, Random};

/// The rates of the suite, in Hz.
pub const RATES: [u32; 12] =
    [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

/// The channel counts of the suite.
pub const CHANNELS: [usize; 3] = [1, 2, 6];

/// The fixed block lengths of the suite; random lengths come besides.
pub const BLOCKS: [usize; 8] = [1, 64, 128, 441, 480, 512, 960, 4096];

/// One stream to check.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its format.
    pub format: StreamFormat,
    /// Its settings.
    pub settings: Settings,
    /// Its model.
    pub model: Model,
}

impl Case {
    /// A case with unlimited attenuation: everything that comes out has gone through the model.
    #[must_use]
    pub fn new(rate: u32, channels: usize, block: Block, mode: Channels, model: &Model) -> Self {
        Self {
            format: StreamFormat::new(rate, channels).with_block(block),
            settings: Settings::default().with_attenuation_limit_db(f32::INFINITY).with_channels(mode),
            model: model.clone(),
        }
    }

    /// A new engine for it.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine::new(self.format, &self.settings, &self.model).unwrap_or_else(|e| panic!("{self:?}: {e}"))
    }

    /// Voice-like interleaved input of `ms` milliseconds, with noise; every channel its own level and noise.
    #[must_use]
    pub fn input(&self, ms: usize) -> Vec<f32> {
        let frames = self.format.sample_rate as usize * ms / 1000;
        let voice = signals::speechlike(frames, self.format.sample_rate, 7);
        let mut random = Random::new(8);
        let mut out = Vec::with_capacity(frames * self.format.channels);
        for v in voice {
            for channel in 0..self.format.channels {
                out.push(v / (channel + 1) as f32 + 0.01 * random.unit());
            }
        }
        out
    }
}

/// Processes interleaved `input` in blocks of the given lengths (repeated as often as needed), then drains.
/// The result is `latency` frames longer than the input.
#[must_use]
pub fn run(engine: &mut Engine, input: &[f32], blocks: &[usize]) -> Vec<f32> {
    let channels = engine.format().channels;
    let mut out = input.to_vec();
    let (mut rest, mut lengths) = (&mut out[..], blocks.iter().cycle());
    while !rest.is_empty() {
        let n = lengths.next().unwrap().saturating_mul(channels).min(rest.len());
        let (block, after) = rest.split_at_mut(n);
        engine.process_interleaved_f32(block).unwrap();
        rest = after;
    }
    let mut tail = vec![0.0; engine.latency() * channels];
    assert_eq!(engine.finish_interleaved_f32(&mut tail), engine.latency(), "finish gives latency() frames");
    assert_eq!(engine.finish_interleaved_f32(&mut [0.0; 64]), 0, "and then no more");
    out.extend(tail);
    out
}

/// The delay measured by correlation equals `latency()`, wet and dry.
pub fn check_latency(case: &Case, blocks: &[usize]) {
    let (rate, channels) = (case.format.sample_rate, case.format.channels);
    let input = multiple_of_blocks(case.input(600), case, blocks);
    for limit in [f32::INFINITY, 0.0] {
        let mut case = case.clone();
        case.settings.attenuation_limit_db = limit;
        let mut engine = case.engine();
        let output = run(&mut engine, &input, blocks);
        let (a, b) = (metrics::channel(&input, channels, 0), metrics::channel(&output, channels, 0));
        let measured = metrics::delay(&a, &b, rate as usize / 5);
        assert_eq!(measured, engine.latency(), "latency of {case:?} by correlation, limit {limit} dB");
        if limit == 0.0 {
            assert_eq!(
                output[engine.latency() * channels..],
                input,
                "0 dB is the input, bit for bit: {case:?}"
            );
        }
    }
}

/// Any partition of the input gives the same output, bit for bit, once aligned; and so does a reset.
pub fn check_partitions(case: &Case, partitions: &[&[usize]]) {
    let channels = case.format.channels;
    let input = case.input(250);
    let aligned = |engine: &mut Engine, blocks: &[usize]| {
        let output = run(engine, &input, blocks);
        output[engine.latency() * channels..].to_vec()
    };
    let frame = [usize::MAX];
    let mut engine = case.engine();
    let reference = aligned(&mut engine, &frame);
    engine.reset();
    assert!(aligned(&mut engine, &frame) == reference, "reset gives other bits: {case:?}");
    for blocks in partitions {
        engine.reset();
        assert!(aligned(&mut engine, blocks) == reference, "{blocks:?} gives other bits: {case:?}");
    }
}

/// NaN and infinities are counted, never come out, and are forgotten within a frame: later output equals
/// the output after silence in their place.
pub fn check_invalid_input(case: &Case) {
    let channels = case.format.channels;
    let clean = case.input(300);
    let hole = clean.len() / 3 / channels * channels;
    let (mut poisoned, mut silent) = (clean.clone(), clean);
    for (i, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::NAN].into_iter().enumerate() {
        poisoned[hole + i * channels] = bad;
        silent[hole + i * channels] = 0.0;
    }
    let mut engine = case.engine();
    let got = run(&mut engine, &poisoned, &[usize::MAX]);
    assert_eq!(engine.stats().invalid_samples, 4, "{case:?}");
    assert!(got.iter().all(|x| x.is_finite()), "invalid output: {case:?}");
    assert!(got == run(&mut case.engine(), &silent, &[usize::MAX]), "NaN left a trace: {case:?}");
    // Absurd but finite samples may pass, but must not persist.
    poisoned.copy_from_slice(&silent);
    poisoned[hole] = f32::MAX;
    let mut engine = case.engine();
    let got = run(&mut engine, &poisoned, &[usize::MAX]);
    assert!(got.iter().all(|x| x.is_finite()), "invalid output after f32::MAX: {case:?}");
    let tail = &got[got.len() - got.len() / 8..];
    assert!(tail.iter().all(|x| x.abs() <= 1.0), "f32::MAX stays: {case:?}");
}

/// Silence gives silence, exactly, from the start; and within a second after sound.
pub fn check_silence(case: &Case) {
    let mut engine = case.engine();
    let half = case.format.sample_rate as usize / 2 * case.format.channels;
    let silence = run(&mut engine, &vec![0.0; half], &[usize::MAX]);
    assert!(silence.iter().all(|x| *x == 0.0), "sound from silence: {case:?}");
    engine.reset();
    let mut input = case.input(300);
    input.resize(input.len() + 3 * half, 0.0);
    let output = run(&mut engine, &input, &[usize::MAX]);
    let last = metrics::level_db(&output[output.len() - half / 2..]);
    assert!(last < -100.0, "{last:.1} dBFS a second after sound: {case:?}");
}

/// Every control toggled at random on a steady tone clicks less than −60 dBFS, and leaves the latency alone.
pub fn check_toggling(case: &Case) {
    let (rate, channels, hz) = (case.format.sample_rate, case.format.channels, 440.0);
    let mut engine = case.engine();
    let controls = engine.controls();
    let step = rate as usize / 100;
    let tone = signals::tone(step * 400, rate, hz, 0.5);
    let mut random = Random::new(3);
    let mut output = Vec::new();
    for (i, block) in tone.chunks(step).enumerate() {
        if i % 10 == 9 {
            let on = random.below(2) == 0;
            match random.below(6) {
                0 => controls.set_enabled(on),
                1 => controls.set_passthrough(on),
                2 => controls.set_residue(on),
                3 => controls.set_gate(on),
                4 => controls.set_model(&case.model).unwrap(),
                _ => controls
                    .set_attenuation_limit_db([0.0, 6.0, 24.0, f32::INFINITY][random.below(4)])
                    .unwrap(),
            }
        }
        let mut block: Vec<f32> = block.iter().flat_map(|x| vec![*x; channels]).collect();
        engine.process_interleaved_f32(&mut block).unwrap();
        output.extend(metrics::channel(&block, channels, 0));
    }
    // The start (the tone's own onset) is left out.
    let click = metrics::click_dbfs(&output[engine.latency() + step * 20..], rate, hz);
    assert!(click < -60.0, "a click of {click:.1} dBFS: {case:?}");
    // Latency-neutral: switched off, the output is the input at the same latency.
    controls.set_enabled(false);
    let mut tail: Vec<f32> =
        signals::noise(step * 60, 0.5, 4).iter().flat_map(|x| vec![*x; channels]).collect();
    let noise = tail.clone();
    for block in tail.chunks_mut(step * channels) {
        engine.process_interleaved_f32(block).unwrap();
    }
    let (skip, late) = (step * 20 * channels, engine.latency() * channels);
    assert!(
        tail[skip + late..] == noise[skip..noise.len() - late],
        "off is not the input at the same latency: {case:?}"
    );
}

/// Blocks that do not fit are refused and left alone.
pub fn check_refusals(case: &Case) {
    let channels = case.format.channels;
    let mut engine = case.engine();
    let mut one = [0.25; 8];
    let mut too_few = [&mut one[..]];
    if channels != 1 {
        let refused = engine.process_planar_f32(&mut too_few);
        assert_eq!(refused, Err(BlockError::Channels { expected: channels, got: 1 }));
        let mut ragged = vec![0.25; channels + 1];
        assert_eq!(engine.process_interleaved_f32(&mut ragged), Err(BlockError::Ragged));
        assert_eq!(ragged, vec![0.25; channels + 1]);
    }
    let fixed = case.format.with_fixed_block(100);
    let mut engine = Engine::new(fixed, &case.settings, &case.model).unwrap();
    let refused = engine.process_interleaved_f32(&mut vec![0.0; 99 * channels]);
    assert_eq!(refused, Err(BlockError::Length { expected: 100, got: 99 }));
    assert!(engine.process_interleaved_f32(&mut vec![0.0; 300 * channels]).is_ok());
}

/// All checks over the whole grid of rates, channels and blocks.
pub fn check_model(model: &Model) {
    for rate in RATES {
        for channels in CHANNELS {
            check_stream(model, rate, channels, Channels::Linked);
            if channels > 1 {
                check_stream(model, rate, channels, Channels::Separate);
            }
        }
    }
}

/// All checks on one kind of stream.
pub fn check_stream(model: &Model, rate: u32, channels: usize, mode: Channels) {
    let varying = Case::new(rate, channels, Block::Varying, mode, model);
    let random = signals::random_blocks(50, 1500, 5);
    let partitions: Vec<&[usize]> =
        BLOCKS.iter().map(std::slice::from_ref).chain(std::iter::once(&random[..])).collect();
    check_partitions(&varying, &partitions);
    check_latency(&varying, &random);
    for block in BLOCKS {
        check_latency(&Case::new(rate, channels, Block::Fixed(block), mode, model), &[block]);
    }
    check_invalid_input(&varying);
    check_silence(&varying);
    check_toggling(&varying);
    check_refusals(&varying);
}

/// A fixed-block stream takes whole blocks only.
fn multiple_of_blocks(mut input: Vec<f32>, case: &Case, blocks: &[usize]) -> Vec<f32> {
    if let Block::Fixed(_) = case.format.block {
        input.truncate(input.len() / (blocks[0] * case.format.channels) * blocks[0] * case.format.channels);
    }
    input
}
