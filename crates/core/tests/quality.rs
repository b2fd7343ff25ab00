//! What goes through the engine is what the model gave, no more and no less.
#![allow(clippy::unwrap_used)] // A test may.

use nnnoiseless::DenoiseState;
use sourdine::{Block, Channels, Engine, Model, Settings, StreamFormat};
use sourdine_testkit::conformance::{Case, run};
use sourdine_testkit::metrics::{channel, difference_db, level_db, si_sdr_db};
use sourdine_testkit::models::deaf_model;
use sourdine_testkit::signals;

/// Speech-like voice in noise at 48 kHz, mono: the voice and the mixture.
fn mixture(seconds: usize) -> (Vec<f32>, Vec<f32>) {
    let voice = signals::speechlike(48_000 * seconds, 48_000, 11);
    let noise = signals::noise(voice.len(), 0.02, 12);
    let noisy = voice.iter().zip(noise).map(|(v, n)| v + n).collect();
    (voice, noisy)
}

fn plain_nnnoiseless(input: &[f32]) -> Vec<f32> {
    let mut state = DenoiseState::new();
    let mut out = vec![0.0; input.len()];
    for (i, o) in input.chunks_exact(480).zip(out.chunks_exact_mut(480)) {
        let scaled: Vec<f32> = i.iter().map(|x| x * 32_768.0).collect();
        state.process_frame(o, &scaled);
        o.iter_mut().for_each(|x| *x /= 32_768.0);
    }
    out
}

fn engine_output(rate: u32, input: &[f32], settings: &Settings, channels: usize) -> Vec<f32> {
    let format = StreamFormat::new(rate, channels);
    let mut engine = Engine::new(format, settings, &Model::rnnoise()).unwrap();
    let out = run(&mut engine, input, &[rate as usize / 100]);
    out[engine.latency() * channels..].to_vec()
}

fn unlimited() -> Settings {
    Settings::default().with_attenuation_limit_db(f32::INFINITY)
}

#[test]
fn at_48_khz_the_engine_equals_plain_nnnoiseless() {
    let (_, noisy) = mixture(4);
    let plain = plain_nnnoiseless(&noisy);
    let ours = engine_output(48_000, &noisy, &unlimited(), 1);
    // Plain output is 480 samples late; ours is aligned.
    let n = noisy.len() - 480;
    let error = difference_db(&plain[480..], &ours[..n]);
    assert!(error < -90.0, "{error:.1} dB");
}

#[test]
fn other_rates_cost_less_than_a_tenth_of_a_decibel() {
    // The way up delays by half a resampler block (see `stages/resample.rs`), so the model cuts its frames
    // elsewhere, and its gains differ a little for that alone. The 48 kHz run is given the same cut.
    for (rate, up, down, cut) in [(44_100_u32, 147, 160, 79), (16_000, 1, 3, 240)] {
        // The same sound at both rates: made band-limited at 48 kHz, brought to the other rate by a long sinc.
        let (voice, noisy) = mixture(4);
        let (voice, noisy) = (
            low_pass(&voice, 0.8 * f64::from(rate) / 48_000.0),
            low_pass(&noisy, 0.8 * f64::from(rate) / 48_000.0),
        );
        let at_rate = |x: &[f32]| convert(x, up, down);
        let reference = at_rate(&voice);
        let delayed = [&vec![0.0; cut], &noisy[..]].concat();
        let at_48 = at_rate(&engine_output(48_000, &delayed, &unlimited(), 1)[cut..]);
        let here = engine_output(rate, &at_rate(&noisy), &unlimited(), 1);
        let n = reference.len().min(at_48.len()).min(here.len());
        let (best, got) = (si_sdr_db(&reference[..n], &at_48[..n]), si_sdr_db(&reference[..n], &here[..n]));
        println!("{rate} Hz: SI-SDR {got:.2} dB, by way of 48 kHz {best:.2} dB");
        assert!(best > 5.0, "the test's signal is denoised at all: {best:.2} dB");
        assert!(got > best - 0.1, "{rate} Hz: {got:.2} dB against {best:.2} dB");
    }
}

/// Windowed-sinc low-pass at `cut` of the Nyquist frequency.
fn low_pass(x: &[f32], cut: f64) -> Vec<f32> {
    sinc_at(x, cut, x.len(), |i| i as f64)
}

/// Rational rate change by a 128-tap windowed sinc: slow and independent of the engine's resampler.
fn convert(x: &[f32], up: usize, down: usize) -> Vec<f32> {
    let cut = (up as f64 / down as f64).min(1.0) * 0.95;
    sinc_at(x, cut, x.len() * up / down, |i| (i * down) as f64 / up as f64)
}

fn sinc_at(x: &[f32], cut: f64, len: usize, position: impl Fn(usize) -> f64) -> Vec<f32> {
    const HALF: isize = 64;
    (0..len)
        .map(|i| {
            let at = position(i);
            let centre = at.floor() as isize;
            let mut sum = 0.0;
            for k in centre - HALF + 1..=centre + HALF {
                let t = at - k as f64;
                let window = 0.5 + 0.5 * (std::f64::consts::PI * t / HALF as f64).cos();
                let argument = std::f64::consts::PI * cut * t;
                let sinc = if argument.abs() < 1e-9 { 1.0 } else { argument.sin() / argument };
                let sample = usize::try_from(k).ok().and_then(|k| x.get(k)).copied().unwrap_or(0.0);
                sum += cut * sinc * window * f64::from(sample);
            }
            sum as f32
        })
        .collect()
}

