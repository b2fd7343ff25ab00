//! Our own model: its contract with the engine, its channels, its silence, and its loader's refusals.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // A test may.

use sourdine::{Channels, Engine, Model, ModelError, Settings, StreamFormat};
use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::conformance::check_stream;
use sourdine_testkit::metrics;
use sourdine_testkit::signals::{self, Random};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const WEIGHTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sourdine.safetensors"));

fn model() -> Model {
    Model::from_bytes("own", WEIGHTS).unwrap()
}

fn conforms(rate: u32) {
    check_stream(&model(), rate, 1, Channels::Linked);
    check_stream(&model(), rate, 2, Channels::Linked);
    check_stream(&model(), rate, 2, Channels::Separate);
}

#[test]
fn conforms_at_48_khz() {
    conforms(48_000);
}

#[test]
fn conforms_at_44_1_khz() {
    conforms(44_100);
}

#[test]
fn conforms_at_16_khz() {
    conforms(16_000);
}

#[test]
fn conforms_at_11_025_khz() {
    conforms(11_025);
}

#[test]
fn says_what_it_is() {
    let info = model().info();
    assert_eq!((info.name.as_str(), info.latency), ("own", (480, 480)));
    let built_in = Model::by_name("sourdine").unwrap().info();
    assert!(Model::built_in().iter().any(|m| m.info() == built_in));
    assert_eq!(built_in, sourdine::ModelInfo { name: "sourdine".into(), ..info.clone() });
    assert_eq!(info.licence, "MIT OR Apache-2.0");
    assert!((750_000..=760_000).contains(&info.bytes.0), "{info:?}");
    assert!(info.bytes.1 <= 80 * 1024, "{info:?}");
    assert!((885_000..=895_000).contains(&info.multiplications), "{info:?}");
}

#[test]
fn two_threads_give_the_same_bits_later() {
    let (model, on_two) = (model(), model().on_two_threads().unwrap());
    let later = on_two.info().latency.0 - model.info().latency.0;
    assert!(Model::rnnoise().on_two_threads().is_none());
    let settings = |channels| Settings { channels, ..Settings::default() };
    for (rate, channels, mode) in
        [(48_000, 1, Channels::Linked), (44_100, 3, Channels::Linked), (16_000, 2, Channels::Separate)]
    {
        let n = 3 * rate as usize * channels;
        let mut sound = signals::noise(n, 0.1, 21);
        sound[n / 3..n * 2 / 3].fill(0.0); // Long enough for the network to rest.
        let format = StreamFormat::new(rate, channels);
        let [mut one, mut two] = [&model, &on_two].map(|m| Engine::new(format, &settings(mode), m).unwrap());
        let shift = later * rate as usize / 48_000;
        assert_eq!(two.latency(), one.latency() + shift);
        for _ in 0..2 {
            let [mut expected, mut got] = [sound.clone(), sound.clone()];
            one.process_interleaved_f32(&mut expected).unwrap();
            two.process_interleaved_f32(&mut got).unwrap();
            assert_eq!(got[shift * channels..], expected[..n - shift * channels], "{rate} Hz");
            assert!(got[..shift * channels].iter().all(|x| *x == 0.0));
            one.reset();
            two.reset();
        }
    }
}

#[test]
fn no_allocation_from_the_first_call_on_a_fresh_thread() {
    for (channels, mode) in [(1, Channels::Linked), (3, Channels::Linked), (2, Channels::Separate)] {
        let mut denoiser = model().denoiser(channels, mode);
        let mut audio = signals::noise(480 * channels * 100, 0.3, 1);
        audio[480 * channels * 20..480 * channels * 90].fill(0.0);
        let calls = std::thread::spawn(move || {
            let (calls, ()) = count(|| {
                for frame in audio.chunks_exact_mut(480 * channels) {
                    denoiser.process(frame);
                }
                denoiser.reset();
                assert!(denoiser.recover());
            });
            calls
        });
        assert_eq!(calls.join().unwrap(), 0, "{channels} channels, {mode:?}");
    }
    for rate in [48_000, 44_100] {
        let format = StreamFormat::new(rate, 2);
        let mut engine = Engine::new(format, &Settings::default(), &model()).unwrap();
        let mut audio = signals::noise(rate as usize, 0.3, 1);
        let calls = std::thread::spawn(move || {
            let (calls, ()) = count(|| {
                for block in audio.chunks_mut(2 * 333) {
                    engine.process_interleaved_f32(block).unwrap();
                }
            });
            calls
        });
        assert_eq!(calls.join().unwrap(), 0, "{rate} Hz");
    }
}

