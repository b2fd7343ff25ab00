//! Cleans a WAV file: `cargo run --release --example file -- noisy.wav clean.wav`. Real programs use `sourdine-soundfile`, which
//! keeps the rest of the file; this shows the engine alone.

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use sourdine::{Model, Settings, StreamFormat, denoise};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("usage: file IN.wav OUT.wav".into());
    };
    let mut reader = WavReader::open(from)?;
    let spec = reader.spec();
    let noisy: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        SampleFormat::Int => {
            let full_scale = (1_u64 << (spec.bits_per_sample - 1)) as f32;
            reader.samples::<i32>().map(|x| x.map(|x| x as f32 / full_scale)).collect::<Result<_, _>>()?
        }
    };

    let format = StreamFormat::new(spec.sample_rate, usize::from(spec.channels));
    let clean = denoise(&noisy, format, &Settings::default(), &Model::default())?;

    let spec = WavSpec { bits_per_sample: 32, sample_format: SampleFormat::Float, ..spec };
    let mut writer = WavWriter::create(to, spec)?;
    clean.iter().try_for_each(|x| writer.write_sample(*x))?;
    writer.finalize()?;
    Ok(())
}
