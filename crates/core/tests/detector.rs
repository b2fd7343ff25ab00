//! Voice detection without denoising.
#![allow(clippy::unwrap_used)] // A test may.

use sourdine::{BlockError, StreamFormat, VadParams, VoiceDetector};
use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::signals;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn detector(rate: u32, channels: usize) -> VoiceDetector {
    VoiceDetector::new(StreamFormat::new(rate, channels), VadParams::HOLDING).unwrap()
}

/// Probability per 10 ms of voice-like syllables between 2 s and 4 s of 6 s of noise.
fn probabilities(rate: u32, noise: f32) -> (Vec<f32>, Vec<bool>) {
    let frame = rate as usize / 100;
    let voice = signals::speechlike(200 * frame, rate, 21);
    let mut mixture = signals::noise(600 * frame, noise, 22);
    for (x, v) in mixture[200 * frame..].iter_mut().zip(&voice) {
        *x += v;
    }
    let mut detector = detector(rate, 1);
    let p = mixture.chunks(frame).map(|f| detector.process_interleaved_f32(f).unwrap().probability).collect();
    let power = |f: &[f32]| f.iter().map(|x| x * x).sum::<f32>() / f.len() as f32;
    let is_voice = (0..600)
        .map(|k| (200..400).contains(&k) && power(&voice[(k - 200) * frame..(k - 199) * frame]) > 4e-4)
        .collect();
    (p, is_voice)
}

/// Area under the ROC curve: the chance that a voice frame is rated above a noise frame.
fn auc(p: &[f32], is_voice: &[bool]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (a, _) in p.iter().zip(is_voice).filter(|(_, v)| **v) {
        for (b, _) in p.iter().zip(is_voice).filter(|(_, v)| !**v) {
            wins += if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
            pairs += 1.0;
        }
    }
    wins / pairs
}

#[test]
fn tells_voice_from_noise_at_every_rate() {
    for rate in [8_000, 11_025, 16_000, 22_050, 44_056, 44_100, 48_000, 96_000, 192_000] {
        let (p, is_voice) = probabilities(rate, 0.01);
        let area = auc(&p, &is_voice);
        println!("{rate} Hz: area under the curve {area:.3}");
        assert!(area > 0.93, "{rate} Hz: area under the curve {area:.3}");
        let false_alarms = p[50..200].iter().filter(|p| **p > 0.6).count();
        assert!(false_alarms < 10, "{rate} Hz: {false_alarms} of 150 noise frames taken for voice");
    }
}

#[test]
fn a_fan_that_is_switched_on_is_noise_in_the_end() {
    let mut noise = signals::noise(48_000 * 2, 0.002, 1);
    noise.extend(signals::noise(48_000 * 6, 0.05, 2));
    let mut d = detector(48_000, 1);
    let p: Vec<f32> = noise.chunks(480).map(|f| d.process_interleaved_f32(f).unwrap().probability).collect();
    assert!(p[202..210].iter().any(|p| *p > 0.6), "it is noticed");
    let late = p[500..].iter().filter(|p| **p > 0.6).count();
    assert!(late < 15, "{late} of 300 frames three seconds later");
}

#[test]
fn silence_and_invalid_samples() {
    let mut d = detector(48_000, 2);
    let report = d.process_interleaved_f32(&vec![0.0; 96_000]).unwrap();
    assert!(!report.voice && report.probability == 0.0);
    d.process_interleaved_f32(&[f32::NAN; 960]).unwrap();
    d.process_interleaved_f32(&[f32::MAX; 960]).unwrap();
    let tail = d.process_interleaved_f32(&vec![0.0; 96_000]).unwrap();
    assert!(tail.probability == 0.0 && !tail.voice);
    assert_eq!(d.process_interleaved_f32(&[0.0; 3]), Err(BlockError::Ragged));
}