/// Denoises planar channels frame by frame; the channels and the voice probabilities.
fn denoise(channels: &[Vec<f32>], mode: Channels) -> (Vec<Vec<f32>>, Vec<f32>) {
    let mut denoiser = model().denoiser(channels.len(), mode);
    let (mut out, mut voice) = (vec![Vec::new(); channels.len()], Vec::new());
    for t in 0..channels[0].len() / 480 {
        let mut frame: Vec<f32> =
            channels.iter().flat_map(|c| c[480 * t..480 * (t + 1)].iter().copied()).collect();
        voice.push(denoiser.process(&mut frame));
        for (o, f) in out.iter_mut().zip(frame.chunks_exact(480)) {
            o.extend_from_slice(f);
        }
    }
    (out, voice)
}

#[test]
fn a_panned_voice_stays_where_it_is() {
    let voice = signals::speechlike(48_000, 48_000, 3);
    for right in [0.1, 0.5, -0.7, -1.0] {
        let panned = [voice.clone(), voice.iter().map(|x| x * right as f32).collect()];
        let (out, _) = denoise(&panned, Channels::Linked);
        let difference = metrics::level_db(&out[1]) - metrics::level_db(&out[0]);
        let expected = 20.0 * f64::abs(right).log10();
        assert!((difference - expected).abs() < 0.1, "{right}: {difference} dB, {expected} expected");
        // The opposite polarity does not cancel what the network hears.
        assert!(metrics::level_db(&out[0]) > metrics::level_db(&voice) - 20.0, "{right}");
    }
}

#[test]
fn equal_channels_under_one_mask_and_channels_apart_are_each_as_mono() {
    let mut sound = signals::speechlike(48_000, 48_000, 4);
    sound.iter_mut().zip(signals::noise(48_000, 0.02, 5)).for_each(|(s, n)| *s += n);
    let other = signals::noise(48_000, 0.1, 6);
    let (mono, voice) = denoise(std::slice::from_ref(&sound), Channels::Linked);
    let (linked, linked_voice) = denoise(&[sound.clone(), sound.clone()], Channels::Linked);
    assert!(linked == [mono[0].clone(), mono[0].clone()] && linked_voice == voice);
    let (other_mono, other_voice) = denoise(std::slice::from_ref(&other), Channels::Separate);
    let (apart, most) = denoise(&[sound, other], Channels::Separate);
    assert!(apart == [mono[0].clone(), other_mono[0].clone()]);
    let expected: Vec<f32> = voice.iter().zip(&other_voice).map(|(a, b)| a.max(*b)).collect();
    assert_eq!(most, expected);
}

#[test]
fn rests_in_digital_silence_and_wakes() {
    let voice = signals::noise(24_000, 0.1, 4);
    let mut sound = voice.clone();
    sound.resize(24_000 + 96_000, 0.0);
    sound.extend(&voice);
    let (out, probability) = denoise(&[sound], Channels::Linked);
    assert!(out[0][25_920..120_000].iter().all(|x| *x == 0.0));
    assert!(probability[50..100].iter().all(|p| *p > 0.0), "listens for half a second");
    assert!(probability[100..250].iter().all(|p| *p == 0.0), "then rests");
    assert!(probability[250] > 0.0 && out[0][120_480..].iter().any(|x| *x != 0.0), "and wakes");
}

#[test]
fn recovers_from_what_is_not_a_number() {
    let voice = signals::speechlike(9_600, 48_000, 4);
    let run = |denoiser: &mut dyn sourdine::FrameDenoiser| {
        let mut out = voice.clone();
        out.chunks_exact_mut(480).for_each(|frame| {
            denoiser.process(frame);
        });
        out
    };
    let mut denoiser = model().denoiser(1, Channels::Linked);
    let expected = run(&mut *denoiser);
    let mut bad = [f32::NAN; 480];
    denoiser.process(&mut bad);
    let mut frame = [0.1; 480];
    let probability = denoiser.process(&mut frame);
    assert!(probability.is_nan() && frame.iter().all(|x| x.is_nan()), "seen by the engine, not hidden");
    assert!(denoiser.recover());
    assert!(run(&mut *denoiser) == expected);
}

