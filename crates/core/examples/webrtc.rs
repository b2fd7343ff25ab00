//! The engine where WebRTC's audio processing calls a capture post-processor: planar blocks of 10 ms, in the int16 range,
//! at whatever rate the call has just now. `cargo run --release --example webrtc`.
#![allow(clippy::print_stdout)] // Its output is what it shows.

use sourdine::{ConfigError, Engine, Model, Settings, StreamFormat};

/// What `webrtc::CustomProcessing` asks for: `Initialize` and `Process`.
struct CapturePostProcessor {
    engine: Engine,
}

impl CapturePostProcessor {
    /// Again whenever the call's rate or number of channels changes.
    fn initialize(sample_rate_hz: u32, channels: usize) -> Result<Self, ConfigError> {
        let format = StreamFormat::new(sample_rate_hz, channels);
        let block = format.step_frames()?;
        // An encoder follows: the ceiling keeps what the model makes louder than full scale from being cut.
        let settings = Settings::default().with_ceiling(true);
        Ok(Self { engine: Engine::new(format.with_fixed_block(block), &settings, &Model::default())? })
    }

    /// `audio` holds a slice per channel, in ±32768.
    fn process(&mut self, audio: &mut [&mut [f32]]) -> bool {
        match self.engine.process_planar_f32_in_i16_range(audio) {
            Ok(report) => report.voice,
            // The block is as it was: the call goes on with it.
            Err(_) => false,
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (rate, channels) in [(48_000, 1), (32_000, 2), (16_000, 1)] {
        let mut processor = CapturePostProcessor::initialize(rate, channels)?;
        let mut planes = vec![vec![0.0_f32; rate as usize / 100]; channels];
        let mut voiced = 0;
        for block in 0..100 {
            for plane in &mut planes {
                for (i, sample) in plane.iter_mut().enumerate() {
                    *sample = 3000.0 * ((block * 480 + i) as f32 * 0.02).sin();
                }
            }
            let mut audio: Vec<&mut [f32]> = planes.iter_mut().map(Vec::as_mut_slice).collect();
            voiced += u32::from(processor.process(&mut audio));
        }
        println!(
            "{rate} Hz, {channels} channels: delay {} frames, voice in {voiced} of 100 blocks",
            processor.engine.latency()
        );
    }
    Ok(())
}
