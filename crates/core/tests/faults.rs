//! Faults that were planted and that no other test saw: one test each.
#![allow(clippy::unwrap_used)] // A test may.

use std::time::Duration;

use sourdine::{
    Bypass, Channels, Engine, FrameDenoiser, Model, ModelInfo, ModelSource, Report, Settings, StreamFormat,
    Tier, VadParams, VoiceDetector,
};
use sourdine_testkit::conformance::run;
use sourdine_testkit::metrics::{channel, level_db, si_sdr_db};
use sourdine_testkit::signals;

/// Multiplies by a gain; gives NaN for ever once it was shown what no model may be shown.
#[derive(Clone, Copy)]
struct Gain(f32);

impl ModelSource for Gain {
    fn info(&self) -> ModelInfo {
        ModelInfo::new(format!("gain {}", self.0), 480)
    }
    fn denoiser(&self, _channels: usize, _mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(*self)
    }
}

impl FrameDenoiser for Gain {
    fn latency(&self) -> usize {
        480
    }
    fn process(&mut self, frame: &mut [f32]) -> f32 {
        if frame.iter().any(|x| !x.is_finite() || x.abs() > 128.0) {
            self.0 = f32::NAN;
        }
        frame.iter_mut().for_each(|x| *x *= self.0);
        0.0
    }
    fn reset(&mut self) {}
    fn recover(&mut self) -> bool {
        false
    }
}

/// Pink noise by Kellet's filter, the economy form.
fn pink(frames: usize) -> Vec<f32> {
    const POLES: [(f32, f32); 3] = [(0.997_65, 0.099_046), (0.963, 0.296_516_4), (0.57, 1.052_691_3)];
    let mut states = [0.0_f32; 3];
    let filter = |x: &f32| {
        for (state, (keep, take)) in states.iter_mut().zip(POLES) {
            *state = keep * *state + take * x;
        }
        0.2 * (states.iter().sum::<f32>() + 0.1848 * x)
    };
    signals::noise(frames, 0.5, 7).iter().map(filter).collect()
}

fn unlimited() -> Settings {
    Settings::default().with_attenuation_limit_db(f32::INFINITY)
}

#[test]
fn a_switch_to_another_model_is_faded() {
    let mut engine =
        Engine::new(StreamFormat::new(48_000, 1), &unlimited(), &Model::from_source(Gain(1.0))).unwrap();
    engine.controls().set_model(&Model::from_source(Gain(0.0))).unwrap();
    let out = run(&mut engine, &vec![0.5; 24_000], &[480]);
    let (start, end) = (&out[2000..4000], &out[12_000..24_000]);
    assert!(start.iter().all(|x| *x == 0.5) && end.iter().all(|x| *x == 0.0), "from one to the other");
    let step = out[2000..24_000].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    assert!(step < 0.5 * 2.0 / 480.0, "a step of {step}");
}

#[test]
fn a_switch_to_a_model_that_fails_keeps_the_sound() {
    let mut engine =
        Engine::new(StreamFormat::new(48_000, 1), &unlimited(), &Model::from_source(Gain(1.0))).unwrap();
    engine.controls().set_model(&Model::from_source(Gain(f32::NAN))).unwrap();
    let out = run(&mut engine, &vec![0.5; 48_000], &[480]);
    assert!(out[2000..48_000].iter().all(|x| *x == 0.5), "the input, in place of what the model gives");
    assert_eq!(engine.report().bypass, Some(Bypass::ModelFault));
}

#[test]
fn the_newest_of_many_models_wins() {
    let mut engine =
        Engine::new(StreamFormat::new(48_000, 1), &unlimited(), &Model::from_source(Gain(1.0))).unwrap();
    let set = |engine: &Engine, gain| engine.controls().set_model(&Model::from_source(Gain(gain))).unwrap();
    (1..10).for_each(|n| set(&engine, 0.1 * n as f32));
    let mut sound = vec![0.5; 9600];
    engine.process_interleaved_f32(&mut sound).unwrap();
    assert!((sound[9000] - 0.45).abs() < 1e-6);
    // During a switch, too: first the one that it was begun with, then the newest.
    set(&engine, 0.3);
    engine.process_interleaved_f32(&mut vec![0.5; 960]).unwrap();
    [0.4, 0.6, 0.2].into_iter().for_each(|gain| set(&engine, gain));
    sound.fill(0.5);
    engine.process_interleaved_f32(&mut sound).unwrap();
    sound.fill(0.5);
    engine.process_interleaved_f32(&mut sound).unwrap();
    assert!((sound[9000] - 0.1).abs() < 1e-6);
}

