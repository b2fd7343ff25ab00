//! Our own models on the project's samples, cleaned by the real binary without a limit: no size may become worse unseen.
//!
//! The measures need nothing but this program: SI-SDR, ESTOI and log-spectral distance by `sourdine compare`, and the
//! attenuation of pauses and of the voice from the manifest's spans. Bounds stand a little outside of what was measured
//! when the weights came in; new weights bring new bounds.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use common::manifest::{Sample, manifest, parts, read};
use common::{clean, samples, sourdine, stderr};
use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_testkit::metrics::{channel, level_db, si_sdr_db};
use sourdine_testkit::signals::Random;

/// Least gains against the noisy file (SI-SDR in dB, ESTOI), most log-spectral distance in dB, least attenuation of
/// pauses and most of the voice in dB.
struct Bounds {
    model: &'static str,
    file: &'static str,
    si_sdr_gain: f64,
    estoi_gain: f64,
    distance: f64,
    pauses: f64,
    voice: f64,
}

const fn bounds(model: &'static str, file: &'static str, numbers: [f64; 5]) -> Bounds {
    let [si_sdr_gain, estoi_gain, distance, pauses, voice] = numbers;
    Bounds { model, file, si_sdr_gain, estoi_gain, distance, pauses, voice }
}

const BOUNDS: [Bounds; 8] = [
    bounds("sourdine", "fan-hum-48k.wav", [4.2, 0.017, 2.3, 36.0, 1.2]),
    bounds("sourdine", "babble-16k.wav", [4.0, 0.075, 5.5, 15.0, 2.5]),
    bounds("sourdine", "phone-8k.wav", [2.0, -0.027, 4.2, 35.0, 0.4]),
    bounds("sourdine", "hiss-48k-24bit.wav", [3.2, -0.017, 1.4, 35.0, 0.3]),
    bounds("sourdine-lite", "fan-hum-48k.wav", [4.4, 0.019, 2.3, 35.0, 0.9]),
    bounds("sourdine-lite", "babble-16k.wav", [4.2, 0.083, 5.7, 16.0, 1.9]),
    bounds("sourdine-lite", "phone-8k.wav", [2.3, -0.020, 4.2, 34.0, 0.3]),
    bounds("sourdine-lite", "hiss-48k-24bit.wav", [3.2, -0.020, 1.4, 43.0, 0.4]),
];

/// The measures of a sample: the five numbers of [`Bounds`], in its order.
fn measured(sample: &Sample, model: &str) -> [f64; 5] {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.wav");
    let noisy = samples().join(sample.text("file"));
    let reference = samples().join(sample.text("reference"));
    let options = ["-o", out.to_str().unwrap(), "--model", model, "--attenuation-limit", "off"];
    let run = clean(&noisy, &options);
    assert!(run.status.success(), "{}", stderr(&run));
    let run = sourdine(&["compare", "--json"]).args([&reference, &noisy, &out]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let of = |when: &str, what: &str| json[when][what].as_f64().unwrap();
    let gain = |what| of("after", what) - of("before", what);
    let (before, after, clean) = (read(&noisy).1, read(&out).1, read(&reference).1);
    let pauses = sample.spans("pauses");
    let attenuation = level_db(&parts(&before, &pauses)) - level_db(&parts(&after, &pauses));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let spoken = sample.spans("speech");
    let (voice, kept) = (parts(&clean, &spoken), parts(&after, &spoken));
    let loss = 20.0 * (sample.numbers("gains")[0] * dot(&voice, &voice) / dot(&kept, &voice)).log10();
    [gain("si_sdr_db"), gain("estoi"), of("after", "log_spectral_distance_db"), attenuation, loss]
}

#[test]
fn neither_size_becomes_worse() {
    let all = manifest();
    for b in BOUNDS {
        let sample = all.iter().find(|sample| sample.text("file") == b.file).unwrap();
        let got = measured(sample, b.model);
        println!("    bounds({:?}, {:?}, {got:.3?}),", b.model, b.file);
        let [si_sdr_gain, estoi_gain, distance, pauses, voice] = got;
        let least = [(si_sdr_gain, b.si_sdr_gain), (estoi_gain, b.estoi_gain), (pauses, b.pauses)];
        let most = [(distance, b.distance), (voice, b.voice)];
        assert!(least.iter().all(|(x, bound)| x >= bound), "{} on {}: {got:.3?}", b.model, b.file);
        assert!(most.iter().all(|(x, bound)| x <= bound), "{} on {}: {got:.3?}", b.model, b.file);
    }
}

#[test]
fn speech_without_noise_is_left_alone() {
    let sample = manifest().into_iter().find(|s| s.text("file") == "near-clean-48k.wav").unwrap();
    let (_, before) = read(&samples().join(sample.text("file")));
    for model in ["sourdine", "sourdine-lite"] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.wav");
        let run =
            clean(&samples().join(sample.text("file")), &["-o", out.to_str().unwrap(), "--model", model]);
        assert!(run.status.success(), "{}", stderr(&run));
        let spoken = sample.spans("speech");
        let [before, after] = [&before, &read(&out).1].map(|x| parts(x, &spoken));
        let error: Vec<f32> = before.iter().zip(&after).map(|(a, b)| a - b).collect();
        let ratio = level_db(&before) - level_db(&error);
        println!("{model}: {ratio:.1} dB");
        assert!(ratio > 15.0, "{model} changed speech without noise: {ratio:.1} dB");
    }
}

