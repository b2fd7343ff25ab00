//! `sourdine vad`: where in a file somebody speaks.
//!
//! The decisions are a model's, at the default thresholds ([`VoiceShape::TIGHT`](sourdine::VoiceShape::TIGHT), chosen for
//! `sourdine`). Closing gaps and padding then look both ways.

mod format;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde::Serialize;
use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_wav::SoundReader;

use crate::failure::Failure;
use crate::report::file;
use crate::segments::{SegmentShape, Segmenter, span};
use crate::{models, output};

/// Blocks of 10 ms that are read at a time.
const BLOCKS_PER_READ: usize = 100;

/// `sourdine vad`.
#[derive(Debug, Args)]
#[command(after_help = "Durations are seconds (0.25) or milliseconds (250ms).\n\nExamples:\n  \
    sourdine vad talk.wav | jq '.segments[].start'\n  \
    sourdine vad talk.wav --format audacity -o talk.labels.txt\n  \
    sourdine vad talk.wav --format rttm --min-silence 1s")]
pub(crate) struct VadArgs {
    /// The sound file to look through
    pub(crate) input: PathBuf,

    /// Where the segments go [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Replace an output file that exists
    #[arg(short, long)]
    pub(crate) force: bool,

    /// How the segments are written
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub(crate) format: Format,

    /// Drop voice shorter than this
    #[arg(long, value_name = "TIME", default_value = "100ms", help_heading = "Segments")]
    pub(crate) min_speech: Duration,

    /// Close gaps shorter than this
    #[arg(long, value_name = "TIME", default_value = "200ms", help_heading = "Segments")]
    pub(crate) min_silence: Duration,

    /// Add this before and after each segment
    #[arg(long, value_name = "TIME", default_value = "30ms", help_heading = "Segments")]
    pub(crate) pad: Duration,

    /// The model that decides (see `sourdine models`)
    #[arg(short, long, value_name = "NAME|PATH", default_value = "sourdine")]
    pub(crate) model: String,
}

/// How segments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One object with the file, the settings and all segments
    Json,
    /// A line each: start and end in seconds, then in frames
    Csv,
    /// A label track for Audacity (File > Import > Labels)
    Audacity,
    /// NIST's rich transcription time marks
    Rttm,
}

/// A duration: `0.25` and `0.25s` are seconds, `250ms` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Duration(pub(crate) f64);

impl Duration {
    pub(crate) fn frames(self, rate: u32) -> u64 {
        (self.0 * f64::from(rate)).round() as u64
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(number), _) => (number, 1e-3),
            (None, Some(number)) => (number, 1.0),
            (None, None) => (text, 1.0),
        };
        match number.trim_end().parse::<f64>() {
            Ok(value) if (0.0..=3600.0).contains(&(value * unit)) => Ok(Self(value * unit)),
            _ => Err("give seconds (0.25) or milliseconds (250ms), up to an hour".into()),
        }
    }
}

/// What was found. This is the JSON object, field by field.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) input: String,
    pub(crate) sample_rate: u32,
    pub(crate) frames: u64,
    pub(crate) seconds: f64,
    pub(crate) model: String,
    /// Seconds of voice in all segments.
    pub(crate) voiced_seconds: f64,
    pub(crate) segments: Vec<Segment>,
    /// What was not right in the file and was repaired.
    pub(crate) notices: Vec<String>,
}

/// One segment: in seconds, and in frames of the file, the end not included.
#[derive(Debug, Serialize)]
pub(crate) struct Segment {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) start_frame: u64,
    pub(crate) end_frame: u64,
}

/// Looks through one file.
pub(crate) fn run(args: &VadArgs) -> Result<(), Failure> {
    if let Some(path) = &args.output {
        file::check(path, args.force)?;
    }
    let model = models::find(&args.model)?;
    let mut reader = SoundReader::open(&args.input)?;
    let rate = reader.spec().sample_rate;
    let shape = SegmentShape {
        min_speech: args.min_speech.frames(rate),
        min_silence: args.min_silence.frames(rate),
        pad: args.pad.frames(rate),
    };
    let (frames, segments) = detect(&mut reader, &args.input, &model, shape)?;
    let seconds = |frames: u64| frames as f64 / f64::from(rate);
    let segments: Vec<Segment> = segments
        .into_iter()
        .map(|s| Segment {
            start: seconds(s.start),
            end: seconds(s.end),
            start_frame: s.start,
            end_frame: s.end,
        })
        .collect();
    let found = Found {
        input: args.input.display().to_string(),
        sample_rate: rate,
        frames,
        seconds: seconds(frames),
        model: model.info().name,
        voiced_seconds: seconds(segments.iter().map(|s| s.end_frame - s.start_frame).sum()),
        segments,
        notices: reader.notices().iter().map(ToString::to_string).collect(),
    };
    for notice in &found.notices {
        output::notice(&format!("{}: {notice}", args.input.display()));
    }
    let text = format::write(&found, args.format)?;
    match &args.output {
        Some(path) => file::write(path, args.force, text.as_bytes()),
        None => output::result(&text.trim_end()),
    }
}

/// Reads to the end; the frames there were, and the segments of speech in them.
pub(crate) fn detect(
    reader: &mut SoundReader,
    path: &Path,
    model: &Model,
    shape: SegmentShape,
) -> Result<(u64, Vec<Range<u64>>), Failure> {
    let spec = reader.spec();
    let (rate, channels) = (spec.sample_rate, usize::from(spec.channels));
    let step = (rate as usize / 100).max(1);
    let settings = Settings::default();
    let format = StreamFormat::new(rate, channels).with_fixed_block(step);
    let mut engine = Engine::new(format, &settings, model).map_err(Failure::stream(path))?;
    let mut segmenter = Segmenter::new(shape);
    // A decision belongs to the sound that its block puts out.
    let behind = engine.latency() as u64;
    let mut decide = |blocks: &mut [f32], index: &mut u64| -> Result<(), Failure> {
        for block in blocks.chunks_mut(step * channels) {
            let report = engine
                .process_interleaved_f32(block)
                .map_err(|error| Failure::Block { path: path.to_owned(), error })?;
            segmenter.push(span(*index, step as u64, behind), report.voice);
            *index += 1;
        }
        Ok(())
    };

    let mut blocks = vec![0.0; BLOCKS_PER_READ * step * channels];
    let (mut frames, mut index) = (0, 0);
    loop {
        let mut filled = 0;
        while filled < blocks.len() {
            let read = reader.read(&mut blocks[filled..])?;
            if read == 0 {
                break;
            }
            filled += read * channels;
        }
        frames += (filled / channels) as u64;
        if filled == blocks.len() {
            decide(&mut blocks, &mut index)?;
            continue;
        }
        // The end: silence fills the last block and pushes out what the engine still holds.
        blocks[filled..].fill(0.0);
        let last = filled.div_ceil(step * channels) * step * channels;
        decide(&mut blocks[..last], &mut index)?;
        for _ in 0..(behind as usize).div_ceil(step) {
            decide(&mut vec![0.0; step * channels], &mut index)?;
        }
        return Ok((frames, segmenter.finish(frames)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [("0.25", 0.25), ("0.25s", 0.25), ("250ms", 0.25), ("0", 0.0), ("1 s", 1.0)] {
            assert_eq!(text.parse::<Duration>().map(|d| d.0), Ok(seconds), "{text}");
        }
        for text in ["", "ms", "s", "-1", "nan", "inf", "1m", "1e9"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert_eq!(Duration(0.1).frames(44_100), 4410);
    }
}