#[test]
fn no_model_is_shown_what_could_overflow() {
    for rate in [48_000, 44_100, 8_000] {
        let mut engine =
            Engine::new(StreamFormat::new(rate, 1), &unlimited(), &Model::from_source(Gain(1.0))).unwrap();
        let mut sound = vec![f32::MAX; rate as usize / 10];
        sound.extend(signals::tone(rate as usize / 2, rate, 300.0, 0.4));
        engine.process_interleaved_f32(&mut sound).unwrap();
        assert_eq!(engine.stats().bypassed_model_fault, 0, "{rate} Hz");
        assert!(engine.report().input_dbfs.is_finite() && engine.report().attenuation_db().is_finite());
        assert!(level_db(&sound[sound.len() - rate as usize / 10..]) > -13.0, "{rate} Hz: the tone goes on");
    }
    // A denoiser that is used without an engine, too.
    let mut denoiser = Model::from_source(Gain(1.0)).denoiser(1, Channels::Separate);
    let mut frame = [1e30; 480];
    denoiser.process(&mut frame);
    assert_eq!(frame, [128.0; 480]);
}

/// A model that gives silence, is sure of voice, and fails from a number of frames on.
struct SureUntil(u32);

impl ModelSource for SureUntil {
    fn info(&self) -> ModelInfo {
        ModelInfo::new("sure", 480)
    }
    fn denoiser(&self, _channels: usize, _mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(Self(self.0))
    }
}

impl FrameDenoiser for SureUntil {
    fn latency(&self) -> usize {
        480
    }
    fn process(&mut self, frame: &mut [f32]) -> f32 {
        frame.fill(if self.0 == 0 { f32::NAN } else { 0.0 });
        self.0 = self.0.saturating_sub(1);
        0.75
    }
    fn reset(&mut self) {}
    fn recover(&mut self) -> bool {
        false
    }
}

#[test]
fn at_every_rate_sound_probability_and_faults_are_the_models() {
    for rate in [11_025, 22_050, 44_100, 16_000, 48_000] {
        let tone = signals::tone(rate as usize, rate, 440.0, 0.5);
        let heard = |frames: u32| {
            let model = Model::from_source(SureUntil(frames));
            let mut engine = Engine::new(StreamFormat::new(rate, 1), &unlimited(), &model).unwrap();
            let mut out = tone.clone();
            let report = engine.process_interleaved_f32(&mut out).unwrap();
            (report, level_db(&out[rate as usize / 2..]))
        };
        let (report, left) = heard(u32::MAX);
        assert_eq!((report.voice_probability, report.bypass), (0.75, None), "{rate} Hz");
        assert!(left < -100.0, "{rate} Hz: {left:.1} dBFS");
        let (report, left) = heard(2);
        assert_eq!(report.bypass, Some(Bypass::ModelFault), "{rate} Hz");
        assert!(left > -10.0, "{rate} Hz: {left:.1} dBFS");

        let format = StreamFormat::new(rate, 2);
        let mut engine = Engine::new(format, &unlimited(), &Model::from_source(Gain(1.0))).unwrap();
        let mut both: Vec<f32> = tone.iter().flat_map(|x| [*x, 0.0]).collect();
        engine.process_interleaved_f32(&mut both).unwrap();
        let (left, right) = (level_db(&channel(&both, 2, 0)), level_db(&channel(&both, 2, 1)));
        assert!(left > -10.0 && right < -100.0, "{rate} Hz: {left:.1} and {right:.1} dBFS");
    }
}

#[test]
fn a_denoiser_that_fails_gives_silence() {
    let mut denoiser = Model::from_source(Gain(f32::NAN)).denoiser(1, Channels::Separate);
    for _ in 0..3 {
        let mut frame = [0.5; 480];
        assert_eq!(denoiser.process(&mut frame), 0.0);
        assert_eq!(frame, [0.0; 480]);
    }
}