#[test]
fn what_is_kept_and_what_is_removed_add_up_to_the_input() {
    let (_, noisy) = mixture(2);
    for rate in [48_000, 44_100] {
        for limit in [6.0, 24.0, f32::INFINITY] {
            let settings = Settings::default().with_attenuation_limit_db(limit).with_gate(true);
            let kept = engine_output(rate, &noisy, &settings, 1);
            let removed = engine_output(rate, &noisy, &settings.with_residue(true), 1);
            let sum: Vec<f32> = kept.iter().zip(&removed).map(|(a, b)| a + b).collect();
            let error = difference_db(&noisy, &sum);
            assert!(error < -120.0, "{rate} Hz, limit {limit}: {error:.1} dB");
        }
    }
}

#[test]
fn the_attenuation_limit_is_the_most_that_anything_is_turned_down() {
    let noise = signals::noise(44_100, 0.1, 5);
    for limit in [0.0, 6.0, 12.0, 24.0, 60.0] {
        let settings = Settings::default().with_attenuation_limit_db(limit);
        let mut engine = Engine::new(StreamFormat::new(44_100, 1), &settings, &deaf_model()).unwrap();
        let out = run(&mut engine, &noise, &[512]);
        let attenuation = level_db(&noise) - level_db(&out[engine.latency()..]);
        assert!((attenuation - f64::from(limit)).abs() < 0.01, "limit {limit}: {attenuation:.3} dB");
        let reported = engine.report().attenuation_db();
        assert!((reported - limit).abs() < 0.1, "limit {limit}: reported {reported}");
    }
}

#[test]
fn a_panned_voice_stays_where_it_was() {
    let voice = signals::speechlike(48_000 * 4, 48_000, 3);
    let (left, right) = (0.9_f32, 0.35_f32);
    let stereo: Vec<f32> = voice.iter().flat_map(|v| [v * left, v * right]).collect();
    for rate in [48_000, 44_100] {
        let out = engine_output(rate, &stereo, &unlimited(), 2);
        let (l, r) = (channel(&out, 2, 0), channel(&out, 2, 1));
        let difference = level_db(&l) - level_db(&r);
        let wanted = 20.0 * f64::from(left / right).log10();
        assert!((difference - wanted).abs() < 0.1, "{rate} Hz: {difference:.3} dB, was {wanted:.3} dB");
    }
}

#[test]
fn linked_channels_sound_as_one_would() {
    let (voice, noisy) = mixture(4);
    let mono = engine_output(48_000, &noisy, &unlimited(), 1);
    let double: Vec<f32> = noisy.iter().flat_map(|x| [*x, *x]).collect();
    let linked = channel(&engine_output(48_000, &double, &unlimited(), 2), 2, 0);
    let (one, two) = (si_sdr_db(&voice, &mono), si_sdr_db(&voice, &linked));
    println!("SI-SDR mono {one:.2} dB, linked {two:.2} dB, noisy {:.2} dB", si_sdr_db(&voice, &noisy));
    assert!(two > one - 0.5, "mono {one:.2} dB, linked {two:.2} dB");
}

#[test]
fn opposite_polarity_does_not_silence_a_voice() {
    // Two microphones wired against each other: their mean is nearly nothing.
    let (_, noisy) = mixture(3);
    let stereo: Vec<f32> = noisy.iter().flat_map(|x| [*x, -0.99 * x]).collect();
    let out = engine_output(48_000, &stereo, &Settings::default(), 2);
    let kept = level_db(&channel(&out, 2, 0)) - level_db(&noisy);
    assert!(kept > -6.0, "{kept:.1} dB");
}

#[test]
fn loud_input_stays_within_full_scale() {
    // RNNoise makes this square wave 47 % larger than full scale.
    let square: Vec<f32> = (0..48_000).map(|i| if i / 160 % 2 == 0 { 1.0 } else { -1.0 }).collect();
    for channels in [1, 2] {
        let wave: Vec<f32> = square.iter().flat_map(|x| vec![*x; channels]).collect();
        for mode in [Channels::Linked, Channels::Separate] {
            let out =
                engine_output(48_000, &wave, &unlimited().with_channels(mode).with_ceiling(true), channels);
            let peak = out.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
            assert!(peak <= 1.0 && peak > 0.5, "{channels} channels {mode:?}: peak {peak}");
        }
    }
}

