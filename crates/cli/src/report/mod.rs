//! The report on a cleaned file: before, after and the treatment, at a glance.
//!
//! [`Recorder`] collects data while the file is cleaned, in constant memory, and gives a [`Picture`], which is drawn by
//! `plotters` as PNG or as SVG within a page.

mod axis;
mod chart;
mod html;
mod loudness;
mod noise;
mod palette;
mod player;
mod png;
mod pooled;
mod spectrum;
mod track;

use std::path::{Path, PathBuf};

use serde::Serialize;
use sourdine::signal::SILENCE_DBFS;
use sourdine::{Report, StreamFormat};

pub(crate) use loudness::Levels;
pub(crate) use noise::Noise;
use noise::NoiseMeter;
use pooled::{Pool, Pooled};
use track::{Side, Track};

use crate::args::ReportArgs;
use crate::failure::Failure;
use crate::inputs::{Plan, place};
use crate::output_file;

impl ReportArgs {
    /// The files to write.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        [&self.report, &self.spectrogram].into_iter().flatten().map(PathBuf::as_path).collect()
    }

    /// Refuses, before any work is done, reports that cannot be written: on several files, and under the name of a
    /// file that has another use.
    pub(crate) fn check(&self, plan: &Plan, overwrite: bool) -> Result<(), Failure> {
        let mut taken: Vec<PathBuf> =
            plan.tasks.iter().filter_map(|task| task.output_file().map(place)).collect();
        for path in self.paths() {
            let refuse = |why| Err(Failure::Write { path: path.into(), error: std::io::Error::other(why) });
            if plan.tasks.len() != 1 {
                return refuse("a report is about one file; give one input");
            }
            plan.untouched.refuse(path)?;
            if taken.contains(&place(path)) {
                return refuse("it has another use on this command line; name another file");
            }
            taken.push(place(path));
            output_file::check(path, overwrite)?;
            let is_page = self.report.as_deref() == Some(path);
            if !output_file::has_extension(path, if is_page { &["html", "htm"] } else { &["png"] }) {
                return refuse(if is_page {
                    "reports are HTML; end its name in .html"
                } else {
                    "spectrograms are PNG; end its name in .png"
                });
            }
        }
        Ok(())
    }

    /// Makes a recorder, if a report is asked for.
    pub(crate) fn recorder(&self, format: StreamFormat, latency: usize) -> Option<Recorder> {
        (self.report.is_some() || self.spectrogram.is_some()).then(|| Recorder::new(format, latency))
    }

    /// Writes the reports asked for.
    pub(crate) fn write(&self, recorder: Recorder, about: About, overwrite: bool) -> Result<(), Failure> {
        let picture = recorder.finish(about);
        if let Some(path) = &self.report {
            picture.write_html(path, overwrite)?;
        }
        if let Some(path) = &self.spectrogram {
            picture.write_png(path, overwrite)?;
        }
        Ok(())
    }
}

/// Facts about the file other than its sound.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// The input's name.
    pub(crate) input: String,
    /// The output's name.
    pub(crate) output: String,
    /// Input and output, where they are files.
    pub(crate) sounds: (Option<PathBuf>, Option<PathBuf>),
    pub(crate) model: String,
    /// None for no limit.
    pub(crate) attenuation_limit_db: Option<f32>,
    /// Faults that were repaired.
    pub(crate) notices: Vec<String>,
}

/// The sums of the engine's reports over a stretch of time.
#[derive(Debug, Default)]
struct Activity {
    frames: u32,
    voiced: u32,
    audible: u32,
    attenuation_db: f32,
}

impl Activity {
    /// Share of frames decided to hold voice.
    fn voice(&self) -> f32 {
        self.voiced as f32 / self.frames.max(1) as f32
    }

    /// Mean attenuation of frames that are not silent.
    fn attenuation_db(&self) -> f32 {
        self.attenuation_db / self.audible.max(1) as f32
    }
}

impl Pool for Activity {
    fn join(&mut self, next: &Self) {
        self.frames += next.frames;
        self.voiced += next.voiced;
        self.audible += next.audible;
        self.attenuation_db += next.attenuation_db;
    }
}

/// Collects the data of a report while a file is cleaned. Memory does not grow with the file.
#[derive(Debug)]
pub(crate) struct Recorder {
    format: StreamFormat,
    tick: usize,
    before: Track,
    after: Track,
    activity: Pooled<Activity>,
    /// Frames given to the engine since the last whole tick.
    given: usize,
    /// Ticks whose reports are about the time before the file.
    early: usize,
    noise: (NoiseMeter, NoiseMeter),
}