#[test]
fn float_keeps_its_headroom_and_integers_have_a_ceiling() {
    let wave = signals::speechlike(96_000, 48_000, 4);
    let clean = |model: &Model, gain: f32, settings: &Settings| {
        let mut engine = Engine::new(StreamFormat::new(48_000, 1), settings, model).unwrap();
        let loud: Vec<f32> = wave.iter().map(|x| x * gain).collect();
        let out = run(&mut engine, &loud, &[480]);
        out[engine.latency()..].iter().map(|x| x / gain).collect::<Vec<f32>>()
    };
    for model in Model::built_in() {
        let name = model.info().name;
        let at_20_db = si_sdr_db(&wave, &clean(&model, 10.0, &unlimited()));
        let as_it_is = si_sdr_db(&wave, &clean(&model, 1.0, &unlimited()));
        assert!(at_20_db > as_it_is - 1.5, "{name}: {at_20_db:.1} dB, {as_it_is:.1} dB at its own level");
        let bent = clean(&model, 10.0, &unlimited().with_ceiling(true));
        let peak = bent.iter().fold(0.0_f32, |most, x| most.max(10.0 * x.abs()));
        assert!((0.9..1.0).contains(&peak), "{name}: {peak}");
    }
    // 16-bit blocks have it without being asked: a model that doubles must not wrap or clip hard.
    let doubled = Model::from_source(Gain(2.0));
    let mut engine = Engine::new(StreamFormat::new(48_000, 1), &unlimited(), &doubled).unwrap();
    let mut ints: Vec<i16> =
        signals::tone(9600, 48_000, 100.0, 0.6).iter().map(|x| (x * 32_768.0) as i16).collect();
    engine.process_interleaved_i16(&mut ints).unwrap();
    let flat = ints.windows(2).filter(|w| w[0] == w[1] && w[0].abs() > 32_700).count();
    assert!(flat < 9600 / 5, "{flat} samples are cut flat");
    assert!(ints.iter().any(|x| *x > 31_000) && ints.iter().all(|x| *x > i16::MIN));
}

#[test]
fn opposite_channels_do_not_silence_a_voice() {
    let voice = signals::speechlike(48_000 * 3, 48_000, 3);
    let noise = signals::noise(voice.len(), 0.02, 9);
    let noisy: Vec<f32> = voice.iter().zip(&noise).map(|(a, b)| a + b).collect();
    for other in [-1.0, -0.99, -0.5, 0.0, 1.0] {
        for model in Model::built_in() {
            let settings = unlimited().with_model_latency(960);
            let stereo: Vec<f32> = noisy.iter().flat_map(|x| [*x, other * x]).collect();
            let mut engine = Engine::new(StreamFormat::new(48_000, 2), &settings, &model).unwrap();
            let out = run(&mut engine, &stereo, &[480]);
            let left = channel(&out[2 * engine.latency()..], 2, 0);
            let kept = level_db(&left) - level_db(&voice);
            assert!(kept > -3.0, "{} beside {other} times itself: {kept:.1} dB", model.info().name);
        }
    }
}

#[test]
fn what_cancels_in_the_mean_has_the_gains_of_what_does_not() {
    let (a, b) = (pink(96_000), signals::tone(96_000, 48_000, 3000.0, 0.02));
    let stereo: Vec<f32> = a.iter().zip(&b).flat_map(|(a, b)| [a + b, a - b]).collect();
    let settings = unlimited();
    let mut engine = Engine::new(StreamFormat::new(48_000, 2), &settings, &Model::rnnoise()).unwrap();
    let out = run(&mut engine, &stereo, &[480]);
    let tail = &out[2 * 48_000..2 * 96_000];
    let difference: Vec<f32> =
        channel(tail, 2, 0).iter().zip(channel(tail, 2, 1)).map(|(l, r)| 0.5 * (l - r)).collect();
    let attenuation = level_db(&b) - level_db(&difference);
    assert!(attenuation > 10.0, "{attenuation:.1} dB");
}