/// Both sizes, each with what it may lose or cost in dB (the first tests below) and by how much a fan is turned down 50 and
/// 100 ms after a cold start.
struct Ours {
    model: fn() -> Model,
    quiet_voice: f64,
    offset: f64,
    whisper: f64,
    cold_start: [f64; 2],
    noise_as_voice: f64,
}

const OURS: [Ours; 2] = [
    Ours {
        model: Model::sourdine,
        quiet_voice: 1.0,
        offset: 0.5,
        whisper: 6.0,
        cold_start: [15.0, 20.0],
        noise_as_voice: 0.03,
    },
    Ours {
        model: Model::sourdine_lite,
        quiet_voice: 3.0,
        offset: 0.5,
        whisper: 6.0,
        cold_start: [13.0, 20.0],
        noise_as_voice: 0.03,
    },
];

/// Mono sound through a model without a limit, aligned; with the voice decision of every 10 ms.
fn denoised(model: &Model, rate: u32, sound: &[f32]) -> (Vec<f32>, Vec<bool>) {
    let settings = Settings::default().with_attenuation_limit_db(f32::INFINITY);
    let step = rate as usize / 100;
    let format = StreamFormat::new(rate, 1).with_fixed_block(step);
    let mut engine = Engine::new(format, &settings, model).unwrap();
    let mut out = sound[..sound.len() / step * step].to_vec();
    let voice =
        out.chunks_exact_mut(step).map(|b| engine.process_interleaved_f32(b).unwrap().voice).collect();
    let mut tail = vec![0.0; engine.latency()];
    engine.finish_interleaved_f32(&mut tail);
    out.extend(tail);
    (out.split_off(engine.latency()), voice)
}

/// A sample's rate, its reference and its noise alone, of the first channel.
fn taken_apart(file: &str) -> (u32, Vec<f32>, Vec<f32>) {
    let sample = manifest().into_iter().find(|sample| sample.text("file") == file).unwrap();
    let (_, voice) = read(&samples().join(sample.text("reference")));
    let noisy = channel(&read(&samples().join(file)).1, sample.whole("channels") as usize, 0);
    let gain = sample.numbers("gains")[0] as f32;
    let noise = noisy.iter().zip(&voice).map(|(x, v)| x - gain * v).collect();
    (sample.whole("rate") as u32, voice, noise)
}

fn scaled(sound: &[f32], by_db: f64) -> Vec<f32> {
    sound.iter().map(|x| x * 10_f32.powf(by_db as f32 / 20.0)).collect()
}

/// By how many dB a voice is weaker in what came out.
fn lost_db(voice: &[f32], out: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    20.0 * (dot(voice, voice) / dot(out, voice)).log10()
}

#[test]
fn a_voice_76_db_below_full_scale_is_kept() {
    let (rate, voice, _) = taken_apart("fan-hum-48k.wav");
    let voice = scaled(&voice, -76.0 - level_db(&voice));
    for ours in OURS {
        let model = (ours.model)();
        let lost = lost_db(&voice, &denoised(&model, rate, &voice).0);
        println!("{model:?}: {lost:.2} dB");
        assert!(lost < ours.quiet_voice, "{model:?} loses {lost:.2} dB");
    }
}

#[test]
fn an_offset_costs_little() {
    let (rate, voice, noise) = taken_apart("fan-hum-48k.wav");
    for ours in OURS {
        let model = (ours.model)();
        let quality = |offset: f32| {
            let sound: Vec<f32> = voice.iter().zip(&noise).map(|(v, n)| v + n + offset).collect();
            let out = denoised(&model, rate, &sound).0;
            let mean = out.iter().sum::<f32>() / out.len() as f32;
            si_sdr_db(&voice[..out.len()], &out.iter().map(|x| x - mean).collect::<Vec<_>>())
        };
        let cost = quality(0.0) - quality(0.1);
        println!("{model:?}: {cost:.2} dB");
        assert!(cost < ours.offset, "an offset of 10 % costs {model:?} {cost:.2} dB");
    }
}