impl Recorder {
    /// A recorder for the engine's stream and its latency.
    pub(crate) fn new(format: StreamFormat, latency: usize) -> Self {
        // A rate that the engine refuses has no report either.
        let tick = format.step_frames().unwrap_or(1);
        let track = || Track::new(format.sample_rate, format.channels, tick);
        Self {
            format,
            tick,
            before: track(),
            after: track(),
            activity: Pooled::new(),
            given: 0,
            early: (latency + tick / 2) / tick,
            noise: (NoiseMeter::new(), NoiseMeter::new()),
        }
    }

    /// Takes the next interleaved samples of the input.
    pub(crate) fn push_before(&mut self, samples: &[f32]) {
        self.before.push(samples);
    }

    /// Takes the next interleaved samples of the output, with the engine's delay removed.
    pub(crate) fn push_after(&mut self, samples: &[f32]) {
        self.after.push(samples);
    }

    /// Takes the engine's report on the next block of `frames` frames, 10 ms or shorter.
    pub(crate) fn push_report(&mut self, report: Report, frames: usize) {
        self.given += frames;
        while self.given >= self.tick {
            self.given -= self.tick;
            if self.early > 0 {
                self.early -= 1;
            } else {
                self.push_tick(report);
            }
        }
    }

    fn push_tick(&mut self, report: Report) {
        let audible = report.input_dbfs > SILENCE_DBFS;
        self.activity.push(&Activity {
            frames: 1,
            voiced: u32::from(report.voice),
            audible: u32::from(audible),
            attenuation_db: if audible { report.attenuation_db() } else { 0.0 },
        });
        self.noise.0.push(report.input_dbfs, report.voice);
        self.noise.1.push(report.output_dbfs, report.voice);
    }

    /// Returns everything gathered.
    pub(crate) fn finish(self, about: About) -> Picture {
        let (before, after) = (self.before.finish(), self.after.finish());
        let figures = (
            Figures { levels: before.levels, noise: self.noise.0.finish() },
            Figures { levels: after.levels, noise: self.noise.1.finish() },
        );
        Picture {
            about,
            format: self.format,
            tick: self.tick,
            before,
            after,
            activity: self.activity,
            figures,
        }
    }
}

/// The figures of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    #[serde(flatten)]
    pub(crate) levels: Levels,
    #[serde(flatten)]
    pub(crate) noise: Noise,
}

/// A report, ready to be drawn.
#[derive(Debug)]
pub(crate) struct Picture {
    about: About,
    format: StreamFormat,
    /// Frames of the file that a tick covers.
    tick: usize,
    before: Side,
    after: Side,
    activity: Pooled<Activity>,
    figures: (Figures, Figures),
}

impl Picture {
    /// Writes a page that needs no file but the sound it plays.
    pub(crate) fn write_html(&self, path: &Path, overwrite: bool) -> Result<(), Failure> {
        let page = html::page(self, path).map_err(|reason| Failure::Picture { path: path.into(), reason })?;
        output_file::write(path, overwrite, page.as_bytes())
    }

    /// Writes a picture.
    pub(crate) fn write_png(&self, path: &Path, overwrite: bool) -> Result<(), Failure> {
        png::write(self, path, overwrite)
    }

    fn seconds(&self) -> f64 {
        self.before.frames.max(self.after.frames) as f64 / f64::from(self.format.sample_rate)
    }

    /// Seconds that a column of `span` ticks covers.
    fn column_seconds(&self, span: u64) -> f64 {
        span as f64 * self.tick as f64 / f64::from(self.format.sample_rate)
    }

    /// `12.3 s · 48 kHz · stereo`
    fn sound(&self) -> String {
        let channels = match self.format.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            n => format!("{n} channels"),
        };
        let khz = f64::from(self.format.sample_rate) / 1000.0;
        format!("{} · {khz} kHz · {channels}", duration(self.seconds()))
    }

    /// `model rnnoise · at most 60 dB down`
    fn treatment(&self) -> String {
        match self.about.attenuation_limit_db {
            Some(db) => format!("model {} · at most {db} dB down", self.about.model),
            None => format!("model {} · no attenuation limit", self.about.model),
        }
    }

    /// Each figure's name and unit, before and after.
    fn table(&self) -> [(&'static str, &'static str, Option<f64>, Option<f64>); 4] {
        let (b, a) = (&self.figures.0, &self.figures.1);
        [
            ("Loudness", "LUFS", b.levels.loudness_lufs, a.levels.loudness_lufs),
            ("True peak", "dBTP", b.levels.true_peak_dbtp, a.levels.true_peak_dbtp),
            ("Noise floor", "dBFS", b.noise.floor_dbfs, a.noise.floor_dbfs),
            ("Voice to noise", "dB", b.noise.snr_db, a.noise.snr_db),
        ]
    }
}

/// `12.3 s`, `4:05 min` or `1:02:03 h`.
fn duration(seconds: f64) -> String {
    if seconds < 99.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02} h") } else { format!("{m}:{s:02} min") }
}