#[test]
fn reset_in_the_middle_of_a_stream_forgets_everything() {
    // A quiet room, then a voice, which shows where gate and floor stood.
    let room = signals::noise(48_000, 0.0015, 3);
    let mut sound = room[..14_400].to_vec();
    sound.extend(&signals::speechlike(24_000, 48_000, 6));
    let loud = signals::noise(24_000, 0.5, 2);
    let spread = |mono: &[f32], channels: usize| -> Vec<f32> {
        mono.iter().flat_map(|x| std::iter::repeat_n(*x, channels)).collect()
    };
    for model in Model::built_in() {
        for (rate, channels, lfe) in
            [(48_000, 1, None), (44_100, 2, None), (48_000, 6, Some(3)), (11_025, 1, None)]
        {
            let settings = Settings::default()
                .with_gate(true)
                .with_lfe(lfe)
                .with_attenuation_limit_db(12.0)
                .with_model_latency(960);
            let make = || {
                let engine = Engine::new(StreamFormat::new(rate, channels), &settings, &model).unwrap();
                engine.with_light_model(&Model::sourdine_lite()).unwrap()
            };
            let hear = |engine: &mut Engine| -> (Vec<f32>, Vec<Report>) {
                let mut wave = spread(&sound, channels);
                let blocks = wave.chunks_mut(480 * channels);
                let reports = blocks.map(|block| engine.process_interleaved_f32(block).unwrap()).collect();
                (wave, reports)
            };
            let expected = hear(&mut make());
            // Loud to the end, with deadlines missed; and quiet until the gate has closed.
            for (end, spent_ms) in [(&loud, 20), (&room, 1)] {
                let mut engine = make();
                for mono in [&loud, end] {
                    for block in spread(mono, channels).chunks_mut(500 * channels) {
                        engine.process_interleaved_f32(block).unwrap();
                        engine.report_time(Duration::from_millis(spent_ms), Duration::from_millis(10));
                    }
                }
                engine.reset();
                assert!(
                    hear(&mut engine) == expected,
                    "{} at {rate} Hz, {channels} channels",
                    model.info().name
                );
            }
        }
    }
}

#[test]
fn reset_opens_the_gate_and_lifts_the_floor_as_at_the_start() {
    // A model that leaves nothing, so that the output is what gate and floor keep of a quiet room.
    let settings = Settings::default().with_gate(true);
    let mut engine =
        Engine::new(StreamFormat::new(48_000, 1), &settings, &Model::from_source(Gain(0.0))).unwrap();
    let room = signals::noise(4 * 48_000, 0.0006, 3);
    let mut kept = || {
        let mut wave = room.clone();
        let blocks = wave.chunks_mut(480).map(|block| {
            engine.process_interleaved_f32(block).unwrap();
            level_db(block)
        });
        let levels: Vec<f64> = blocks.collect();
        engine.reset();
        levels
    };
    let (first, second) = (kept(), kept());
    assert!(first[399] < first[20] - 10.0, "the gate closes");
    assert!(first[4] < first[20] - 10.0, "the floor rises after the start");
    assert_eq!(first, second);
}

/// A model without delay that gives NaN until it is reset, and silence from then on.
struct FaultyAtFirst(bool);

impl ModelSource for FaultyAtFirst {
    fn info(&self) -> ModelInfo {
        ModelInfo::new("faulty at first", 0)
    }
    fn denoiser(&self, _channels: usize, _mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(Self(true))
    }
}

impl FrameDenoiser for FaultyAtFirst {
    fn latency(&self) -> usize {
        0
    }
    fn process(&mut self, frame: &mut [f32]) -> f32 {
        frame.fill(if self.0 { f32::NAN } else { 0.0 });
        0.0
    }
    fn reset(&mut self) {
        self.0 = false;
    }
    fn recover(&mut self) -> bool {
        false
    }
}