#[test]
fn above_the_models_band_the_attenuation_limit_holds() {
    // RNNoise's bands end at 20 kHz: what is above leaves with −limit dB, not without a trace.
    let (_, voice) = mixture(2);
    let tone = signals::tone(96_000, 48_000, 21_500.0, 0.1);
    let both: Vec<f32> = voice.iter().zip(&tone).map(|(v, t)| v + t).collect();
    let settings = Settings::default().with_attenuation_limit_db(12.0);
    let out = engine_output(48_000, &both, &settings, 1);
    let of_tone = |x: &[f32]| {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, x) in x.iter().enumerate() {
            let phase = std::f64::consts::TAU * 21_500.0 * i as f64 / 48_000.0;
            re += f64::from(*x) * phase.cos();
            im += f64::from(*x) * phase.sin();
        }
        20.0 * (re.hypot(im) / x.len() as f64).log10()
    };
    let change = of_tone(&out[24_000..]) - of_tone(&both[24_000..]);
    assert!((-12.5..-9.0).contains(&change), "{change:.1} dB");
}

#[test]
fn i16_and_its_float_range_are_the_same_engine() {
    let (_, noisy) = mixture(1);
    let ints: Vec<i16> = noisy.iter().map(|x| (x * 32_768.0).round_ties_even() as i16).collect();
    let unit: Vec<f32> = ints.iter().map(|x| f32::from(*x) / 32_768.0).collect();
    let case = Case::new(48_000, 1, Block::Fixed(480), Channels::Linked, &Model::rnnoise());
    let (mut a, mut b, mut c) =
        (unit.clone(), ints.clone(), ints.iter().map(|x| f32::from(*x)).collect::<Vec<_>>());
    let (mut e, mut f, mut g) = (case.engine(), case.engine(), case.engine());
    for k in 0..unit.len() / 480 {
        let at = 480 * k..480 * (k + 1);
        e.process_interleaved_f32(&mut a[at.clone()]).unwrap();
        f.process_interleaved_i16(&mut b[at.clone()]).unwrap();
        g.process_interleaved_f32_in_i16_range(&mut c[at]).unwrap();
    }
    assert!(a.iter().zip(&c).all(|(a, c)| a * 32_768.0 == *c));
    assert!(b.iter().zip(&c).all(|(b, c)| f32::from(*b) == c.round_ties_even()));
    assert!(level_db(&a) > -60.0, "something came out");
}

#[test]
fn planar_and_interleaved_into_and_in_place_agree() {
    let case = Case::new(44_100, 2, Block::Varying, Channels::Linked, &Model::rnnoise());
    let input = case.input(200);
    let (l, r) = (channel(&input, 2, 0), channel(&input, 2, 1));
    let mut in_place = input.clone();
    case.engine().process_interleaved_f32(&mut in_place).unwrap();
    let mut into = vec![0.0; input.len()];
    case.engine().process_interleaved_f32_into(&input, &mut into).unwrap();
    let (mut pl, mut pr) = (l.clone(), r.clone());
    case.engine().process_planar_f32(&mut [&mut pl, &mut pr]).unwrap();
    let (mut ql, mut qr) = (vec![0.0; l.len()], vec![0.0; r.len()]);
    case.engine().process_planar_f32_into(&[&l, &r], &mut [&mut ql, &mut qr]).unwrap();
    assert!(in_place == into);
    assert!(channel(&into, 2, 0) == pl && channel(&into, 2, 1) == pr);
    assert!(pl == ql && pr == qr);
}

#[test]
fn every_form_of_finish_gives_the_same_frames() {
    let case = Case::new(44_100, 2, Block::Varying, Channels::Linked, &Model::sourdine());
    let input = case.input(200);
    let heard = || {
        let mut engine = case.engine();
        engine.process_interleaved_f32(&mut input.clone()).unwrap();
        engine
    };
    let late = heard().latency();
    let mut flat = vec![0.0; 2 * late + 2];
    assert_eq!(heard().finish_interleaved_f32(&mut flat), late);
    assert!(level_db(&flat) > -60.0, "something is left inside");
    let (left, right) = (channel(&flat, 2, 0), channel(&flat, 2, 1));

    // In pieces, as the host's blocks come.
    let (mut engine, mut l, mut r) = (heard(), vec![0.0; late + 1], vec![0.0; late + 1]);
    let mut done = 0;
    while done < late {
        let end = (done + 333).min(late);
        let mut views = [&mut l[done..end], &mut r[done..end]];
        done += engine.finish_planar_f32(&mut views).unwrap();
    }
    assert!(l == left && r == right);
    assert_eq!(engine.finish_planar_f32(&mut [&mut [0.0; 9], &mut [0.0; 9]]), Ok(0));
    assert!(engine.finish_planar_f32(&mut [&mut [0.0; 9]]).is_err());
    assert!(engine.process_interleaved_f32(&mut [0.0; 4]).is_err(), "only reset starts it again");

    let mut range = vec![0.0; 2 * late];
    assert_eq!(heard().finish_interleaved_f32_in_i16_range(&mut range), late);
    assert!(range.iter().zip(&flat).all(|(a, b)| *a == b * 32_768.0));
    let mut ints = vec![0_i16; 2 * late];
    assert_eq!(heard().finish_interleaved_i16(&mut ints), late);
    assert!(ints.iter().zip(&flat).all(|(a, b)| (f32::from(*a) - b * 32_768.0).abs() <= 0.5));
}
