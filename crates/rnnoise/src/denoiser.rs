//! One mono stream in RNNoise's units, whichever model it runs.

use nnnoiseless::{DenoiseState, RnnModel};
use sourdine::{Channels, FrameDenoiser, Model};

pub(crate) const FRAME: usize = DenoiseState::FRAME_SIZE;

/// Samples beyond this (30 dB over full scale) are clipped, so that no filter overflows.
const LARGEST: f32 = 1_048_576.0;

const I16_SCALE: f32 = 32_768.0;

/// The first line of RNNoise 0.1's model files.
const TEXT_HEADER: &[u8] = b"rnnoise-nu model file version 1";

/// Weights, shared by any number of streams.
#[derive(Clone)]
pub(crate) enum Weights {
    /// RNNoise 0.1's network, run directly: the voice probability is the network's own.
    Baseline(Box<RnnModel>),
    Own(Model),
}

impl Weights {
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        match name {
            "rnnoise" => Some(Self::Baseline(Box::default())),
            name => Model::by_name(name).map(Self::Own),
        }
    }

    pub(crate) fn default_model() -> Self {
        if cfg!(feature = "sourdine-default") {
            Self::Own(Model::sourdine())
        } else {
            Self::Baseline(Box::default())
        }
    }

    /// Reads RNNoise 0.1's text form, nnnoiseless' binary form or Sourdine's own.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let binary;
        let bytes = match bytes.strip_prefix(TEXT_HEADER) {
            Some(numbers) => {
                binary = text_to_binary(numbers)?;
                &binary
            }
            None => bytes,
        };
        // The engine's reader checks every field; nnnoiseless' own does not look at all of them.
        let model = Model::from_bytes("from memory", bytes).ok()?;
        Some(
            RnnModel::from_bytes(bytes).map_or(Self::Own(model), |weights| Self::Baseline(Box::new(weights))),
        )
    }
}

/// nnnoiseless' binary form is the text form's numbers as bytes.
fn text_to_binary(numbers: &[u8]) -> Option<Vec<u8>> {
    let numbers = std::str::from_utf8(numbers).ok()?;
    numbers.split_ascii_whitespace().map(|n| n.parse::<i8>().ok().map(i8::cast_unsigned)).collect()
}

pub(crate) struct Denoiser {
    network: Network,
    frame: [f32; FRAME],
    output: [f32; FRAME],
}

enum Network {
    Baseline(Box<DenoiseState<'static>>),
    Own(Box<dyn FrameDenoiser>),
}

impl Denoiser {
    pub(crate) fn new(weights: Weights) -> Self {
        let network = match weights {
            Weights::Baseline(weights) => Network::Baseline(DenoiseState::from_model(*weights)),
            Weights::Own(model) => Network::Own(model.denoiser(1, Channels::Separate)),
        };
        Self { network, frame: [0.0; FRAME], output: [0.0; FRAME] }
    }

    /// Returns the buffer for the next frame.
    pub(crate) fn frame(&mut self) -> &mut [f32; FRAME] {
        &mut self.frame
    }