#[test]
fn reset_forgets_reports_counters_faults_and_the_end() {
    let model = Model::from_source(FaultyAtFirst(true));
    let mut engine = Engine::new(StreamFormat::new(48_000, 1), &Settings::default(), &model).unwrap();
    let mut block = [f32::NAN; 4800];
    block[..2400].fill(2.0);
    engine.process_interleaved_f32(&mut block).unwrap();
    assert!(engine.report() != Report::default());
    assert_eq!((engine.stats().invalid_samples, engine.stats().frames), (2400, 10));
    assert_eq!(engine.report().bypass, Some(Bypass::ModelFault));
    let latency = engine.latency();
    assert_eq!(engine.finish_interleaved_f32(&mut block), latency);

    engine.reset();
    assert!(engine.report() == Report::default() && engine.stats() == sourdine::Stats::default());
    assert_eq!(engine.process_interleaved_f32(&mut [0.1; 480]).unwrap().bypass, None);
    assert_eq!(engine.finish_interleaved_f32(&mut block), latency, "it can end again");
}

#[test]
fn reset_starts_with_the_controls_as_they_are_and_not_with_a_fade() {
    let model = Model::from_source(FaultyAtFirst(true));
    let format = StreamFormat::new(48_000, 1).with_fixed_block(480);
    let mut engine = Engine::new(format, &unlimited(), &model).unwrap();
    assert_eq!(engine.latency(), 0);
    engine.reset();
    let mut block = [0.5; 480];
    engine.process_interleaved_f32(&mut block).unwrap();
    assert_eq!(block, [0.0; 480], "the model's");
    engine.controls().set_enabled(false);
    engine.reset();
    let mut block = [0.5; 480];
    engine.process_interleaved_f32(&mut block).unwrap();
    assert_eq!(block, [0.5; 480]);
}

#[test]
fn every_entry_keeps_the_channels_apart() {
    const CHANNELS: usize = 5;
    let format = StreamFormat::new(48_000, CHANNELS).with_fixed_block(480);
    let settings = Settings::default().with_attenuation_limit_db(0.0);
    let make = || Engine::new(format, &settings, &Model::bypass()).unwrap();
    let planes: Vec<Vec<f32>> = (0..CHANNELS).map(|c| signals::noise(480, 0.5, c as u64 + 1)).collect();
    let interleaved: Vec<f32> = (0..480 * CHANNELS).map(|i| planes[i % CHANNELS][i / CHANNELS]).collect();
    let ints = |x: &[f32]| x.iter().map(|x| (x * 32_000.0) as i16).collect::<Vec<i16>>();
    let sources: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();

    let mut out = vec![vec![0.0_f32; 480]; CHANNELS];
    let mut views: Vec<&mut [f32]> = out.iter_mut().map(Vec::as_mut_slice).collect();
    make().process_planar_f32_into(&sources, &mut views).unwrap();
    assert_eq!(out, planes);
    let mut views: Vec<&mut [f32]> = out.iter_mut().map(Vec::as_mut_slice).collect();
    make().process_planar_f32(&mut views).unwrap();
    assert_eq!(out, planes);
    let mut views: Vec<&mut [f32]> = out.iter_mut().map(Vec::as_mut_slice).collect();
    make().process_planar_f32_in_i16_range_into(&sources, &mut views).unwrap();
    assert_eq!(out, planes);
    let int_planes: Vec<Vec<i16>> = planes.iter().map(|p| ints(p)).collect();
    let int_sources: Vec<&[i16]> = int_planes.iter().map(Vec::as_slice).collect();
    let mut int_out = vec![vec![0_i16; 480]; CHANNELS];
    let mut views: Vec<&mut [i16]> = int_out.iter_mut().map(Vec::as_mut_slice).collect();
    make().process_planar_i16_into(&int_sources, &mut views).unwrap();
    assert_eq!(int_out, int_planes);

    let mut flat = vec![0.0; interleaved.len()];
    make().process_interleaved_f32_into(&interleaved, &mut flat).unwrap();
    assert_eq!(flat, interleaved);
    make().process_interleaved_f32(&mut flat).unwrap();
    assert_eq!(flat, interleaved);
    make().process_interleaved_f32_in_i16_range_into(&interleaved, &mut flat).unwrap();
    assert_eq!(flat, interleaved);
    let mut int_flat = vec![0; interleaved.len()];
    make().process_interleaved_i16_into(&ints(&interleaved), &mut int_flat).unwrap();
    assert_eq!(int_flat, ints(&interleaved));
}

