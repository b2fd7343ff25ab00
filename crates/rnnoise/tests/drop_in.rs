//! Programs that know only `rnnoise.h`, compiled, linked with the library and run.

#[path = "../../capi/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::process::Command;

use common::{C11, C99, CPP17, Language, compile, exported, have, needs_libc_only, run, valgrind};
use nnnoiseless::DenoiseState;
use sourdine_testkit::signals;

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
const OWN_WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/models/sourdine.safetensors");

fn denoise_raw(language: Language, folder: &Path) -> std::path::PathBuf {
    compile(language, PACKAGE, "examples/denoise_raw.c", "rnnoise", &[], folder)
}

fn bytes_of(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn samples_of(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|x| i16::from_le_bytes([x[0], x[1]])).collect()
}

/// Voice in noise, with a frame cut short at the end.
fn noisy(seconds: f32) -> Vec<i16> {
    let n = (48_000.0 * seconds) as usize + 123;
    let voice = signals::speechlike(n, 48_000, 11);
    let noise = signals::noise(n, 0.05, 12);
    voice.iter().zip(&noise).map(|(v, n)| ((v + n) * 20_000.0) as i16).collect()
}

#[test]
fn the_baseline_equals_nnnoiseless() {
    if !have("gcc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.raw"), folder.path().join("out.raw"));
    let noisy = noisy(10.0);
    std::fs::write(&input, bytes_of(&noisy)).unwrap();

    let mut state = DenoiseState::new();
    let mut padded: Vec<f32> = noisy.iter().map(|x| f32::from(*x)).collect();
    padded.resize(noisy.len().next_multiple_of(480) + 480, 0.0);
    let mut expected = vec![0.0; padded.len()];
    for (y, x) in expected.chunks_exact_mut(480).zip(padded.chunks_exact(480)) {
        state.process_frame(y, x);
    }
    let expected = &expected[480..480 + noisy.len()];

    for language in [C99, C11] {
        run(Command::new(denoise_raw(language, folder.path())).arg(&input).arg(&output));
        let got = samples_of(&std::fs::read(&output).unwrap());
        assert_eq!(got.len(), noisy.len());
        let power: f64 = expected.iter().map(|y| f64::from(*y).powi(2)).sum();
        // Beyond the rounding to 16 bits that the program itself does.
        let worst =
            got.iter().zip(expected).map(|(g, e)| (f32::from(*g) - e.round()).abs()).fold(0.0, f32::max);
        let error: f64 =
            got.iter().zip(expected).map(|(g, e)| f64::from(f32::from(*g) - e.round()).powi(2)).sum();
        let db = 10.0 * (error.max(1e-30) / power).log10();
        println!("{}: largest difference {worst}, {db:.0} dB", language.standard);
        assert!(db < -80.0, "{db:.1} dB from nnnoiseless");
        let before: f64 = noisy.iter().map(|x| f64::from(*x).powi(2)).sum();
        assert!(power < 0.9 * before, "something was removed");
    }
}

#[test]
fn our_model_is_a_file_away() {
    if !have("gcc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [input, baseline, own] = ["in.raw", "baseline.raw", "own.raw"].map(|name| folder.path().join(name));
    std::fs::write(&input, bytes_of(&noisy(2.0))).unwrap();
    let program = denoise_raw(C99, folder.path());
    run(Command::new(&program).arg(&input).arg(&baseline));
    run(Command::new(&program).arg(&input).arg(&own).arg(OWN_WEIGHTS));
    let [input, baseline, own] = [input, baseline, own].map(|path| std::fs::read(path).unwrap());
    assert_eq!(own.len(), input.len());
    assert_ne!(own, baseline);
    assert_ne!(own, input);
}

#[test]
fn every_call_in_c_and_cpp() {
    for language in [C99, C11, CPP17] {
        if have(language.compiler) {
            let folder = tempfile::tempdir().unwrap();
            let source =
                if language.compiler == "g++" { "tests/every_call_cpp.cpp" } else { "tests/every_call.c" };
            let program = compile(language, PACKAGE, source, "rnnoise", &[], folder.path());
            run(Command::new(program).arg(OWN_WEIGHTS));
        }
    }
}

#[test]
fn valgrind_finds_nothing() {
    if !have("gcc") || !have("valgrind") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [input, output] = ["in.raw", "out.raw"].map(|name| folder.path().join(name));
    std::fs::write(&input, bytes_of(&noisy(0.3))).unwrap();
    let plans = Path::new(PACKAGE).join("tests/nnnoiseless.supp");
    let program = denoise_raw(C11, folder.path());
    let files = [input.as_os_str(), output.as_os_str()];
    valgrind(&program, Some(&plans), &files);
    valgrind(&program, None, &[files[0], files[1], OWN_WEIGHTS.as_ref()]);
    let program = compile(C11, PACKAGE, "tests/every_call.c", "rnnoise", &[], folder.path());
    valgrind(&program, Some(&plans), &[OWN_WEIGHTS.as_ref()]);
}

#[test]
fn nothing_else_is_exported_or_needed() {
    if !have("nm") || !have("readelf") {
        return;
    }
    let names = exported("rnnoise");
    let ours = [
        "rnnoise_create",
        "rnnoise_destroy",
        "rnnoise_get_frame_size",
        "rnnoise_get_size",
        "rnnoise_init",
        "rnnoise_model_free",
        "rnnoise_model_from_buffer",
        "rnnoise_model_from_file",
        "rnnoise_model_from_filename",
        "rnnoise_process_frame",
        "sourdine_rnnoise_model",
        "sourdine_rnnoise_release",
    ];
    assert_eq!(names, ours);
    needs_libc_only("rnnoise");
}
