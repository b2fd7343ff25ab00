//! One stream on two threads, for files: the same bits as on one, 0.4 s later.
//!
//! The network is more than half of all the work. Frames go to the other thread in batches, which come back four batches later; transforms
//! and what is made of the gains stay with the caller, so that little but the network's inputs and outputs travels from
//! one processor's cache to the other's. A batch is long enough that waking a thread costs nothing beside it, and four on
//! the way are enough that neither waits for the other's hiccups.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rustfft::num_complex::Complex32;

use super::super::{FrameDenoiser, ModelInfo, ModelSource};
use super::{Sourdine, Stream};
use crate::dsp::stft::BINS;
use crate::nn::network::{Mind, State};
use crate::nn::weights::INPUTS;
use crate::settings::Channels;
use crate::signal::MODEL_FRAME;

/// Frames that are handed over at a time.
const BATCH: usize = 8;

/// Batches that are on their way while another is filled.
const ON_THE_WAY: usize = 4;

/// The delay beyond that of one thread, in frames.
const LATER: usize = BATCH * (ON_THE_WAY + 1);

pub(super) struct Pipeline(pub(super) Sourdine);

impl ModelSource for Pipeline {
    fn info(&self) -> ModelInfo {
        let info = self.0.info();
        let latency = info.latency.0 + LATER * MODEL_FRAME;
        ModelInfo { latency: (latency, latency), ..info }
    }

    fn denoiser(&self, channels: usize, mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(Pipelined::new(self.0.clone(), channels, mode))
    }
}

/// A batch of frames on its way: one of each for every frame and group.
struct Parcel {
    passages: Vec<Passage>,
}

/// One group's frame between hearing and speaking.
struct Passage {
    /// Whether the network heard the frame, or rests.
    heard: bool,
    spectra: Vec<Complex32>,
    earlier: Vec<Complex32>,
    aside: Vec<f32>,
    /// All that the other thread reads, and all that it writes.
    inputs: Vec<f32>,
    logits: Vec<f32>,
}

/// The caller's side.
struct Pipelined {
    source: Sourdine,
    channels: usize,
    mode: Channels,
    stream: Stream,
    to_thinker: SyncSender<Parcel>,
    from_thinker: Receiver<Parcel>,
    filling: Parcel,
    /// What is spoken meanwhile; none before the first has come back.
    speaking: Option<Parcel>,
    /// Position in both, in frames.
    at: usize,
    on_the_way: usize,
}

impl Pipelined {
    fn new(source: Sourdine, channels: usize, mode: Channels) -> Self {
        let stream = Stream::new(&source, channels, mode);
        let groups = stream.groups.len();
        let (to_thinker, parcels) = sync_channel::<Parcel>(ON_THE_WAY + 1);
        let (back, from_thinker) = sync_channel(ON_THE_WAY + 1);
        let (weights, kernels) = (source.weights.clone(), source.kernels);
        // It ends when `to_thinker` is dropped.
        #[expect(
            clippy::disallowed_methods,
            reason = "the core's only thread, and only where a file asks for it"
        )]
        std::thread::spawn(move || {
            let mut minds: Vec<_> = (0..groups).map(|_| Mind::new(&weights)).collect();
            for mut parcel in parcels {
                for frame in parcel.passages.chunks_exact_mut(groups) {
                    for (passage, mind) in frame.iter_mut().zip(&mut minds).filter(|(p, _)| p.heard) {
                        weights.think(kernels, &passage.inputs, mind, &mut passage.logits);
                    }
                }
                if back.send(parcel).is_err() {
                    return;
                }
            }
        });
        Self {
            filling: Self::parcel(&stream),
            stream,
            source,
            channels,
            mode,
            to_thinker,
            from_thinker,
            speaking: None,
            at: 0,
            on_the_way: 0,
        }
    }

    fn parcel(stream: &Stream) -> Parcel {
        let passage = || Passage {
            heard: false,
            spectra: vec![Complex32::default(); stream.spectra.len()],
            earlier: vec![Complex32::default(); stream.earlier.len()],
            aside: vec![0.0; State::ASIDE],
            inputs: vec![0.0; INPUTS],
            logits: vec![0.0; State::LOGITS],
        };
        Parcel { passages: std::iter::repeat_with(passage).take(BATCH * stream.groups.len()).collect() }
    }

    /// Sends the full batch on its way and takes up the one that comes back. False if the other thread is no more.
    fn turn(&mut self) -> bool {
        let waits = self.on_the_way == ON_THE_WAY;
        let spoken = if waits { self.speaking.take() } else { None };
        let empty = spoken.unwrap_or_else(|| Self::parcel(&self.stream));
        if self.to_thinker.send(std::mem::replace(&mut self.filling, empty)).is_err() {
            return false;
        }
        if waits {
            self.speaking = self.from_thinker.recv().ok();
            return self.speaking.is_some();
        }
        self.on_the_way += 1;
        true
    }
}

impl FrameDenoiser for Pipelined {
    fn latency(&self) -> usize {
        (LATER + 1) * MODEL_FRAME
    }

    /// Not for an audio thread: it waits for the other one.
    fn process(&mut self, frame: &mut [f32]) -> f32 {
        let stream = &mut self.stream;
        let samples = stream.spectra.len() / BINS * MODEL_FRAME;
        let first = self.at * stream.groups.len();
        let mut most = 0.0;
        for (group, frame) in frame.chunks_exact_mut(samples).enumerate() {
            let passage = &mut self.filling.passages[first + group];
            passage.heard = stream.hear(group, frame);
            if passage.heard {
                let state = &mut stream.groups[group].state;
                std::mem::swap(&mut stream.spectra, &mut passage.spectra);
                std::mem::swap(&mut stream.earlier, &mut passage.earlier);
                passage.inputs.copy_from_slice(&state.inputs);
                std::mem::swap(&mut state.aside, &mut passage.aside);
            }
            match &mut self.speaking {
                Some(parcel) if parcel.passages[first + group].heard => {
                    let passage = &mut parcel.passages[first + group];
                    let state = &mut stream.groups[group].state;
                    std::mem::swap(&mut stream.spectra, &mut passage.spectra);
                    std::mem::swap(&mut stream.earlier, &mut passage.earlier);
                    std::mem::swap(&mut state.logits, &mut passage.logits);
                    std::mem::swap(&mut state.aside, &mut passage.aside);
                    let probability = stream.speak(group, frame);
                    // Not `f32::max`: it would hide a NaN.
                    most = if probability <= most { most } else { probability };
                }
                _ => frame.fill(0.0),
            }
        }
        self.at = (self.at + 1) % BATCH;
        if self.at == 0 && !self.turn() {
            // The engine passes the input on instead, and counts it.
            frame.fill(f32::NAN);
        }
        most
    }

    fn reset(&mut self) {
        *self = Self::new(self.source.clone(), self.channels, self.mode);
    }

    fn recover(&mut self) -> bool {
        self.reset();
        true
    }
}