#[test]
fn a_low_frequency_channel_needs_another_beside_it() {
    let made = |channels: usize, lfe: usize| {
        let settings = Settings::default().with_lfe(Some(lfe));
        Engine::new(StreamFormat::new(48_000, channels), &settings, &Model::default()).is_ok()
    };
    assert!(made(2, 1) && made(6, 3) && !made(1, 0) && !made(6, 6));
}

#[test]
fn a_low_frequency_channel_passes_as_it_is_and_as_late_as_the_others() {
    let voice = signals::noise(48_000, 0.2, 1);
    let rumble = signals::tone(48_000, 48_000, 40.0, 0.7);
    for rate in [48_000, 44_100] {
        for lfe in [0, 3, 5] {
            let sound: Vec<f32> = (0..6 * voice.len())
                .map(|i| if i % 6 == lfe { rumble[i / 6] } else { voice[i / 6] })
                .collect();
            let settings = unlimited().with_lfe(Some(lfe)).with_gate(true);
            let model = Model::from_source(Gain(0.0));
            let mut engine = Engine::new(StreamFormat::new(rate, 6), &settings, &model).unwrap();
            let late = engine.latency();
            let out = run(&mut engine, &sound, &[480]);
            for c in 0..6 {
                let got = &channel(&out, 6, c)[late..];
                if c == lfe {
                    assert!(*got == rumble, "{rate} Hz, channel {c} of 6");
                } else {
                    assert!(got.iter().all(|x| *x == 0.0), "{rate} Hz, channel {c} of 6");
                }
            }
            // Nothing of it was removed.
            let residue = settings.with_residue(true);
            let mut engine = Engine::new(StreamFormat::new(rate, 6), &residue, &model).unwrap();
            let out = run(&mut engine, &sound, &[480]);
            assert!(channel(&out, 6, lfe).iter().all(|x| *x == 0.0));
            assert!(channel(&out, 6, (lfe + 1) % 6)[late..] == voice);
        }
    }
    let alone = Settings::default().with_lfe(Some(0));
    for (channels, lfe) in [(1, 0), (2, 2), (6, 6)] {
        let settings = alone.with_lfe(Some(lfe));
        let refused = Engine::new(StreamFormat::new(48_000, channels), &settings, &Model::bypass());
        assert!(refused.unwrap_err().to_string().contains("lfe"));
    }
}

#[test]
fn clipped_samples_are_counted_on_both_sides() {
    let settings = Settings::default().with_enabled(false);
    let format = StreamFormat::new(48_000, 1).with_fixed_block(480);
    let mut engine = Engine::new(format, &settings, &Model::bypass()).unwrap();
    let mut sound = [0.5; 480];
    sound[3..6].fill(-1.5);
    sound[10..12].fill(1.5);
    sound[20] = -1.0;
    engine.process_interleaved_f32(&mut sound).unwrap();
    assert_eq!(engine.stats().clipped_samples, 5);
}

#[test]
fn noise_that_rnnoise_removes_is_not_taken_for_voice() {
    // Pink noise, which its network takes for voice while it removes it.
    let mut sound = pink(48_000 * 4);
    let mut plain = nnnoiseless::DenoiseState::new();
    let mut out = [0.0; 480];
    let in_its_range: Vec<f32> = sound.iter().map(|x| x * 32_768.0).collect();
    let own = in_its_range.chunks(480).map(|frame| plain.process_frame(&mut out, frame));
    let own = own.skip(100).sum::<f32>() / 300.0;

    let format = StreamFormat::new(48_000, 1).with_fixed_block(480);
    let mut engine = Engine::new(format, &Settings::default(), &Model::rnnoise()).unwrap();
    let reported =
        sound.chunks_mut(480).map(|block| engine.process_interleaved_f32(block).unwrap().voice_probability);
    let reported = reported.skip(100).sum::<f32>() / 300.0;
    assert!(own > 0.3 && reported < 0.5 * own, "the network's own {own:.2}, reported {reported:.2}");
}

#[test]
fn two_misses_a_second_are_too_many() {
    let mut engine =
        Engine::new(StreamFormat::new(48_000, 1), &Settings::default(), &Model::bypass()).unwrap();
    let (short, long, available) =
        (Duration::from_millis(1), Duration::from_millis(11), Duration::from_millis(10));
    for block in 0..300 {
        let spent = if block % 50 == 10 { long } else { short };
        engine.report_time(spent, available);
    }
    assert_eq!(engine.tier(), Tier::Dry, "two of them a second, of which one is forgotten");
}

