//! Our own model: its contract with the engine, its channels, its silence, and its loader's refusals.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // A test may.

use sourdine::{Channels, Engine, Model, ModelError, Settings, StreamFormat};
use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::conformance::check_stream;
use sourdine_testkit::metrics;
use sourdine_testkit::signals::{self, Random};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const WEIGHTS: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/sourdine.safetensors"));

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
    assert_eq!((info.name.as_str(), info.latency, info.linked_latency), ("own", 480, 480));
    let names: Vec<String> = Model::built_in().iter().map(|m| m.info().name).collect();
    assert_eq!(names, ["sourdine", "sourdine-lite", "rnnoise"]);
    let built_in = Model::by_name("sourdine").unwrap().info();
    let mut named = info.clone();
    named.name = "sourdine".into();
    assert_eq!(built_in, named);
    let lite = Model::by_name("sourdine-lite").unwrap().info();
    assert_eq!(lite, Model::sourdine_lite().info());
    for info in [info.clone(), lite.clone()] {
        assert_eq!((info.licence.as_str(), info.latency), ("MIT OR Apache-2.0", 480));
        // The small layers have two bytes a weight, and every layer scales and biases.
        assert!(
            info.weight_bytes < info.multiplications * 4 / 3 && info.state_bytes <= 81 * 1024,
            "{info:?}"
        );
    }
    assert!(
        lite.multiplications * 4 < info.multiplications * 3 && lite.weight_bytes < info.weight_bytes,
        "{lite:?}"
    );
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
fn denoise(model: &Model, channels: &[Vec<f32>], mode: Channels) -> (Vec<Vec<f32>>, Vec<f32>) {
    let mut denoiser = model.denoiser(channels.len(), mode);
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
        let (out, _) = denoise(&model(), &panned, Channels::Linked);
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
    for model in [model(), Model::from_bytes("small", &File::small().bytes()).unwrap()] {
        let (mono, voice) = denoise(&model, std::slice::from_ref(&sound), Channels::Linked);
        let (linked, linked_voice) = denoise(&model, &[sound.clone(), sound.clone()], Channels::Linked);
        assert!(linked == [mono[0].clone(), mono[0].clone()] && linked_voice == voice);
        let (other_mono, other_voice) = denoise(&model, std::slice::from_ref(&other), Channels::Separate);
        let (apart, most) = denoise(&model, &[sound.clone(), other.clone()], Channels::Separate);
        assert!(apart == [mono[0].clone(), other_mono[0].clone()]);
        let expected: Vec<f32> = voice.iter().zip(&other_voice).map(|(a, b)| a.max(*b)).collect();
        assert_eq!(most, expected);
    }
}

/// Under one mask and one filter: whatever one channel is of the other, it stays that, because each channel's filter hears
/// nothing but the channel itself.
#[test]
fn linked_channels_are_filtered_from_their_own_spectra() {
    let model = Model::from_bytes("small", &File::small().bytes()).unwrap();
    let sound = signals::noise(24_000, 0.1, 8);
    let turned = sound.iter().map(|x| -0.5 * x).collect();
    let (out, _) = denoise(&model, &[sound, turned, vec![0.0; 24_000]], Channels::Linked);
    assert!(out[1] == out[0].iter().map(|x| -0.5 * x).collect::<Vec<_>>());
    assert!(out[2].iter().all(|x| *x == 0.0) && metrics::level_db(&out[0]) > -100.0);
}

