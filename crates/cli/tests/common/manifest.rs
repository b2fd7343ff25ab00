//! The samples' manifest.

use std::path::Path;

use sourdine_soundfile::SoundReader;

use super::samples;

/// One `[[sample]]` of the manifest.
pub(crate) struct Sample(pub(crate) toml::Table);

impl Sample {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap()
    }
    pub(crate) fn whole(&self, key: &str) -> u64 {
        self.0[key].as_integer().unwrap().try_into().unwrap()
    }
    pub(crate) fn numbers(&self, key: &str) -> Vec<f64> {
        numbers(&self.0[key])
    }
    /// Spans in seconds as ranges of frames.
    pub(crate) fn spans(&self, key: &str) -> Vec<std::ops::Range<usize>> {
        let frame = |seconds: f64| (seconds * self.whole("rate") as f64) as usize;
        let spans = self.0[key].as_array().unwrap().iter().map(numbers);
        spans.map(|s| frame(s[0])..frame(s[1])).collect()
    }
    pub(crate) fn expected(&self, key: &str) -> Option<&toml::Value> {
        self.0.get("expect")?.get(key)
    }
}

pub(crate) fn numbers(value: &toml::Value) -> Vec<f64> {
    let number = |x: &toml::Value| x.as_float().or(x.as_integer().map(|i| i as f64)).unwrap();
    value.as_array().map_or_else(|| vec![number(value)], |list| list.iter().map(number).collect())
}

pub(crate) fn manifest() -> Vec<Sample> {
    let text = std::fs::read_to_string(samples().join("manifest.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    table["sample"].as_array().unwrap().iter().map(|s| Sample(s.as_table().unwrap().clone())).collect()
}

pub(crate) fn read(path: &Path) -> (SoundReader, Vec<f32>) {
    let mut reader = SoundReader::open(path).unwrap();
    let frames = reader.frames().unwrap();
    let mut samples = vec![0.0; frames as usize * usize::from(reader.spec().channels)];
    assert_eq!(reader.read(&mut samples).unwrap() as u64, frames);
    (reader, samples)
}

/// The parts of one channel that the spans name.
pub(crate) fn parts(x: &[f32], spans: &[std::ops::Range<usize>]) -> Vec<f32> {
    spans.iter().flat_map(|span| x[span.start..span.end.min(x.len())].to_vec()).collect()
}
