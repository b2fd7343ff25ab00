//! The LADSPA and LV2 plug-ins in programs that people use: FFmpeg, SoX, ecasound, LADSPA's own tools, lilv's.
#![allow(clippy::unwrap_used)] // A test may fail.

#[path = "../../capi/tests/common/mod.rs"]
mod common;
#[path = "common/mod.rs"]
mod sound;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{have, run, shared_library};
use sourdine::{Model, Settings, StreamFormat};
use sourdine_testkit::signals;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");

/// Lays out the plug-ins with the library that was built for this test.
fn bundle(folder: &Path) {
    let program = folder.join("sourdine-bundle");
    std::fs::copy(env!("CARGO_BIN_EXE_sourdine-bundle"), &program).unwrap();
    let library = shared_library("sourdine_plugin");
    std::fs::copy(&library, folder.join(library.file_name().unwrap())).unwrap();
    run(Command::new(program).arg(folder));
}

/// A folder with the plug-ins, or `None` if one of these programs is not installed.
fn bundled(programs: &[&str]) -> Option<tempfile::TempDir> {
    programs.iter().all(|program| have(program)).then(|| {
        let folder = tempfile::tempdir().unwrap();
        bundle(folder.path());
        folder
    })
}

fn ladspa(folder: &Path) -> PathBuf {
    folder.join("ladspa/sourdine.so")
}

/// The interleaved 16-bit samples of a WAV file, its rate and its channels.
fn samples(path: &Path) -> (Vec<i16>, u32, usize) {
    let reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    (reader.into_samples().map(Result::unwrap).collect(), spec.sample_rate, usize::from(spec.channels))
}

/// What `sourdine clean` writes for these samples.
fn cleaned(samples: &[i16], rate: u32, channels: usize, model: &Model) -> Vec<i16> {
    let floats: Vec<_> = samples.iter().map(|x| f32::from(*x) / 32_768.0).collect();
    let settings = Settings::default().with_ceiling(true);
    let clean = sourdine::denoise(&floats, StreamFormat::new(rate, channels), &settings, model).unwrap();
    clean.iter().map(|x| (x * 32_768.0).round_ties_even() as i16).collect()
}

/// The input through FFmpeg with the LADSPA plug-in `label` and `latency=1`; `folder` holds the bundle.
fn by_ffmpeg(folder: &Path, input: &Path, label: &str, controls: &str) -> Vec<i16> {
    let output = folder.join("out.wav");
    let filter = format!("ladspa=file={}:plugin={label}{controls}:latency=1", ladspa(folder).display());
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(input)
        .args(["-af", &filter, "-c:a", "pcm_s16le"])
        .arg(&output));
    samples(&output).0
}

/// FFmpeg reads the latency from the port of that name, and gives what `sourdine clean` gives.
#[test]
fn ffmpeg_gives_the_bits_of_clean() {
    let Some(folder) = bundled(&["ffmpeg"]) else { return };
    for (file, label) in [
        ("fan-hum-48k.wav", "sourdine_mono"),
        ("keyboard-stereo-44k1.wav", "sourdine_stereo"),
        ("phone-8k.wav", "sourdine_mono"),
    ] {
        for (model, controls) in [("sourdine", ""), ("sourdine-lite", ":controls=c2=1")] {
            let input = Path::new(SAMPLES).join(file);
            let (before, rate, channels) = samples(&input);
            let after = by_ffmpeg(folder.path(), &input, label, controls);
            assert_eq!(before.len(), after.len(), "{file}");
            let expected = cleaned(&before, rate, channels, &Model::by_name(model).unwrap());
            let differ = after.iter().zip(&expected).filter(|(got, expected)| got != expected).count();
            assert_eq!(differ, 0, "of {} samples of {file} with {model}", after.len());
        }
    }
}

/// FFmpeg makes an instance of the mono plug-in for each channel.
#[test]
fn ffmpeg_denoises_each_channel_on_its_own_by_the_mono_plug_in() {
    let Some(folder) = bundled(&["ffmpeg"]) else { return };
    let input = Path::new(SAMPLES).join("keyboard-stereo-44k1.wav");
    let (before, rate, channels) = samples(&input);
    let after = by_ffmpeg(folder.path(), &input, "sourdine_mono", "");
    for channel in 0..channels {
        let of =
            |samples: &[i16]| samples.iter().skip(channel).step_by(channels).copied().collect::<Vec<_>>();
        assert!(of(&after) == cleaned(&of(&before), rate, 1, &Model::default()), "channel {channel}");
    }
}

/// SoX takes the latency out, too, with `-l`.
#[test]
fn sox_gives_the_sound_of_clean() {
    let Some(folder) = bundled(&["sox"]) else { return };
    let input = Path::new(SAMPLES).join("fan-hum-48k.wav");
    let output = folder.path().join("out.wav");
    let values = ["60", "0", "0", "0"];
    run(Command::new("sox")
        .arg("-D")
        .args([&input, &output])
        .args(["ladspa", "-l"])
        .arg(ladspa(folder.path()))
        .arg("sourdine_mono")
        .args(values));
    let (before, rate, channels) = samples(&input);
    let after = samples(&output).0;
    let expected = cleaned(&before, rate, channels, &Model::default());
    assert_eq!(after.len(), before.len());
    let kept = after.len() - 959;
    let worst =
        after.iter().zip(&expected).take(kept).map(|(got, x)| (i32::from(*got) - i32::from(*x)).abs());
    // It rounds ties another way.
    assert!(worst.max().unwrap() <= 1);
}

