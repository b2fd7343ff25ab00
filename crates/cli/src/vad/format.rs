//! The forms in which segments are written.

use std::fmt::Write;
use std::path::Path;

use super::Detection;
use crate::args::Format;
use crate::failure::Failure;
use crate::output::{self, is_unprintable};

/// All segments as text, with a line end at the end of each line. `one_line` is for JSON among that of other files.
pub(super) fn write(found: &Detection, format: Format, one_line: bool) -> Result<String, Failure> {
    let mut text = String::new();
    match format {
        Format::Json => {
            text = output::json(found, !one_line)?;
            text.push('\n');
        }
        Format::Csv => {
            text.push_str("start,end,start_frame,end_frame\n");
            for s in &found.segments {
                let _ = writeln!(text, "{:.6},{:.6},{},{}", s.start, s.end, s.start_frame, s.end_frame);
            }
        }
        Format::Audacity => {
            for s in &found.segments {
                let _ = writeln!(text, "{:.6}\t{:.6}\tvoice", s.start, s.end);
            }
        }
        Format::Rttm => {
            let name = rttm_name(&found.input);
            for s in &found.segments {
                let _ = writeln!(
                    text,
                    "SPEAKER {name} 1 {:.6} {:.6} <NA> <NA> speech <NA> <NA>",
                    s.start,
                    s.end - s.start
                );
            }
        }
    }
    Ok(text)
}

/// RTTM separates its fields by spaces, so a name has none.
fn rttm_name(input: &str) -> String {
    let stem = Path::new(input).file_stem().unwrap_or_default().to_string_lossy();
    let name: String =
        stem.chars().map(|c| if c.is_whitespace() || is_unprintable(c) { '_' } else { c }).collect();
    if name.is_empty() { "-".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vad::Segment;

    fn found() -> Detection {
        Detection {
            input: "a/my talk.wav".into(),
            sample_rate: 48_000,
            frames: 96_000,
            seconds: 2.0,
            model: "sourdine".into(),
            voiced_seconds: 0.5,
            segments: vec![Segment { start: 0.5, end: 1.0, start_frame: 24_000, end_frame: 48_000 }],
            notices: Vec::new(),
        }
    }

    #[test]
    fn forms() {
        let text = |format| write(&found(), format, false).expect("written");
        assert_eq!(text(Format::Csv), "start,end,start_frame,end_frame\n0.500000,1.000000,24000,48000\n");
        assert_eq!(text(Format::Audacity), "0.500000\t1.000000\tvoice\n");
        assert_eq!(text(Format::Rttm), "SPEAKER my_talk 1 0.500000 0.500000 <NA> <NA> speech <NA> <NA>\n");
        let json: serde_json::Value = serde_json::from_str(&text(Format::Json)).expect("JSON");
        assert_eq!(json["segments"][0]["start_frame"], 24_000);
    }
}