/// A figure with a true minus sign, or a dash.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |v| format!("{v:.1}").replace('-', "−"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    /// Two seconds of a voice in noise, the noise gone after; the reports say so.
    fn picture(rate: u32, channels: usize, input: &str) -> Picture {
        let frames = 2 * rate as usize;
        let voice = signals::speechlike(frames, rate, 3);
        let noise = signals::noise(frames, 0.02, 4);
        let wide = |mono: Vec<f32>| -> Vec<f32> {
            mono.into_iter().flat_map(|x| std::iter::repeat_n(x, channels)).collect()
        };
        let mut recorder = Recorder::new(StreamFormat::new(rate, channels), 0);
        recorder.push_before(&wide(voice.iter().zip(&noise).map(|(v, n)| v + n).collect()));
        wide(voice).chunks(channels * 1001).for_each(|block| recorder.push_after(block));
        for k in 0..200 {
            let voice = k >= 100;
            let (input_dbfs, output_dbfs) = if voice { (-20.0, -20.0) } else { (-50.0, -70.0) };
            let mut report = Report::default();
            (report.voice, report.input_dbfs, report.output_dbfs) = (voice, input_dbfs, output_dbfs);
            recorder.push_report(report, rate as usize / 300);
            recorder.push_report(report, rate as usize / 100 - rate as usize / 300);
        }
        let about = About {
            input: input.into(),
            output: "out.wav".into(),
            sounds: (None, None),
            model: "rnnoise".into(),
            attenuation_limit_db: Some(60.0),
            notices: vec!["a <note>".into()],
        };
        recorder.finish(about)
    }

    #[test]
    fn figures_are_those_of_the_sound() {
        let picture = picture(48_000, 1, "talk.wav");
        let (before, after) = picture.figures;
        assert!((before.noise.floor_dbfs.unwrap() + 50.0).abs() <= 0.1, "{before:?}");
        assert!((after.noise.floor_dbfs.unwrap() + 70.0).abs() <= 0.1, "{after:?}");
        assert!((after.noise.snr_db.unwrap() - before.noise.snr_db.unwrap() - 20.0).abs() < 0.1);
        assert!(before.levels.loudness_lufs.unwrap() > after.levels.loudness_lufs.unwrap());
        let columns = picture.activity.columns();
        assert_eq!(columns.len(), 200);
        assert!(columns[50].voice() == 0.0 && columns[150].voice() == 1.0);
        assert!((columns[50].attenuation_db() - 20.0).abs() < 1e-3);
        assert_eq!(picture.seconds(), 2.0);
    }

    #[test]
    fn the_page_needs_nothing_and_says_nothing_but_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let picture = picture(44_100, 2, "<script>alert(\"1\")</script>.wav");
        picture.write_html(&path, false).unwrap();
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
        assert!(page.contains("a &lt;note&gt;"));
        let outside = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("://") && !outside.contains("url("), "nothing from elsewhere");
        assert_eq!(page.matches("data:image/png;base64,").count(), 2, "two spectrograms");
        for text in ["Before", "After", "Waveform", "Voice", "Turned down by", "LUFS", "dBTP", "stereo"] {
            assert!(page.contains(text), "{text}");
        }
        assert!(picture.write_html(&path, false).is_err(), "an existing file is kept");
        assert!(picture.write_html(&path, true).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
    }

    #[test]
    fn the_picture_is_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report"); // The format does not hang on the name.
        picture(8_000, 1, "talk.wav").write_png(&path, false).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        let size = chart::Layout { scale: 1.5, header: true }.size();
        let at = |n: usize| u32::from_be_bytes([bytes[n], bytes[n + 1], bytes[n + 2], bytes[n + 3]]);
        assert_eq!((at(16), at(20)), size);
        assert!(bytes.len() > 50_000, "{} bytes hold no spectrogram", bytes.len());
    }

    #[test]
    fn short_silent_and_odd_files_are_drawn_too() {
        for (rate, frames) in [(8_000, 0), (48_000, 1), (192_000, 100), (11_025, 11_025)] {
            let mut recorder = Recorder::new(StreamFormat::new(rate, 1), 0);
            recorder.push_before(&vec![0.0; frames]);
            recorder.push_after(&vec![f32::NAN; frames]);
            let picture = recorder.finish(About::default());
            assert_eq!(picture.figures.1, Figures::default());
            let folder = tempfile::tempdir().unwrap();
            picture.write_html(&folder.path().join("a.html"), false).unwrap();
            picture.write_png(&folder.path().join("a.png"), false).unwrap();
        }
    }

    #[test]
    fn durations_and_numbers_read_well() {
        assert_eq!(duration(5.04), "5.0 s");
        assert_eq!(duration(245.0), "4:05 min");
        assert_eq!(duration(3723.0), "1:02:03 h");
        assert_eq!((number(Some(-3.25)), number(None)), ("−3.2".into(), "–".into()));
    }
}
