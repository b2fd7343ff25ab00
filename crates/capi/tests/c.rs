//! The examples and tests in C and C++, compiled with every warning an error, linked with the library and run.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{C11, C99, CPP17, compile, exported, have, needs_libc_only, run, valgrind};
use sourdine_testkit::signals;

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn headers_stand_alone() {
    let folder = tempfile::tempdir().unwrap();
    for language in [C99, C11, CPP17] {
        if have(language.compiler) {
            compile(language, PACKAGE, "examples/minimal.c", "sourdine", &[], folder.path());
        }
    }
}

#[test]
fn minimal_gives_the_same_as_the_engine() {
    if !have("gcc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = compile(C99, PACKAGE, "examples/minimal.c", "sourdine", &[], folder.path());
    let n = 48_123;
    let sound: Vec<f32> = signals::speechlike(n, 48_000, 2)
        .iter()
        .zip(signals::noise(n, 0.05, 3))
        .map(|(v, n)| v + n)
        .collect();
    let [input, output] = ["in", "out"].map(|name| folder.path().join(name));
    std::fs::write(&input, sound.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    run(Command::new(program)
        .stdin(std::fs::File::open(&input).unwrap())
        .stdout(Stdio::from(std::fs::File::create(&output).unwrap())));
    let got: Vec<f32> = std::fs::read(&output)
        .unwrap()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();

    let settings = engine::Settings::default();
    let format = engine::StreamFormat::new(48_000, 1);
    let mut engine = engine::Engine::new(format, &settings, &engine::Model::default()).unwrap();
    let mut expected = sound;
    engine.process_interleaved_f32(&mut expected).unwrap();
    let mut tail = vec![0.0; engine.latency()];
    assert_eq!(engine.finish_interleaved_f32(&mut tail), tail.len());
    expected.extend_from_slice(&tail);
    assert_eq!(got, expected[tail.len()..]);
}

#[test]
fn the_post_processor_is_toggled_while_it_runs() {
    if have("g++") {
        let folder = tempfile::tempdir().unwrap();
        let program = compile(CPP17, PACKAGE, "examples/voice_processor.cpp", "sourdine", &[], folder.path());
        let output = run(Command::new(&program).arg("5"));
        println!("{}", String::from_utf8_lossy(&output.stdout));
        if have("valgrind") {
            valgrind(&program, None, &["0.3".as_ref()]);
        }
    }
}

#[test]
fn the_group_call_finds_who_speaks() {
    if have("gcc") {
        let folder = tempfile::tempdir().unwrap();
        let program = compile(C11, PACKAGE, "examples/group_call.c", "sourdine", &[], folder.path());
        let output = run(&mut Command::new(&program));
        println!("{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn sanitizers_find_nothing() {
    for (language, source) in [(C11, "examples/group_call.c"), (CPP17, "examples/voice_processor.cpp")] {
        if have(language.compiler) {
            let folder = tempfile::tempdir().unwrap();
            let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
            run(&mut Command::new(compile(language, PACKAGE, source, "sourdine", &flags, folder.path())));
        }
    }
}

#[test]
fn nothing_else_is_exported_or_needed() {
    if !have("nm") || !have("readelf") {
        return;
    }
    let header = std::fs::read_to_string(Path::new(PACKAGE).join("include/sourdine.h")).unwrap();
    let mut declared: Vec<String> = Vec::new();
    for line in header.lines().filter(|line| !line.starts_with([' ', '/', '#'])) {
        if let Some((before, _)) = line.split_once('(') {
            declared.push(before.rsplit([' ', '*']).next().unwrap().to_owned());
        }
    }
    declared.sort();
    assert!(declared.len() > 30, "{declared:?}");
    assert_eq!(exported("sourdine"), declared);
    needs_libc_only("sourdine");
}