#[test]
fn blocks_and_scales_make_no_difference_and_nothing_is_allocated() {
    let ints: Vec<i16> =
        signals::speechlike(48_000, 48_000, 2).iter().map(|x| (x * 30_000.0) as i16).collect();
    let unit: Vec<f32> = ints.iter().map(|x| f32::from(*x) / 32_768.0).collect();
    let range: Vec<f32> = ints.iter().map(|x| f32::from(*x)).collect();
    let mut detectors: [VoiceDetector; 3] = std::array::from_fn(|_| detector(48_000, 1));
    let mut reports = Vec::with_capacity(20);
    let (calls, ()) = count(|| {
        for part in (0..ints.len()).step_by(2400).map(|start| start..start + 2400) {
            let [a, b, c] = &mut detectors;
            let whole = a.process_interleaved_f32(&unit[part.clone()]).unwrap();
            for block in ints[part.clone()].chunks(333) {
                b.process_interleaved_i16(block).unwrap();
            }
            for block in range[part].chunks(77) {
                c.process_interleaved_f32_in_i16_range(block).unwrap();
            }
            assert_eq!(b.process_interleaved_i16(&[]), Ok(whole));
            assert_eq!(c.process_interleaved_f32_in_i16_range(&[]), Ok(whole));
            reports.push(whole);
        }
    });
    assert_eq!(calls, 0);
    assert!(reports.iter().any(|report| report.voice) && reports.iter().any(|report| !report.voice));
    let [a, ..] = &mut detectors;
    a.process_interleaved_f32(&unit[..100]).unwrap();
    a.reset();
    for (part, report) in unit.chunks(2400).zip(&reports) {
        assert_eq!(a.process_interleaved_f32(part), Ok(*report), "reset equals new");
    }
}

#[test]
fn the_level_is_that_of_the_newest_frame_and_channels_are_averaged() {
    let (left, right) = (signals::noise(4800, 0.3, 5), signals::noise(4800, 0.1, 6));
    let both: Vec<f32> = left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]).collect();
    let mean: Vec<f32> = left.iter().zip(&right).map(|(l, r)| (l + r) / 2.0).collect();
    let (mut stereo, mut mono) = (detector(48_000, 2), detector(48_000, 1));
    for (both, mean) in both.chunks(960).zip(mean.chunks(480)) {
        let report = stereo.process_interleaved_f32(both).unwrap();
        assert_eq!(mono.process_interleaved_f32(mean), Ok(report));
        let level = 10.0 * (mean.iter().map(|x| x * x).sum::<f32>() / 480.0).log10();
        assert!((report.level_dbfs - level).abs() < 0.01, "{} dBFS, not {level}", report.level_dbfs);
    }
}

/// Log odds of voice every 70 ms, as this version gives them: a change of the detector changes them on purpose.
#[test]
fn probabilities_are_those_of_this_version() {
    let (p, _) = probabilities(48_000, 0.1);
    let log_odds = |p: &f32| (p / (1.0 - p)).ln().clamp(-8.0, 8.0);
    let found: Vec<f32> = p.iter().skip(1).step_by(7).map(log_odds).collect();
    println!("{found:.2?}");
    let wanted = [
        -8.00, -5.24, -5.42, -5.24, -5.46, -5.36, -5.03, -5.12, -5.45, -5.33, -5.44, -5.35, -5.52, -5.39,
        -5.40, -5.48, -5.50, -5.37, -5.44, -5.46, -5.48, -5.50, -5.36, -5.43, -5.53, -5.57, -5.37, -5.37,
        -5.42, -5.34, -5.39, -1.94, -0.85, -1.20, -5.54, -4.23, 0.10, 0.45, -5.84, -5.60, -0.02, -0.73,
        -2.85, -5.44, -5.59, -0.78, -0.67, -5.57, -5.49, -5.56, -5.47, -2.90, 0.67, -0.35, -5.67, -5.50,
        -5.43, -5.52, -5.60, -5.49, -5.37, -5.34, -5.46, -5.52, -5.47, -5.33, -5.33, -5.44, -5.51, -5.49,
        -5.44, -5.45, -5.27, -5.44, -5.51, -5.44, -5.46, -5.39, -5.52, -5.41, -5.50, -5.53, -5.47, -5.53,
        -5.49, -5.49,
    ];
    for (k, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert!((found - wanted).abs() < 0.02, "frame {}: {found}, not {wanted}", 1 + 7 * k);
    }
}
