//! The whole conformance suite on the baseline model: every rate × channels × block length.

use sourdine::{Channels, Model};
use sourdine_testkit::conformance::{CHANNELS, RATES, check_stream};

fn check_channels(channels: usize) {
    for rate in RATES {
        check_stream(&Model::rnnoise(), rate, channels, Channels::Linked);
        if channels > 1 {
            check_stream(&Model::rnnoise(), rate, channels, Channels::Separate);
        }
    }
}

#[test]
fn rnnoise_mono() {
    check_channels(CHANNELS[0]);
}

#[test]
fn rnnoise_stereo() {
    check_channels(CHANNELS[1]);
}

#[test]
fn rnnoise_six_channels() {
    check_channels(CHANNELS[2]);
}
