//! What cannot be is refused when the stream is made, with a sentence that says why and what to do.
#![allow(clippy::unwrap_used)] // A test may.

use sourdine::{ConfigError, Engine, GateParams, Model, Settings, StreamFormat, VadParams};

fn refusal(format: StreamFormat, settings: Settings) -> ConfigError {
    let error = Engine::new(format, &settings, &Model::rnnoise()).unwrap_err();
    let sentence = error.to_string();
    assert!(sentence.len() > 15 && !sentence.contains('\n'), "{sentence}");
    error
}

#[test]
fn rates_channels_and_blocks() {
    let plain = Settings::default();
    for rate in [0, 1, 7_999, 192_001, 3_000_000, u32::MAX] {
        assert_eq!(refusal(StreamFormat::new(rate, 1), plain), ConfigError::SampleRate { rate });
    }
    for rate in [44_056, 44_101, 47_999] {
        let error = refusal(StreamFormat::new(rate, 1), plain);
        assert!(matches!(error, ConfigError::SampleRateGrid { .. }), "{error}");
    }
    for channels in [0, 9, usize::MAX] {
        assert_eq!(refusal(StreamFormat::new(48_000, channels), plain), ConfigError::Channels { channels });
    }
    let empty = StreamFormat::new(48_000, 1).with_fixed_block(0);
    assert_eq!(refusal(empty, plain), ConfigError::EmptyBlock);
}

#[test]
fn settings_out_of_range() {
    let format = StreamFormat::new(48_000, 1);
    for db in [-1.0, f32::NAN, f32::NEG_INFINITY] {
        let settings = Settings::default().with_attenuation_limit_db(db);
        assert!(matches!(
            refusal(format, settings),
            ConfigError::Setting { name: "attenuation_limit_db", .. }
        ));
    }
    let gates = [
        GateParams::default().with_depth_db(90.0),
        GateParams::default().with_hold_ms(-1.0),
        GateParams::default().with_release_ms(0.0),
    ];
    for gate_params in gates {
        refusal(format, Settings::default().with_gate_params(gate_params));
    }
    for voice in [VadParams::default().with_on(1.5), VadParams::default().with_off(0.9)] {
        refusal(format, Settings::default().with_vad(voice));
    }
    for model_latency in [48_001, usize::MAX] {
        refusal(format, Settings::default().with_model_latency(model_latency));
    }
}