/// Step 13 of the format written out, for a network that gives gains of one and the same filter in every frame.
#[test]
fn the_filter_is_that_of_the_format() {
    const BINS: usize = 32;
    let taps: [(f64, f64); 3] = [(0.25, -0.5), (0.5, 0.75), (0.0, 0.0)]; // the frame, the one before, a period earlier
    let group = taps.iter().flat_map(|tap| [[tap.0; 4], [tap.1; 4]]).flatten();
    let biases = group.flat_map(|c| (c.atanh() as f32).to_le_bytes()).collect::<Vec<_>>().repeat(8);
    let file = File::small()
        .with("out.w_q", |t| t.3.fill(0))
        .with("out.biases", |t| t.3 = 30_f32.to_le_bytes().repeat(34 * 4))
        .with("filter.w_q", |t| t.3.fill(0))
        .with("filter.biases", |t| t.3 = biases);
    let model = Model::from_bytes("small", &file.bytes()).unwrap();
    let sound = signals::noise(10 * 480, 0.1, 8);
    let (out, _) = denoise(&model, std::slice::from_ref(&sound), Channels::Linked);

    let quarter = |n: usize, of: f64| (n as f64 + 0.5) / of * std::f64::consts::FRAC_PI_2;
    let analysis =
        |n: usize| if n < 1056 { quarter(n, 1056.0).sin() } else { quarter(n - 1056, 480.0).cos() };
    let synthesis = |m: usize| (2.0 * quarter(m, 960.0)).sin().powi(2) / analysis(576 + m);
    let at = |n: i32| usize::try_from(n).map_or(0.0, |n| f64::from(sound[n]));
    let turn = |n: usize| (n % 1536) as f64 / 1536.0 * std::f64::consts::TAU;
    let mut before = [(0.0, 0.0); BINS];
    let mut expected = vec![0.0; sound.len() + 480];
    for t in 0..10 {
        let frame: Vec<f64> =
            (0..1536).map(|n| at(480 * (t + 1) - 1536 + n) * analysis(n as usize)).collect();
        let sum = |k: usize, f: fn(f64) -> f64| -> f64 {
            frame.iter().enumerate().map(|(n, x)| x * f(turn(n * k))).sum()
        };
        let now: [_; BINS] = std::array::from_fn(|k| (sum(k, f64::cos), -sum(k, f64::sin)));
        let times = |a: (f64, f64), b: (f64, f64)| (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0);
        let added: [_; BINS] = std::array::from_fn(|k| {
            let turned = times(before[k], (turn(480 * k).cos(), turn(480 * k).sin()));
            let (a, b) = (times(taps[0], now[k]), times(taps[1], turned));
            (a.0 + b.0, a.1 + b.1)
        });
        before = now;
        for m in 0..960 {
            let parts = added.iter().enumerate().map(|(k, (re, im))| {
                let angle = turn((576 + m) * k);
                (re * angle.cos() - im * angle.sin()) * if k == 0 { 1.0 } else { 2.0 }
            });
            expected[480 * t as usize + m] += synthesis(m) * parts.sum::<f64>() / 1536.0;
        }
    }
    for (n, (got, added)) in out[0].iter().zip(&expected).enumerate() {
        let expected = at(n as i32 - 480) + added;
        assert!((f64::from(*got) - expected).abs() < 1e-5, "sample {n}: {got} and {expected}");
    }
    assert!(expected.iter().any(|x| x.abs() > 0.01));
}

