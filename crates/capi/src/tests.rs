//! The functions as C calls them, but from here, where allocations can be counted. In every `unsafe` here handles are alive, and
//! pointers point to what is said or are such as must be refused.
#![allow(clippy::undocumented_unsafe_blocks)]

mod random_calls;

use std::ffi::{CStr, c_char};
use std::ptr::{null, null_mut};

use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::signals::{self, Random};

use crate::config::{sourdine_config, sourdine_config_init};
use crate::controls::*;
use crate::detector::*;
use crate::model::*;
use crate::recording::sourdine_denoise_interleaved_f32;
use crate::report::*;
use crate::status::{sourdine_status as Status, sourdine_status_text};
use crate::stream::*;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn preset() -> sourdine_config {
    sourdine_config::preset()
}

fn model(name: &CStr) -> *mut sourdine_model {
    let mut model = null_mut();
    assert_eq!(unsafe { sourdine_model_create(name.as_ptr(), &raw mut model) }, Status::OK);
    model
}

fn engine(config: &sourdine_config) -> *mut sourdine_engine {
    let mut engine = null_mut();
    let mut words = [0; 200];
    let status = unsafe { sourdine_engine_create(config, &raw mut engine, words.as_mut_ptr(), words.len()) };
    assert_eq!(status, Status::OK, "{}", text(&words));
    engine
}

fn controls(engine: *const sourdine_engine) -> *mut sourdine_controls {
    let mut controls = null_mut();
    assert_eq!(unsafe { sourdine_engine_create_controls(engine, &raw mut controls) }, Status::OK);
    controls
}

fn text(words: &[c_char]) -> String {
    unsafe { CStr::from_ptr(words.as_ptr()) }.to_str().unwrap().to_owned()
}

fn report() -> sourdine_report {
    sourdine_report {
        size: size_of::<sourdine_report>() as u32,
        voice: 9,
        voice_probability: 9.0,
        input_dbfs: 9.0,
        output_dbfs: 9.0,
        attenuation_db: 9.0,
        state: 9,
    }
}

fn stats() -> sourdine_stats {
    let mut stats = sourdine_stats::new(&engine::Stats::default(), sourdine_state::IDLE);
    stats.size = size_of::<sourdine_stats>() as u32;
    stats
}

#[test]
fn every_entry_gives_what_the_engine_gives() {
    let (channels, frames) = (2, 4_800);
    let sound: Vec<f32> = signals::noise(channels * frames, 0.3, 1);
    let mut expected = sound.clone();
    let format = ::engine::StreamFormat::new(44_100, channels);
    let mut plain =
        ::engine::Engine::new(format, &::engine::Settings::default(), &::engine::Model::default()).unwrap();
    plain.process_interleaved_f32(&mut expected).unwrap();
    let planar = |x: &[f32]| -> Vec<Vec<f32>> {
        (0..channels).map(|c| x.iter().skip(c).step_by(channels).copied().collect()).collect()
    };
    let config = sourdine_config { sample_rate: 44_100, channels: 2, ..preset() };

    for in_place in [true, false] {
        let e = engine(&config);
        let mut out = sound.clone();
        let input = if in_place { out.as_ptr() } else { sound.as_ptr() };
        let mut told = report();
        let status = unsafe {
            sourdine_engine_process_interleaved_f32(e, input, out.as_mut_ptr(), frames, &raw mut told)
        };
        assert_eq!(status, Status::OK);
        assert_eq!(out, expected);
        assert_eq!(told.state, sourdine_state::DENOISING as i32);
        assert!((0.0..=1.0).contains(&told.voice_probability) && told.voice <= 1 && told.input_dbfs < 0.0);

        assert_eq!(unsafe { sourdine_engine_reset(e) }, Status::OK);
        let mut out: Vec<f32> = sound.iter().map(|x| x * 32_768.0).collect();
        let scaled = out.clone();
        let input = if in_place { out.as_ptr() } else { scaled.as_ptr() };
        let status = unsafe {
            sourdine_engine_process_interleaved_f32_in_i16_range(
                e,
                input,
                out.as_mut_ptr(),
                frames,
                null_mut(),
            )
        };
        assert_eq!(status, Status::OK);
        assert!(out.iter().zip(&expected).all(|(a, b)| *a == b * 32_768.0));

        assert_eq!(unsafe { sourdine_engine_reset(e) }, Status::OK);
        let original = planar(&sound);
        let mut out = original.clone();
        let ins: Vec<*const f32> = if in_place {
            out.iter().map(Vec::as_ptr).collect()
        } else {
            original.iter().map(Vec::as_ptr).collect()
        };
        let outs: Vec<*mut f32> = out.iter_mut().map(Vec::as_mut_ptr).collect();
        let status =
            unsafe { sourdine_engine_process_planar_f32(e, ins.as_ptr(), outs.as_ptr(), frames, null_mut()) };
        assert_eq!(status, Status::OK);
        assert_eq!(out, planar(&expected));
        unsafe { sourdine_engine_destroy(e) };
    }
}

