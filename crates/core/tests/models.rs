//! Models from outside, models that fail, and switching between them.
#![allow(clippy::unwrap_used)] // A test may.

use sourdine::{
    Bypass, Channels, Engine, FrameDenoiser, Model, ModelError, ModelInfo, ModelSource, Settings,
    StreamFormat, SwitchError,
};
use sourdine_testkit::models::deaf_model;
use sourdine_testkit::signals::{self, Random};

/// Weights with the smallest layers that RNNoise 0.1's form allows.
fn tiny_weights() -> Vec<u8> {
    let mut random = Random::new(1);
    let mut bytes = Vec::new();
    let mut layer = |inputs: u8, neurons: u8, recurrent: bool| {
        let sigmoid_at_the_outputs = if neurons == 22 || neurons == 1 { 1 } else { 2 };
        bytes.extend([inputs, neurons, sigmoid_at_the_outputs]);
        let (i, n) = (usize::from(inputs), usize::from(neurons));
        let len = if recurrent { 3 * n * (i + n + 1) } else { n * (i + 1) };
        bytes.extend((0..len).map(|_| random.bits() as u8));
    };
    layer(42, 2, false);
    layer(2, 3, true);
    layer(42 + 2 + 3, 4, true);
    layer(42 + 3 + 4, 5, true);
    layer(5, 22, false);
    layer(3, 1, false);
    bytes
}

#[test]
fn weights_of_rnnoise_0_1_are_read_and_run() {
    let model = Model::from_bytes("mine", &tiny_weights()).unwrap();
    assert_eq!(model.info().name, "mine");
    let mut engine = Engine::new(StreamFormat::new(48_000, 1), &Settings::default(), &model).unwrap();
    let mut audio = signals::noise(48_000, 0.3, 2);
    engine.process_interleaved_f32(&mut audio).unwrap();
    assert!(audio.iter().all(|x| x.is_finite()));
}

#[test]
fn what_is_no_model_is_refused_by_name() {
    let good = tiny_weights();
    let unknown = |bytes: &[u8]| matches!(Model::from_bytes("x", bytes), Err(ModelError::Unknown { .. }));
    assert!(unknown(b""));
    assert!(unknown(b"RIFF\x24\x00\x00\x00WAVEfmt "));
    assert!(unknown(b"rnnoise-nu model file version 1\n42 24 0"));
    assert!(unknown(&[0; 100_000]));
    assert!(unknown(&[255; 100_000]));
    for cut in [50, 90, 200, good.len() - 1] {
        let error = Model::from_bytes("x", &good[..cut]).unwrap_err();
        assert!(!error.to_string().is_empty() && !error.to_string().contains('\n'), "{error}");
    }
    let mut long = good.clone();
    long.push(0);
    assert_eq!(
        Model::from_bytes("x", &long).unwrap_err(),
        ModelError::Field { field: "end".into(), problem: "1 bytes too many".into() }
    );
}

#[test]
fn rnnoise_weights_whose_gains_are_not_shares_are_refused() {
    // Their inputs, neurons and activation begin the two output layers.
    let good = tiny_weights();
    let voice = good.len() - (3 + 3 + 1);
    let gains = voice - (3 + 5 * 22 + 22);
    for at in [gains, voice] {
        assert_eq!(good[at + 2], 1, "the sigmoid");
        for activation in [0, 2] {
            let mut bad = good.clone();
            bad[at + 2] = activation;
            let error = Model::from_bytes("x", &bad).unwrap_err().to_string();
            assert!(error.contains("activation"), "{error}");
        }
    }
}

#[test]
fn damaged_weights_never_panic() {
    let good = tiny_weights();
    let mut random = Random::new(9);
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = random.bits() as u8;
        }
        bytes.truncate(random.below(bytes.len() + 200).min(good.len()));
        let _may_fail = Model::from_bytes("fuzz", &bytes);
    }
}

/// A model that gives NaN from its `fails`-th frame until it is mended, if it can be.
struct Failing {
    fails: usize,
    mends: bool,
}

struct FailingDenoiser {
    frames: usize,
    fails: usize,
    mends: bool,
}

impl ModelSource for Failing {
    fn info(&self) -> ModelInfo {
        ModelInfo::new("failing", 0)
    }
    fn denoiser(&self, _channels: usize, _mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(FailingDenoiser { frames: 0, fails: self.fails, mends: self.mends })
    }
}

impl FrameDenoiser for FailingDenoiser {
    fn latency(&self) -> usize {
        0
    }
    fn process(&mut self, frame: &mut [f32]) -> f32 {
        self.frames += 1;
        if self.frames > self.fails {
            frame[7] = f32::NAN;
        }
        0.5
    }
    fn reset(&mut self) {
        self.frames = 0;
    }
    fn recover(&mut self) -> bool {
        if self.mends {
            self.fails = usize::MAX;
        }
        self.mends
    }
}

#[test]
fn a_failing_model_is_bypassed_and_mended() {
    for (rate, mends) in [(48_000, true), (48_000, false), (44_100, true), (11_025, false)] {
        let model = Model::from_source(Failing { fails: 50, mends });
        let settings = Settings::default().with_attenuation_limit_db(f32::INFINITY);
        let mut engine = Engine::new(StreamFormat::new(rate, 1), &settings, &model).unwrap();
        let mut audio = signals::tone(rate as usize * 2, rate, 300.0, 0.4);
        for block in audio.chunks_mut(rate as usize / 100) {
            engine.process_interleaved_f32(block).unwrap();
        }
        assert!(audio.iter().all(|x| x.is_finite()), "{rate} Hz");
        let (stats, last) = (engine.stats(), engine.report().bypass);
        assert!(stats.bypassed_model_fault > 0, "{rate} Hz: it is counted");
        assert_eq!(last, if mends { None } else { Some(Bypass::ModelFault) }, "{rate} Hz");
        let end = &audio[audio.len() - rate as usize / 10..];
        let peak = end.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        assert!((0.39..0.41).contains(&peak), "{rate} Hz: the voice goes on, peak {peak}");
    }
}

#[test]
fn a_model_with_more_delay_needs_room_made_for_it() {
    let room = Settings::default().with_model_latency(960);
    let format = StreamFormat::new(48_000, 1).with_fixed_block(480);
    let small = Engine::new(format, &Settings::default(), &Model::bypass()).unwrap();
    assert_eq!(small.latency(), 0);
    let refused = small.controls().set_model(&Model::rnnoise());
    assert!(matches!(refused, Err(SwitchError { latency: 480, limit: 0, .. })));

    let mut large = Engine::new(format, &room, &Model::bypass()).unwrap();
    assert_eq!(large.latency(), 960);
    large.controls().set_model(&deaf_model()).unwrap();
    let mut audio = signals::noise(48_000, 0.2, 3);
    let before = audio.clone();
    large.controls().set_attenuation_limit_db(f32::INFINITY).unwrap();
    for block in audio.chunks_mut(480) {
        large.process_interleaved_f32(block).unwrap();
    }
    assert_eq!(large.latency(), 960);
    assert!(audio[960..4000] == before[..3040], "the first model until the new one has listened");
    assert!(audio[10_000..].iter().all(|x| *x == 0.0), "then the new one");
}

#[test]
fn the_handle_outlives_the_stream_and_does_nothing() {
    let engine = Engine::new(StreamFormat::new(48_000, 1), &Settings::default(), &Model::rnnoise()).unwrap();
    let controls = engine.controls();
    drop(engine);
    assert!(controls.set_attenuation_limit_db(-1.0).is_err());
    controls.set_enabled(false);
    controls.set_model(&Model::bypass()).unwrap();
}