#[test]
fn rests_in_digital_silence_and_wakes() {
    let voice = signals::noise(24_000, 0.1, 4);
    let mut sound = voice.clone();
    sound.resize(24_000 + 96_000, 0.0);
    sound.extend(&voice);
    let (out, probability) = denoise(&model(), &[sound], Channels::Linked);
    // The filter hears up to 768 samples beyond the window's 1536.
    assert!(out[0][26_400..120_000].iter().all(|x| *x == 0.0));
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
    // Nothing like it comes from the engine. The network starts anew.
    let mut bad = [f32::NAN; 480];
    assert_eq!(denoiser.process(&mut bad), 0.0);
    assert_eq!(bad, [0.0; 480]);
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
            ("format", "sourdine-7"),
            ("hop", "480"),
            ("window", "1536"),
            ("phases", "48"),
            ("filtered", "32"),
            ("longest_period", "768"),
            ("units", "16"),
            ("broadcast", "8"),
            ("bands", &bands.join(",")),
            ("hidden", "16"),
            ("layers", "2"),
            ("feature_floor", "1e-10"),
            ("leaky_slope", "0.1"),
            ("sharpness", "0.5"),
            ("smoothing", "0.9"),
            ("pitch_filter", "0.5"),
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
            ("context", 1, 54, 16),
            ("mix", 1, 24, 16),
            ("filter", 2, 53, 24),
            ("out", 1, 53, 4),
        ];
        let others =
            others.map(|(name, panels, columns, biases)| (name.to_string(), panels, columns, biases));
        for (name, panels, columns, biases) in grus.chain(others) {
            let groups = if name == "filter" { 8 } else { 34 };
            floats(&mut tensors, &format!("{name}.w_s"), &[16 * panels]);
            match biases {
                0 => floats(&mut tensors, &format!("{name}.b"), &[16 * panels]),
                _ => floats(&mut tensors, &format!("{name}.biases"), &[groups, biases]),
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
        ("broadcast", "16"),
        ("sharpness", "1.5"),
        ("smoothing", "1.5"),
        ("pitch_filter", "-0.1"),
        ("filtered", "48"),
    ];
    for (key, value) in wrong_metadata {
        assert_eq!(field(&File::small().set(key, value).bytes()), key, "{value}");
    }
    let bands = File::small().metadata.iter().find(|m| m.0 == "bands").unwrap().1.clone();
    assert_eq!(field(&File::small().set("bands", &bands.replace(",7,8,", ",8,8,")).bytes()), "bands");
    assert_eq!(field(&File::small().set("bands", &bands.replace("769", "770")).bytes()), "bands");
    // The lowest 32 bands are a bin each.
    let wider = bands.replace(",32,", ",").replace(",96,", ",96,100,");
    assert_eq!(field(&File::small().set("bands", &wider).bytes()), "bands");
    for name in [
        "hop",
        "bands",
        "filtered",
        "smoothing",
        "pitch_filter",
        "feat_mean",
        "context.w_q",
        "gru2_hh.b",
        "spread.w_s",
        "out.biases",
        "filter.w_q",
        "filter.w_s",
        "filter.biases",
    ] {
        assert_eq!(field(&File::small().without(name).bytes()), name);
    }
    // A filter for all groups, or a gain too many.
    let for_all = File::small().with("filter.biases", |t| (t.2, t.3) = (vec![34, 24], vec![0; 34 * 24 * 4]));
    assert_eq!(field(&for_all.bytes()), "filter.biases");
    let of_one_panel = File::small().with("filter.w_q", |t| (t.2, t.3) = (vec![1, 53, 16], vec![0; 53 * 16]));
    assert_eq!(field(&of_one_panel.bytes()), "filter.w_q");
    let not_finite =
        File::small().with("filter.biases", |t| t.3[4..8].copy_from_slice(&f32::NAN.to_le_bytes()));
    assert_eq!(field(&not_finite.bytes()), "filter.biases");
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
fn a_model_that_does_not_stay_finite_is_refused_when_it_is_loaded() {
    let huge = |entry: &mut Entry| {
        let values = entry.3.chunks_exact_mut(4).enumerate();
        values.for_each(|(i, x)| x.copy_from_slice(&(3e38_f32 * [1.0, -1.0][i % 2]).to_le_bytes()));
    };
    let mut refused = 0;
    for name in [
        "gather.w_s",
        "context.w_s",
        "mix.w_s",
        "out.w_s",
        "spread.b",
        "filter.w_s",
        "gru1_ih.w_s",
        "feat_rstd",
    ] {
        let bytes = File::small().with(name, huge).bytes();
        match Model::from_bytes("x", &bytes) {
            Ok(model) => {
                // The layers behind it bring it back to a number; then it must go on so.
                let mut denoiser = model.denoiser(1, Channels::Linked);
                for seed in 0..300 {
                    let mut frame = signals::noise(480, 0.7, seed);
                    denoiser.process(&mut frame);
                    assert!(frame.iter().all(|x| x.is_finite()), "{name}");
                }
            }
            Err(ModelError::Field { field, problem }) => {
                assert!(field == "weights" && problem.contains("not finite"), "{name}: {field}: {problem}");
                refused += 1;
            }
            Err(other) => panic!("{name}: {other}"),
        }
    }
    assert!(refused > 0);
}

#[test]
fn no_bytes_make_the_loader_panic() {
    let good = File::small().bytes();
    let header = 8 + u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    let mut random = Random::new(10);
    let (mut refused, mut ran) = (0, 0);
    for round in 0..12_000 {
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
    assert!(refused > 5_000 && ran > 50);
}