#[test]
fn no_allocation_after_creation() {
    for name in [c"rnnoise", c"sourdine", c"sourdine-lite"] {
        let m = model(name);
        let e = engine(&sourdine_config { model: m, channels: 2, sample_rate: 16_000, ..preset() });
        let c = controls(e);
        let mut detector = null_mut();
        let config = preset();
        assert_eq!(
            unsafe { sourdine_detector_create(&raw const config, &raw mut detector, null_mut(), 0) },
            Status::OK
        );
        let warm = count(|| unsafe { sourdine_engine_warm_up_thread(e) });
        assert_eq!(warm.1, Status::OK);
        let mut block = signals::noise(2 * 1_000, 0.5, 4);
        let (mut told, mut counted, mut latency, mut written, mut state) = (report(), stats(), 0, 0, 0);
        let (calls, ()) = count(|| unsafe {
            for frames in [0, 1, 160, 999, 1_000] {
                let at = block.as_mut_ptr();
                sourdine_engine_process_interleaved_f32(e, at, at, frames, &raw mut told);
                sourdine_engine_process_interleaved_f32(e, at, at.wrapping_add(1), frames, &raw mut told);
                sourdine_engine_process_interleaved_f32(e, null(), at, frames, &raw mut told);
                sourdine_controls_set_enabled(c, frames as i32 & 1);
                sourdine_controls_set_attenuation_limit_db(c, frames as f32 - 500.0);
                sourdine_controls_set_gate(c, 1);
                sourdine_controls_set_residue(c, 0);
                sourdine_controls_set_passthrough(c, 0);
                sourdine_controls_get_state(c, &raw mut state);
                sourdine_engine_get_report(e, &raw mut told);
                sourdine_engine_get_stats(e, &raw mut counted);
                sourdine_engine_get_latency(e, &raw mut latency);
                sourdine_engine_report_time(e, 0.02, 0.01);
                sourdine_detector_process_interleaved_f32(detector, at, frames, null_mut());
            }
            sourdine_detector_reset(detector);
            sourdine_engine_finish_interleaved_f32(e, block.as_mut_ptr(), 1_000, &raw mut written);
        });
        assert_eq!(calls, 0, "{name:?}");
        assert!(counted.frames > 0 && latency > 0 && written > 0);
        unsafe {
            sourdine_detector_destroy(detector);
            sourdine_controls_destroy(c);
            sourdine_engine_destroy(e);
            sourdine_model_destroy(m);
        }
    }
}