/// A tensor to be written: name, type, sides, bytes.
type Entry = (String, &'static str, Vec<usize>, Vec<u8>);

/// A file of the smallest network, as it is or changed.
struct File {
    metadata: Vec<(&'static str, String)>,
    tensors: Vec<Entry>,
}

impl File {
    fn small() -> Self {
        let bands: Vec<String> =
            (0..=96).chain((1..=40).map(|i| 96 + i * 673 / 40)).map(|e| e.to_string()).collect();
        let metadata = [
            ("format", "sourdine-5"),
            ("hop", "480"),
            ("window", "1536"),
            ("phases", "48"),
            ("longest_period", "768"),
            ("units", "16"),
            ("sent", "8"),
            ("bands", &bands.join(",")),
            ("hidden", "16"),
            ("layers", "2"),
            ("feature_floor", "1e-10"),
            ("leaky_slope", "0.1"),
            ("sharpness", "0.5"),
            ("comb", "0.5"),
            ("licence", "MIT"),
            ("hours", "0"),
        ];
        let mut random = Random::new(9);
        let mut tensors: Vec<Entry> = Vec::new();
        let mut floats = |tensors: &mut Vec<Entry>, name: &str, sides: &[usize]| {
            let n = sides.iter().product();
            let bytes = (0..n).flat_map(|_| (0.01 * random.unit()).to_le_bytes()).collect();
            tensors.push((name.into(), "F32", sides.into(), bytes));
        };
        floats(&mut tensors, "feat_mean", &[136]);
        floats(&mut tensors, "feat_rstd", &[136]);
        let limits = [0.6_f32; 136].iter().flat_map(|x| x.to_le_bytes()).collect();
        tensors.push(("decay_limit".into(), "F32", vec![136], limits));
        let each = ["group_in", "group_out", "gru1", "gru2"];
        let grus = each.iter().flat_map(|gru| ["ih", "hh"].map(|part| (format!("{gru}_{part}"), 3, 16, 0)));
        let others = [
            ("gather", 1, 544, 0),
            ("spread", 18, 48, 0),
            ("near", 1, 54, 16),
            ("mix", 1, 24, 16),
            ("out", 1, 53, 4),
        ];
        let others =
            others.map(|(name, panels, columns, places)| (name.to_string(), panels, columns, places));
        for (name, panels, columns, places) in grus.chain(others) {
            floats(&mut tensors, &format!("{name}.w_s"), &[16 * panels]);
            match places {
                0 => floats(&mut tensors, &format!("{name}.b"), &[16 * panels]),
                _ => floats(&mut tensors, &format!("{name}.place"), &[34, places]),
            }
            let weights = (0..panels * columns * 16).map(|i| (i * 37) as u8).collect();
            tensors.push((format!("{name}.w_q"), "I8", vec![panels, columns, 16], weights));
        }
        Self { metadata: metadata.map(|(k, v)| (k, v.into())).into(), tensors }
    }

    fn set(mut self, key: &str, value: &str) -> Self {
        self.metadata.iter_mut().find(|(k, _)| *k == key).unwrap().1 = value.into();
        self
    }

    fn with(mut self, name: &str, change: impl FnOnce(&mut Entry)) -> Self {
        change(self.tensors.iter_mut().find(|t| t.0 == name).unwrap());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.tensors.retain(|t| t.0 != name);
        self.metadata.retain(|m| m.0 != name);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let metadata: Vec<String> = self.metadata.iter().map(|(k, v)| format!("\"{k}\":\"{v}\"")).collect();
        let mut header = format!("{{\"__metadata__\":{{{}}}", metadata.join(","));
        let mut data: Vec<u8> = Vec::new();
        for (name, dtype, sides, bytes) in &self.tensors {
            let (from, to) = (data.len(), data.len() + bytes.len());
            header += &format!(
                ",\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{sides:?},\"data_offsets\":[{from},{to}]}}"
            );
            data.extend(bytes);
        }
        header.push('}');
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }
}

/// The field that the refusal names.
fn field(bytes: &[u8]) -> String {
    match Model::from_bytes("x", bytes).unwrap_err() {
        ModelError::Field { field, problem } => {
            assert!(!problem.is_empty() && !problem.contains('\n'), "{field}: {problem}");
            field
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_damaged_file_is_refused_by_the_name_of_what_is_wrong() {
    Model::from_bytes("x", &File::small().bytes()).unwrap();
    let wrong_metadata = [
        ("format", "sourdine-3"),
        ("hop", "441"),
        ("window", "big"),
        ("bands", "0,1,769"),
        ("hidden", "17"),
        ("hidden", "999999999999"),
        ("layers", "0"),
        ("layers", "9"),
        ("feature_floor", "0"),
        ("feature_floor", "nan"),
        ("leaky_slope", "-1"),
        ("phases", "96"),
        ("longest_period", "800"),
        ("units", "32"),
        ("sent", "16"),
        ("sharpness", "1.5"),
        ("comb", "-0.1"),
    ];
    for (key, value) in wrong_metadata {
        assert_eq!(field(&File::small().set(key, value).bytes()), key, "{value}");
    }
    let bands = File::small().metadata.iter().find(|m| m.0 == "bands").unwrap().1.clone();
    assert_eq!(field(&File::small().set("bands", &bands.replace(",7,8,", ",8,8,")).bytes()), "bands");
    assert_eq!(field(&File::small().set("bands", &bands.replace("769", "770")).bytes()), "bands");
    for name in ["hop", "bands", "feat_mean", "near.w_q", "gru2_hh.b", "spread.w_s", "out.place"] {
        assert_eq!(field(&File::small().without(name).bytes()), name);
    }
    let of_other_type = File::small().with("gather.b", |t| t.1 = "I32");
    assert_eq!(field(&of_other_type.bytes()), "gather.b");
    let of_other_shape = File::small().with("spread.w_q", |t| t.2 = vec![48, 18, 16]);
    assert_eq!(field(&of_other_shape.bytes()), "spread.w_q");
    let huge = File::small().with("out.w_q", |t| t.2 = vec![1 << 40, 1 << 40]);
    assert_eq!(field(&huge.bytes()), "out.w_q");
    for bad in [-0.1_f32, 1.0] {
        let out_of_range =
            File::small().with("decay_limit", |t| t.3[540..].copy_from_slice(&bad.to_le_bytes()));
        assert_eq!(field(&out_of_range.bytes()), "decay_limit");
    }
    for bad in [f32::NAN, f32::INFINITY] {
        let not_finite =
            File::small().with("gru1_ih.w_s", |t| t.3[8..12].copy_from_slice(&bad.to_le_bytes()));
        assert_eq!(field(&not_finite.bytes()), "gru1_ih.w_s");
    }

    let good = File::small().bytes();
    assert_eq!(field(&good[..good.len() - 1]), "out.w_q");
    assert_eq!(field(&good[..500]), "header");
    assert_eq!(field(&[&good[..], &[0]].concat()), "end");
    let long_header = [&(3_u64 << 20).to_le_bytes()[..], &good[8..]].concat();
    assert_eq!(field(&long_header), "header");
    let text = String::from_utf8_lossy(&good[..6000]).into_owned();
    let at = text.find("[544,1088]").unwrap();
    let mut overlapping = good.clone();
    overlapping[at + 1..at + 9].copy_from_slice(b"444,988 ");
    assert_eq!(field(&overlapping), "feat_rstd");
    let other = Model::from_bytes("x", &File::small().set("format", "gpt").bytes());
    assert!(matches!(other, Err(ModelError::Unknown { .. })));
    let other = Model::from_bytes("x", &File::small().without("format").bytes());
    assert!(matches!(other, Err(ModelError::Unknown { .. })));
}

#[test]
fn no_bytes_make_the_loader_panic() {
    let good = File::small().bytes();
    let header = 8 + u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    let mut random = Random::new(10);
    let (mut refused, mut ran) = (0, 0);
    for round in 0..25_000 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(if round % 8 == 0 { bytes.len() } else { header.min(bytes.len()) });
            match random.below(6) {
                0 => bytes[at] = random.bits() as u8,
                1 => bytes[at] ^= 1 << random.below(8),
                2 => bytes[at] = b"0123456789[]{}\",:\\"[random.below(18)],
                3 => bytes.truncate(at.max(8)),
                4 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"09[{\"\\"[random.below(6)]),
            }
        }
        match Model::from_bytes("x", &bytes) {
            Err(error) => {
                assert!(!error.to_string().contains('\n'));
                refused += 1;
            }
            Ok(model) if round % 8 == 0 => {
                let mut frame = [0.1; 480];
                model.denoiser(1, Channels::Linked).process(&mut frame);
                ran += 1;
            }
            Ok(_) => {}
        }
    }
    println!("{refused} refused, {ran} run");
    assert!(refused > 10_000 && ran > 100);
}