#[test]
fn a_fan_is_turned_down_soon_after_a_cold_start() {
    let (rate, _, noise) = taken_apart("fan-hum-48k.wav");
    for ours in OURS {
        let model = (ours.model)();
        let mut least = [f64::INFINITY; 2];
        for start in (0..4).map(|second| second * rate as usize) {
            let noise = &noise[start..start + rate as usize];
            let out = denoised(&model, rate, noise).0;
            for (least, ms) in least.iter_mut().zip([50..100, 100..300]) {
                let span = ms.start * rate as usize / 1000..ms.end * rate as usize / 1000;
                *least = least.min(level_db(&noise[span.clone()]) - level_db(&out[span]));
            }
        }
        println!("{model:?}: {least:.1?} dB");
        assert!(
            least[0] >= ours.cold_start[0] && least[1] >= ours.cold_start[1],
            "{model:?}: {least:.1?} dB"
        );
    }
}

#[test]
fn noise_alone_is_not_taken_for_voice() {
    for ours in OURS {
        let model = (ours.model)();
        for file in ["fan-hum-48k.wav", "keyboard-stereo-44k1.wav", "phone-8k.wav", "hiss-48k-24bit.wav"] {
            let (rate, _, noise) = taken_apart(file);
            let voice = denoised(&model, rate, &noise).1;
            let share = voice.iter().filter(|on| **on).count() as f64 / voice.len() as f64;
            println!(
                "{model:?}, {file}: {:.1} %, at the start {}",
                100.0 * share,
                voice[..50].contains(&true)
            );
            assert!(share <= ours.noise_as_voice, "{model:?}, {file}: {share:.3}");
        }
    }
}

#[test]
fn a_whisper_is_kept() {
    let (rate, voice, _) = taken_apart("fan-hum-48k.wav");
    let whisper = whispered(&voice);
    let whisper = scaled(&whisper, -30.0 - level_db(&whisper));
    for ours in OURS {
        let model = (ours.model)();
        let out = denoised(&model, rate, &whisper).0;
        let lost = level_db(&whisper) - level_db(&out);
        println!("{model:?}: {lost:.2} dB");
        assert!(lost < ours.whisper, "{model:?} loses {lost:.2} dB of a whisper");
    }
}

/// Noise through the voice's own linear predictor (autocorrelation method, 48 coefficients, frames of 20 ms), its lowest
/// end taken away: speech without a voice source.
fn whispered(voice: &[f32]) -> Vec<f32> {
    const ORDER: usize = 48;
    const FRAME: usize = 960;
    let mut random = Random::new(5);
    let mut out = vec![0.0_f32; voice.len() / FRAME * FRAME];
    for (index, frame) in voice.chunks_exact(FRAME).enumerate() {
        let windowed: Vec<f64> = frame
            .iter()
            .enumerate()
            .map(|(i, x)| f64::from(*x) * (std::f64::consts::PI * (i as f64 + 0.5) / FRAME as f64).sin())
            .collect();
        let mut correlation: Vec<f64> =
            (0..=ORDER).map(|lag| windowed[lag..].iter().zip(&windowed).map(|(a, b)| a * b).sum()).collect();
        correlation[0] = correlation[0] * 1.0001 + 1e-12;
        let (mut predictor, mut error) = (vec![0.0; ORDER], correlation[0]);
        for i in 0..ORDER {
            let sum: f64 = (0..i).map(|j| predictor[j] * correlation[i - j]).sum();
            let reflection = (correlation[i + 1] - sum) / error;
            let before = predictor.clone();
            predictor[i] = reflection;
            for j in 0..i {
                predictor[j] = before[j] - reflection * before[i - 1 - j];
            }
            error *= 1.0 - reflection * reflection;
        }
        let gain = (error / FRAME as f64).sqrt();
        for at in index * FRAME..(index + 1) * FRAME {
            let past: f64 = predictor
                .iter()
                .enumerate()
                .filter(|(j, _)| *j < at)
                .map(|(j, p)| p * f64::from(out[at - 1 - j]))
                .sum();
            out[at] = (gain * f64::from(random.unit()) * 1.7 + past) as f32;
        }
    }
    // A first difference: 6 dB an octave up, as breath is.
    (1..out.len()).map(|i| out[i] - 0.9 * out[i - 1]).collect()
}