#[test]
fn what_is_wrong_gets_a_status_and_words() {
    let mut e = null_mut();
    let mut words = [1; 300];
    let mut create = |config: &sourdine_config| {
        let status = unsafe { sourdine_engine_create(config, &raw mut e, words.as_mut_ptr(), words.len()) };
        assert!(e.is_null() || status == Status::OK);
        (status, text(&words))
    };
    let cases: [(sourdine_config, Status, &str); 13] = [
        (sourdine_config { sample_rate: 0, ..preset() }, Status::SAMPLE_RATE, "sample rate 0 Hz"),
        (sourdine_config { sample_rate: u32::MAX, ..preset() }, Status::SAMPLE_RATE, "4294967295"),
        (sourdine_config { sample_rate: 44_101, ..preset() }, Status::SAMPLE_RATE, "44101"),
        (sourdine_config { channels: 0, ..preset() }, Status::CHANNELS, "0 channels"),
        (sourdine_config { channels: u32::MAX, ..preset() }, Status::CHANNELS, "4294967295 channels"),
        (
            sourdine_config { attenuation_limit_db: -1.0, ..preset() },
            Status::SETTING,
            "attenuation_limit_db is -1",
        ),
        (sourdine_config { attenuation_limit_db: f32::NAN, ..preset() }, Status::SETTING, "NaN"),
        (sourdine_config { gate_depth_db: 61.0, ..preset() }, Status::SETTING, "gate depth_db is 61"),
        (sourdine_config { voice_off: 0.9, ..preset() }, Status::SETTING, "voice off is 0.9"),
        (sourdine_config { model_latency: u32::MAX, ..preset() }, Status::SETTING, "model_latency"),
        (sourdine_config { size: 0, ..preset() }, Status::SIZE, "sourdine_config_init"),
        (sourdine_config { size: 12, ..preset() }, Status::SIZE, "sourdine_config_init"),
        (sourdine_config { size: u32::MAX, ..preset() }, Status::SIZE, "sourdine_config_init"),
    ];
    for (config, status, part) in cases {
        let (got, said) = create(&config);
        assert_eq!(got, status, "{said}");
        assert!(said.contains(part), "{said:?} lacks {part:?}");
    }
    for status in -1..=14 {
        let words = unsafe { CStr::from_ptr(sourdine_status_text(status)) }.to_str().unwrap();
        assert_eq!(words.starts_with("not a status"), !(0..=13).contains(&status));
    }

    // Words that do not fit are cut at a character, and never written beyond the buffer.
    let config = sourdine_config { sample_rate: 1, ..preset() };
    for size in 0..20 {
        let mut words = [7; 20];
        unsafe { sourdine_engine_create(&raw const config, &raw mut e, words.as_mut_ptr(), size) };
        assert!(words[size..].iter().all(|w| *w == 7));
        assert!(size == 0 || text(&words).len() == size - 1);
    }
}

#[test]
fn structures_grow() {
    // A newer caller's config: what this library lacks must be 0.
    #[repr(C)]
    struct Newer {
        config: sourdine_config,
        more: [u32; 2],
    }
    let mut newer = Newer { config: preset(), more: [5, 6] };
    let size = size_of::<Newer>();
    assert_eq!(unsafe { sourdine_config_init((&raw mut newer).cast(), size) }, Status::OK);
    assert_eq!((newer.config.size as usize, newer.more), (size, [0, 0]));
    let mut e = null_mut();
    assert_eq!(
        unsafe { sourdine_engine_create((&raw const newer).cast(), &raw mut e, null_mut(), 0) },
        Status::OK
    );
    unsafe { sourdine_engine_destroy(e) };
    newer.more[1] = 1;
    assert_eq!(
        unsafe { sourdine_engine_create((&raw const newer).cast(), &raw mut e, null_mut(), 0) },
        Status::SIZE
    );

    // A newer caller's report: the rest is left alone.
    let e = engine(&preset());
    let mut more = (report(), 77_u32);
    more.0.size = size_of_val(&more) as u32;
    assert_eq!(unsafe { sourdine_engine_get_report(e, (&raw mut more).cast()) }, Status::OK);
    assert_eq!((more.0.size as usize, more.0.state, more.1), (size_of_val(&more), 0, 77));
    for size in [0, 1, 27, 5_000] {
        let mut told = sourdine_report { size, ..report() };
        assert_eq!(unsafe { sourdine_engine_get_report(e, &raw mut told) }, Status::SIZE);
    }
    unsafe { sourdine_engine_destroy(e) };
}

