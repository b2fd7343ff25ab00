//! The conformance suite: every rate × block length, in mono on all models and in stereo on the baseline
//! (`own_model.rs` has channels of our own model). `nightly.sh` runs the rest of the grid: every model with all channels.

use sourdine::{Channels, Engine, Model, Settings, StreamFormat};
use sourdine_testkit::conformance::{CHANNELS, RATES, check_stream};

fn check_channels(model: &Model, channels: usize) {
    for rate in RATES {
        check_stream(model, rate, channels, Channels::Linked);
        if channels > 1 {
            check_stream(model, rate, channels, Channels::Separate);
        }
    }
}

#[test]
fn sourdine_mono() {
    check_channels(&Model::sourdine(), 1);
}

#[test]
fn sourdine_lite_mono() {
    check_channels(&Model::sourdine_lite(), 1);
}

#[test]
fn rnnoise_mono() {
    check_channels(&Model::rnnoise(), CHANNELS[0]);
}

#[test]
fn rnnoise_stereo() {
    check_channels(&Model::rnnoise(), CHANNELS[1]);
}

#[test]
#[ignore = "minutes; nightly.sh runs it"]
fn the_whole_grid() {
    for model in [Model::rnnoise(), Model::sourdine_lite(), Model::sourdine()] {
        for channels in CHANNELS {
            check_channels(&model, channels);
        }
    }
}

/// The table of `docs/figures.md`.
#[test]
fn latencies_in_fixed_blocks_of_10_ms() {
    for (rate, latency) in [(8_000, 160), (16_000, 320), (44_100, 661), (48_000, 480), (96_000, 1280)] {
        let format = StreamFormat::new(rate, 1).with_fixed_block(rate as usize / 100);
        let engine = Engine::new(format, &Settings::default(), &Model::rnnoise()).expect("a common rate");
        assert_eq!(engine.latency(), latency, "{rate} Hz");
    }
}
