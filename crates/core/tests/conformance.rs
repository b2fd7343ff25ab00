//! The whole conformance suite: every rate × channels × block length on the baseline model, every rate × block
//! length on our own (`own_model.rs` has more of its channels).

use sourdine::{Channels, Model};
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
fn rnnoise_mono() {
    check_channels(&Model::rnnoise(), CHANNELS[0]);
}

#[test]
fn rnnoise_stereo() {
    check_channels(&Model::rnnoise(), CHANNELS[1]);
}

#[test]
fn rnnoise_six_channels() {
    check_channels(&Model::rnnoise(), CHANNELS[2]);
}