#[test]
fn bad_blocks_change_nothing() {
    let e = engine(&sourdine_config { channels: 2, ..preset() });
    let mut a = signals::noise(2 * 480, 0.3, 2);
    let before = a.clone();
    let at = a.as_mut_ptr();
    let off = at.cast::<u8>().wrapping_add(1).cast::<f32>();
    let interleaved = |input, output, frames| unsafe {
        sourdine_engine_process_interleaved_f32(e, input, output, frames, null_mut())
    };
    let off_const = off.cast_const();
    for (input, output, frames, status) in [
        (null(), at, 480, Status::NULL),
        (at.cast_const(), null_mut(), 480, Status::NULL),
        (null(), null_mut(), 480, Status::NULL),
        (off_const, off, 1, Status::ALIGNMENT),
        (off_const, at.wrapping_add(100), 1, Status::ALIGNMENT),
        (at, at.wrapping_add(2), 100, Status::OVERLAP),
        (at.wrapping_add(2), at, 100, Status::OVERLAP),
        (at, at, usize::MAX, Status::LENGTH),
        (at, at, usize::MAX / 8, Status::LENGTH),
        (null(), null_mut(), 0, Status::OK),
    ] {
        assert_eq!(interleaved(input, output, frames), status);
    }
    let planar = |input: &[*const f32; 2], output: &[*mut f32; 2], frames| unsafe {
        sourdine_engine_process_planar_f32(e, input.as_ptr(), output.as_ptr(), frames, null_mut())
    };
    let (left, right) = (at, at.wrapping_add(480));
    for (input, output, frames, status) in [
        ([left.cast_const(), null()], [left, right], 10, Status::NULL),
        ([null(), null()], [null_mut(), null_mut()], 10, Status::NULL),
        ([null(), null()], [null_mut(), null_mut()], 0, Status::OK),
        ([null(), null()], [left, right], 10, Status::NULL),
        ([left, right], [left, null_mut()], 10, Status::NULL),
        ([left, left], [left, left], 10, Status::OVERLAP),
        ([left, right], [right, left], 10, Status::OVERLAP),
        ([left, right], [left.wrapping_add(5), right], 10, Status::OVERLAP),
        ([off_const, right], [off, right], 10, Status::ALIGNMENT),
    ] {
        assert_eq!(planar(&input, &output, frames), status);
    }
    let nothing = unsafe { sourdine_engine_process_planar_f32(e, null(), null(), 10, null_mut()) };
    assert_eq!(nothing, Status::NULL);
    assert_eq!(a, before);
    let mut counted = stats();
    assert_eq!(unsafe { sourdine_engine_get_stats(e, &raw mut counted) }, Status::OK);
    assert_eq!((counted.frames, counted.state), (0, sourdine_state::IDLE as i32));

    for (spent, available) in [(-1.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
        assert_eq!(unsafe { sourdine_engine_report_time(e, spent, available) }, Status::SETTING);
    }
    let mut written = 0;
    let finish =
        |at, frames, written| unsafe { sourdine_engine_finish_interleaved_f32(e, at, frames, written) };
    assert_eq!(finish(at, 10, null_mut()), Status::NULL);
    assert_eq!(finish(null_mut(), 10, &raw mut written), Status::NULL);
    assert_eq!(finish(at, 480, &raw mut written), Status::OK);
    assert_eq!(interleaved(at, at, 480), Status::FINISHED);
    unsafe { sourdine_engine_destroy(e) };
}

#[test]
fn null_everywhere() {
    unsafe {
        let mut words = [0; 8];
        let (mut m, mut e, mut d, mut c) = (null_mut(), null_mut(), null_mut(), null_mut());
        let config = preset();
        for status in [
            sourdine_config_init(null_mut(), 96),
            sourdine_model_create(null(), &raw mut m),
            sourdine_model_create(c"rnnoise".as_ptr(), null_mut()),
            sourdine_model_create_from_memory(null(), 5, &raw mut m, words.as_mut_ptr(), 8),
            sourdine_model_create_from_memory(c"abc".as_ptr().cast(), 3, null_mut(), null_mut(), 8),
            sourdine_model_warm_up_thread(null()),
            sourdine_engine_create(null(), &raw mut e, null_mut(), 0),
            sourdine_engine_create(&raw const config, null_mut(), null_mut(), 0),
            sourdine_engine_create_controls(null(), &raw mut c),
            sourdine_engine_get_latency(null(), null_mut()),
            sourdine_engine_warm_up_thread(null()),
            sourdine_engine_reset(null()),
            sourdine_engine_get_report(null(), null_mut()),
            sourdine_engine_get_stats(null(), null_mut()),
            sourdine_engine_report_time(null(), 0.0, 0.0),
            sourdine_engine_finish_interleaved_f32(null(), null_mut(), 0, null_mut()),
            sourdine_engine_process_interleaved_f32(null(), null(), null_mut(), 0, null_mut()),
            sourdine_engine_process_interleaved_i16(null(), null(), null_mut(), 0, null_mut()),
            sourdine_engine_process_interleaved_f32_in_i16_range(null(), null(), null_mut(), 0, null_mut()),
            sourdine_engine_process_planar_f32(null(), null(), null(), 0, null_mut()),
            sourdine_engine_process_planar_i16(null(), null(), null(), 0, null_mut()),
            sourdine_engine_process_planar_f32_in_i16_range(null(), null(), null(), 0, null_mut()),
            sourdine_controls_set_enabled(null(), 1),
            sourdine_controls_set_passthrough(null(), 1),
            sourdine_controls_set_residue(null(), 1),
            sourdine_controls_set_gate(null(), 1),
            sourdine_controls_set_attenuation_limit_db(null(), 1.0),
            sourdine_controls_set_model(null(), null()),
            sourdine_controls_get_state(null(), null_mut()),
            sourdine_detector_create(null(), &raw mut d, null_mut(), 0),
            sourdine_detector_create(&raw const config, null_mut(), null_mut(), 0),
            sourdine_detector_reset(null()),
            sourdine_detector_process_interleaved_f32(null(), null(), 0, null_mut()),
            sourdine_detector_process_interleaved_i16(null(), null(), 0, null_mut()),
            sourdine_detector_process_interleaved_f32_in_i16_range(null(), null(), 0, null_mut()),
        ] {
            assert_eq!(status, Status::NULL);
        }
        sourdine_model_destroy(null_mut());
        sourdine_engine_destroy(null_mut());
        sourdine_controls_destroy(null_mut());
        sourdine_detector_destroy(null_mut());
    }
}

#[test]
fn models_from_memory() {
    let own = include_bytes!("../../core/models/sourdine.safetensors");
    let read = |bytes: &[u8], m: &mut *mut sourdine_model| {
        let mut words = [0; 200];
        let status = unsafe {
            sourdine_model_create_from_memory(bytes.as_ptr().cast(), bytes.len(), m, words.as_mut_ptr(), 200)
        };
        (status, text(&words))
    };
    let mut m = null_mut();
    assert_eq!(read(own, &mut m).0, Status::OK);
    let e = engine(&sourdine_config { model: m, ..preset() });
    unsafe {
        sourdine_model_destroy(m); // The stream has its share.
        sourdine_engine_destroy(e);
    }
    for cut in [0, 1, 8, 100, own.len() / 2, own.len() - 1] {
        let (status, said) = read(&own[..cut], &mut m);
        assert_eq!(status, Status::MODEL);
        assert!(m.is_null() && said.contains("model file"), "{said}");
    }
}

#[test]
fn one_thread_at_a_time() {
    let inside = crate::exclusive::Exclusive::new(5);
    let told = inside.enter(|_| inside.enter(|_| Ok(())));
    assert_eq!(told, Err(Status::BUSY));
    assert_eq!(inside.enter(|x| Ok(*x)), Ok(5), "free again");
    let panicked = crate::status::catch_panic(|| inside.enter(|_| panic!("as a test")));
    assert_eq!(panicked, Status::INTERNAL);
    assert_eq!(inside.enter(|x| Ok(*x)), Ok(5), "free again after a panic");
}

#[test]
fn a_recording_in_one_call_is_what_the_stream_gives() {
    let input: Vec<f32> = signals::noise(2 * 20_000, 0.2, 4);
    let config = sourdine_config { sample_rate: 44_100, channels: 2, ..preset() };
    let frames = input.len() / 2;
    let mut message = [0; 200];
    let mut call = |config: &sourdine_config, from: *const f32, to: *mut f32, frames: usize| {
        let said = message.as_mut_ptr();
        let status = unsafe { sourdine_denoise_interleaved_f32(config, from, to, frames, said, 200) };
        (status, unsafe { CStr::from_ptr(message.as_ptr()) }.to_str().unwrap().to_owned())
    };
    let mut output = vec![0.0; input.len()];
    assert_eq!(call(&config, input.as_ptr(), output.as_mut_ptr(), frames), (Status::OK, String::new()));
    let expected =
        engine::denoise(&input, config.format(), &config.settings(), &engine::Model::default()).unwrap();
    assert_eq!(output, expected);
    let mut in_place = input.clone();
    let at = in_place.as_mut_ptr();
    assert_eq!(call(&config, at.cast_const(), at, frames).0, Status::OK);
    assert_eq!(in_place, expected);

    assert_eq!(call(&config, null(), null_mut(), 0).0, Status::OK);
    assert_eq!(call(&config, input.as_ptr(), null_mut(), 1).0, Status::NULL);
    assert_eq!(call(&config, null(), output.as_mut_ptr(), 1).0, Status::NULL);
    assert_eq!(call(&config, input.as_ptr(), output.as_mut_ptr(), usize::MAX).0, Status::LENGTH);
    let none = sourdine_config { channels: 0, ..config };
    let (status, said) = call(&none, input.as_ptr(), output.as_mut_ptr(), 0);
    assert_eq!(status, Status::CHANNELS);
    assert!(said.contains("0 channels"), "{said}");
    let (status, said) = call(&sourdine_config { size: 0, ..config }, input.as_ptr(), output.as_mut_ptr(), 1);
    assert_eq!(status, Status::SIZE);
    assert!(said.contains("sourdine_config_init"), "{said}");
}