/// Ten minutes of a tone in ecasound, half of them in LV2, half in LADSPA, while oscillators of different periods move every parameter.
#[test]
fn ecasounds_automation_does_not_click() {
    let Some(folder) = bundled(&["ecasound"]) else { return };
    for (rate, block, plugin) in
        [(48_000, "64", "-elv2:urn:sourdine:mono,60,0,0,1"), (44_100, "1000", "-el:sourdine_mono,60,0,0,0")]
    {
        let frames = 5 * 60 * rate as usize;
        let (input, output) = (folder.path().join("tone.raw"), folder.path().join("out.raw"));
        let tone = signals::tone(frames, rate, 440.0, 0.5);
        std::fs::write(&input, tone.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
        run(Command::new("ecasound")
            .env("LV2_PATH", folder.path().join("lv2"))
            .env("LADSPA_PATH", folder.path().join("ladspa"))
            .args(["-q", &format!("-b:{block}"), &format!("-f:f32_le,1,{rate}"), "-i"])
            .arg(&input)
            .arg("-o")
            .arg(&output)
            .arg(plugin)
            // Parameter, lowest and highest value, periods a second, phase.
            .args(["-kos:1,0,120,0.37,0", "-kos:2,0,1,0.11,0", "-kos:3,0,1,0.07,0", "-kos:4,0,1,0.19,0"]));
        let bytes = std::fs::read(&output).unwrap();
        let sound: Vec<_> =
            bytes.chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]])).collect();
        assert!(sound.len() >= frames);
        let automated = &sound[rate as usize / 5..frames];
        sound::assert_changes_without_clicks(automated, rate, 440.0, plugin);
    }
}

#[test]
fn ladspas_own_tools_run_it() {
    let Some(folder) = bundled(&["analyseplugin", "applyplugin"]) else { return };
    let library = ladspa(folder.path());
    let analysis = run(Command::new("analyseplugin").arg(&library));
    let analysis = String::from_utf8(analysis.stdout).unwrap();
    for words in [
        "Plugin Label: \"sourdine_mono\"",
        "Plugin Label: \"sourdine_stereo\"",
        "\"Attenuation limit (dB)\" input, control, 0 to 120, default 60",
        "\"Bypass\" input, control, toggled, default 0",
        "\"latency\" output, control",
    ] {
        assert!(analysis.contains(words), "{words:?} is missing in:\n{analysis}");
    }
    let input = Path::new(SAMPLES).join("fan-hum-48k.wav");
    let output = folder.path().join("out.wav");
    run(Command::new("applyplugin").args([&input, &output, &library]).args([
        "sourdine_mono",
        "60",
        "0",
        "0",
        "0",
    ]));
    let (before, rate, channels) = samples(&input);
    let (after, ..) = samples(&output);
    let expected = cleaned(&before, rate, channels, &Model::default());
    let latency = 959;
    // It truncates where `clean` rounds.
    let worst =
        after[latency..].iter().zip(&expected).map(|(got, x)| (i32::from(*got) - i32::from(*x)).abs()).max();
    assert!(worst.unwrap() <= 1, "{worst:?} steps");
}

#[test]
fn lilvs_tools_read_and_run_the_lv2_bundle() {
    let Some(folder) = bundled(&["lv2info", "lv2apply"]) else { return };
    let lv2 = folder.path().join("lv2");
    for (uri, ports) in [("urn:sourdine:mono", 7), ("urn:sourdine:stereo", 9)] {
        let info = run(Command::new("lv2info").arg(uri).env("LV2_PATH", &lv2));
        let said = String::from_utf8(info.stdout).unwrap() + &String::from_utf8(info.stderr).unwrap();
        for words in
            ["Has latency:       yes", "Attenuation limit", "sourdine-lite", &format!("Port {}", ports - 1)]
        {
            assert!(said.contains(words), "{words:?} is missing in:\n{said}");
        }
        assert!(!said.to_lowercase().contains("error"), "{said}");
    }
    for (file, uri, latency) in [
        ("fan-hum-48k.wav", "urn:sourdine:mono", 959),
        ("keyboard-stereo-44k1.wav", "urn:sourdine:stereo", 0),
    ] {
        let input = Path::new(SAMPLES).join(file);
        let output = folder.path().join("out.wav");
        run(Command::new("lv2apply")
            .env("LV2_PATH", &lv2)
            .arg("-i")
            .arg(&input)
            .arg("-o")
            .arg(&output)
            .args(["-c", "model", "1", uri]));
        let (before, rate, channels) = samples(&input);
        let (after, ..) = samples(&output);
        let expected = cleaned(&before, rate, channels, &Model::sourdine_lite());
        // For 44.1 kHz the latency is taken from an engine of that rate.
        let latency = if latency > 0 {
            latency
        } else {
            let format = StreamFormat::new(rate, channels);
            sourdine::Engine::new(format, &Settings::default(), &Model::sourdine_lite()).unwrap().latency()
        };
        let worst = after[latency * channels..]
            .iter()
            .zip(&expected)
            .map(|(got, x)| (i32::from(*got) - i32::from(*x)).abs())
            .max();
        assert!(worst.unwrap() <= 1, "{worst:?} steps in {file}");
    }
}

/// The descriptions are valid by LV2's own vocabulary.
#[test]
fn the_lv2_descriptions_are_valid() {
    let Some(folder) = bundled(&["sord_validate"]) else { return };
    let mut specifications = Vec::new();
    for bundle in std::fs::read_dir("/usr/lib/lv2").unwrap() {
        for file in std::fs::read_dir(bundle.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "ttl") {
                specifications.push(file);
            }
        }
    }
    assert!(!specifications.is_empty(), "lv2-dev's vocabulary is missing");
    let ours = ["manifest.ttl", "sourdine.ttl"].map(|file| folder.path().join("lv2/sourdine.lv2").join(file));
    run(Command::new("sord_validate").args(specifications).args(ours));
}