    /// Denoises the frame; returns the result and the voice probability.
    pub(crate) fn run(&mut self) -> (&[f32; FRAME], f32) {
        for x in &mut self.frame {
            *x = if x.is_finite() { x.clamp(-LARGEST, LARGEST) } else { 0.0 };
        }
        let probability = match &mut self.network {
            Network::Baseline(state) => state.process_frame(&mut self.output, &self.frame),
            Network::Own(denoiser) => {
                for (y, x) in self.output.iter_mut().zip(&self.frame) {
                    *y = x * (1.0 / I16_SCALE);
                }
                let probability = denoiser.process(&mut self.output);
                for y in &mut self.output {
                    *y *= I16_SCALE;
                }
                probability
            }
        };
        (&self.output, probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::alloc::{CountingAllocator, count};
    use sourdine_testkit::signals;

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;

    fn run(denoiser: &mut Denoiser, frame: &[f32]) -> Vec<f32> {
        denoiser.frame().copy_from_slice(frame);
        denoiser.run().0.to_vec()
    }

    #[test]
    fn allocations() {
        let sound = signals::speechlike(48_000, 48_000, 3);
        let sound: Vec<f32> = sound.iter().map(|x| x * 20_000.0).collect();
        for (name, first_frame_may) in [("rnnoise", true), ("sourdine", false), ("sourdine-lite", false)] {
            let mut denoiser = Denoiser::new(Weights::by_name(name).unwrap());
            let (first, rest) = sound.split_at(FRAME);
            denoiser.frame().copy_from_slice(first);
            let (calls, _) = count(|| denoiser.run().1);
            assert!(first_frame_may || calls == 0, "{name}: {calls} in the first frame");
            for frame in rest.chunks_exact(FRAME) {
                denoiser.frame().copy_from_slice(frame);
                assert_eq!(count(|| denoiser.run().1).0, 0, "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_forgotten() {
        let sound: Vec<f32> = signals::noise(20 * FRAME, 8_000.0, 5);
        for name in ["rnnoise", "sourdine", "sourdine-lite"] {
            let mut denoiser = Denoiser::new(Weights::by_name(name).unwrap());
            for wrong in [f32::NAN, f32::INFINITY, f32::MIN, 1e-40] {
                let mut frame = [wrong; FRAME];
                frame[0] = f32::MAX;
                run(&mut denoiser, &frame);
                for frame in sound.chunks_exact(FRAME) {
                    let out = run(&mut denoiser, frame);
                    assert!(out.iter().all(|y| y.is_finite()), "{name} after {wrong}");
                }
                let last = run(&mut denoiser, &sound[..FRAME]);
                assert!(last.iter().any(|y| *y != 0.0), "{name} is silent after {wrong}");
            }
        }
    }

    #[test]
    fn text_and_binary_weights_are_the_same() {
        // A small network of the right shape: 42 features, 22 gains, one voice output.
        let mut rng = signals::Random::new(7);
        let mut binary = Vec::new();
        let layers = [(42, 3, 0), (3, 2, 1), (42 + 3 + 2, 4, 1), (42 + 2 + 4, 5, 2), (5, 22, 1), (2, 1, 1)];
        for (index, (inputs, neurons, activation)) in layers.into_iter().enumerate() {
            let recurrent = (1..=3).contains(&index);
            let count = if recurrent { 3 * neurons * (inputs + neurons + 1) } else { neurons * (inputs + 1) };
            binary.extend([inputs as u8, neurons as u8, activation]);
            binary.extend((0..count).map(|_| rng.bits() as u8));
        }
        let numbers: Vec<String> = binary.iter().map(|b| b.cast_signed().to_string()).collect();
        let text = format!("rnnoise-nu model file version 1\n{}\n", numbers.join(" "));

        let sound = signals::noise(10 * FRAME, 5_000.0, 9);
        let mut a = Denoiser::new(Weights::from_bytes(&binary).unwrap());
        let mut b = Denoiser::new(Weights::from_bytes(text.as_bytes()).unwrap());
        let mut output = 0.0;
        for frame in sound.chunks_exact(FRAME) {
            let left = run(&mut a, frame);
            assert_eq!(left, run(&mut b, frame));
            output += left.iter().map(|y| y.abs()).sum::<f32>();
        }
        assert!(output > 0.0);

        for wrong in ["", " ", "\n1 2 3", "\n42 x", "\n300"] {
            assert!(
                Weights::from_bytes(format!("rnnoise-nu model file version 1{wrong}").as_bytes()).is_none()
            );
        }
        for cut in [0, 1, 2, 3, 100, binary.len() - 1] {
            assert!(Weights::from_bytes(&binary[..cut]).is_none(), "cut at {cut}");
        }
        assert!(Weights::from_bytes(b"DNNw and more").is_none());
    }
}