#[test]
fn a_detector_hears_the_mean_of_the_channels() {
    let sound = signals::speechlike(48_000, 48_000, 2);
    let hear = |channels: usize| {
        let format = StreamFormat::new(48_000, channels);
        let mut detector = VoiceDetector::new(format, VadParams::HOLDING).unwrap();
        let wave: Vec<f32> = sound.iter().flat_map(|x| vec![*x; channels]).collect();
        let blocks = wave.chunks(480 * channels);
        blocks.map(|block| detector.process_interleaved_f32(block).unwrap()).collect::<Vec<_>>()
    };
    for (one, four) in hear(1).iter().zip(&hear(4)) {
        assert!((one.level_dbfs - four.level_dbfs).abs() < 1e-3, "{one:?} {four:?}");
        assert!((one.probability - four.probability).abs() < 1e-3, "{one:?} {four:?}");
    }
}

#[test]
fn what_is_quiet_does_not_become_digital_silence() {
    // A quiet room at -68 dBFS, of which the model would leave nothing.
    let room: Vec<f32> = signals::noise(48_000, 0.00069, 5);
    let run_with = |settings: &Settings, sound: &[f32]| {
        let model = Model::from_source(Gain(0.0));
        let mut engine = Engine::new(StreamFormat::new(48_000, 1), settings, &model).unwrap();
        let out = run(&mut engine, sound, &[480]);
        out[engine.latency()..][24_000..48_000].to_vec()
    };
    let left = level_db(&run_with(&Settings::default(), &room));
    assert!((left + 75.0).abs() < 0.5, "left at {left:.1} dBFS");
    assert_eq!(level_db(&run_with(&unlimited(), &room)).max(-200.0), -200.0, "no limit, no floor");
    let loud: Vec<f32> = room.iter().map(|x| x * 300.0).collect();
    let left = level_db(&loud[24_000..]) - level_db(&run_with(&Settings::default(), &loud));
    let limit = f64::from(Settings::DEFAULT_ATTENUATION_LIMIT_DB);
    assert!((left - limit).abs() < 0.5, "loud noise is turned down by the limit: {left:.1} dB");
}

#[test]
fn a_fault_says_so_in_the_report() {
    let model = Model::from_source(Gain(f32::NAN));
    let mut engine = Engine::new(StreamFormat::new(48_000, 1), &Settings::default(), &model).unwrap();
    let report = engine.process_interleaved_f32(&mut [0.5; 4800]).unwrap();
    assert_eq!(report.bypass, Some(Bypass::ModelFault));
}

#[test]
fn a_switch_in_noise_does_not_light_the_voice_flag() {
    let noises = [pink(48_000), signals::noise(48_000, 0.3, 5), signals::tone(48_000, 48_000, 200.0, 0.3)];
    for (noise, loudness) in noises.iter().flat_map(|noise| [0.03, 0.3, 1.0].map(|l| (noise, l))) {
        for from in Model::built_in() {
            for to in Model::built_in() {
                let settings = Settings::default().with_vad(VadParams::HOLDING);
                let format = StreamFormat::new(48_000, 1).with_fixed_block(480);
                let mut engine = Engine::new(format, &settings, &from).unwrap();
                // RNNoise itself takes the first half second of white noise for voice: with it only the fade counts.
                let watched = if to.info().name == "rnnoise" { 51..61 } else { 51..100 };
                let (mut voice, mut begun) = ([false; 100], false);
                for (at, block) in noise.chunks(480).enumerate() {
                    if at == 50 {
                        engine.controls().set_model(&to).unwrap();
                    }
                    let mut block: Vec<f32> = block.iter().map(|x| loudness * x).collect();
                    voice[at] = engine.process_interleaved_f32(&mut block).unwrap().voice;
                    begun |= watched.contains(&at) && voice[at] && !voice[at - 1];
                }
                assert!(!begun, "{} to {}, {loudness}", from.info().name, to.info().name);
            }
        }
    }
}
