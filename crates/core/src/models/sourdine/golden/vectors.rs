//! Golden vectors of our own models: what PyTorch made of a few short sounds (`models/FORMAT.md`). Used here and by
//! `tests/golden.rs`.
#![allow(dead_code, clippy::unwrap_used)] // Each uses a part; a test may.

/// The cases for which all is given, some frames of each. For `repeated` there are gains and voice probabilities.
pub(crate) const CASES: [&str; 5] = ["speech", "clipped", "white", "silence", "reset"];

/// The frame before which the whole state is reset in the case `reset`.
pub(crate) const RESET: usize = 20;

/// Repetitions of `speech` in the case `repeated`.
const REPEATS: usize = 60;

const FRAME: usize = 480;

/// One file of golden vectors, written by our own trainer.
pub(crate) struct Golden(pub(crate) &'static [u8]);

impl Golden {
    /// The bytes of a tensor.
    fn tensor(&self, name: &str) -> &'static [u8] {
        let (length, rest) = self.0.split_at(8);
        let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        let header = std::str::from_utf8(header).unwrap();
        let (_, entry) = header.split_once(&format!("\"{name}\":")).unwrap();
        let (_, offsets) = entry.split_once("\"data_offsets\":[").unwrap();
        let (from, to) = offsets.split_once(']').unwrap().0.split_once(',').unwrap();
        &data[from.parse().unwrap()..to.parse().unwrap()]
    }

    /// A tensor of numbers, row after row.
    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        self.tensor(name).as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    }

    /// The frames of a case for which something is given, in rising order.
    pub(crate) fn frames(&self, case: &str) -> Vec<usize> {
        let at = self.tensor(&format!("{case}.at")).as_chunks::<4>().0;
        at.iter().map(|b| i32::from_le_bytes(*b) as usize).collect()
    }

    /// The input of a case: 48 kHz, ±1.0.
    pub(crate) fn input(&self, case: &str) -> Vec<f32> {
        let speech = self.tensor("speech.in").as_chunks::<2>().0;
        let speech: Vec<i16> = speech.iter().map(|b| i16::from_le_bytes(*b)).collect();
        let pcm = match case {
            "speech" => speech,
            "clipped" => speech[..40 * FRAME].iter().map(|x| x.saturating_mul(30)).collect(),
            "white" => {
                let mut state = 1_u32;
                let step = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((state >> 16) as i16) >> 3
                };
                std::iter::repeat_with(step).take(40 * FRAME).collect()
            }
            "silence" => vec![0; 20 * FRAME],
            "reset" => speech[..40 * FRAME].to_vec(),
            "repeated" => speech.repeat(REPEATS),
            _ => panic!("no case `{case}`"),
        };
        pcm.into_iter().map(|x| f32::from(x) / 32_768.0).collect()
    }
}
