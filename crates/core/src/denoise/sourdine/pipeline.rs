//! The two halves of the network on two threads, for files: the same bits as on one, a quarter of a second later.
//!
//! Frames go in batches to a thread that hears them (transforms, first half); what it found comes back two batches
//! later, and the caller's thread speaks (second half, transforms back). A batch is long enough that waking a thread
//! costs nothing beside it, and two on the way are enough that neither waits for the other's hiccups.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use realfft::num_complex::Complex32;

use super::super::{FrameDenoiser, ModelInfo, ModelSource};
use super::{Sourdine, Stream};
use crate::dsp::stft::BINS;
use crate::nn::network::State;
use crate::settings::Channels;
use crate::signal::MODEL_FRAME;

/// Frames that are handed over at a time.
const BATCH: usize = 8;

/// Batches that are on their way while another is filled.
const ON_THE_WAY: usize = 2;

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
        Box::new(Halves::new(self.0.clone(), channels, mode))
    }
}

/// A batch of frames and what the first half makes of them.
struct Parcel {
    frames: Vec<f32>,
    spectra: Vec<Complex32>,
    /// From one half of the network to the other; for each frame and group.
    handed: Vec<f32>,
    /// Whether the network heard the frame, or rests; for each frame and group.
    heard: Vec<bool>,
}

/// The lengths of a frame's parts.
#[derive(Clone, Copy)]
struct Shape {
    groups: usize,
    /// Of one group: samples, bins, numbers handed over.
    samples: usize,
    bins: usize,
    handed: usize,
}

impl Shape {
    fn parcel(self) -> Parcel {
        let frames = BATCH * self.groups;
        Parcel {
            frames: vec![0.0; frames * self.samples],
            spectra: vec![Complex32::default(); frames * self.bins],
            handed: vec![0.0; frames * self.handed],
            heard: vec![false; frames],
        }
    }
}

/// The caller's side.
struct Halves {
    source: Sourdine,
    channels: usize,
    mode: Channels,
    shape: Shape,
    mouth: Stream,
    to_ear: SyncSender<Parcel>,
    from_ear: Receiver<Parcel>,
    filling: Parcel,
    /// What is spoken meanwhile; none before the first has come back.
    speaking: Option<Parcel>,
    /// Position in both.
    at: usize,
    on_the_way: usize,
}

impl Halves {
    fn new(source: Sourdine, channels: usize, mode: Channels) -> Self {
        let mut ear = Stream::new(&source, channels, mode);
        let each = channels / ear.groups.len();
        let shape = Shape {
            groups: ear.groups.len(),
            samples: each * MODEL_FRAME,
            bins: each * BINS,
            handed: State::handed(&source.weights),
        };
        let (to_ear, parcels) = sync_channel(ON_THE_WAY + 1);
        let (back, from_ear) = sync_channel(ON_THE_WAY + 1);
        // It ends when `to_ear` is dropped.
        #[expect(
            clippy::disallowed_methods,
            reason = "the core's only thread, and only where a file asks for it"
        )]
        std::thread::spawn(move || {
            for mut parcel in parcels {
                hear(&mut ear, shape, &mut parcel);
                if back.send(parcel).is_err() {
                    return;
                }
            }
        });
        Self {
            mouth: Stream::new(&source, channels, mode),
            source,
            channels,
            mode,
            shape,
            to_ear,
            from_ear,
            filling: shape.parcel(),
            speaking: None,
            at: 0,
            on_the_way: 0,
        }
    }

    /// Sends the full batch on its way and takes up the one that comes back. False if the other thread is no more.
    fn turn(&mut self) -> bool {
        let waits = self.on_the_way == ON_THE_WAY;
        let spoken = if waits { self.speaking.take() } else { None };
        let empty = spoken.unwrap_or_else(|| self.shape.parcel());
        if self.to_ear.send(std::mem::replace(&mut self.filling, empty)).is_err() {
            return false;
        }
        if waits {
            self.speaking = self.from_ear.recv().ok();
            return self.speaking.is_some();
        }
        self.on_the_way += 1;
        true
    }
}

fn hear(ear: &mut Stream, shape: Shape, parcel: &mut Parcel) {
    let frames = parcel.frames.chunks_exact(shape.samples);
    let found = parcel.spectra.chunks_exact_mut(shape.bins).zip(parcel.handed.chunks_exact_mut(shape.handed));
    for (n, ((frame, heard), (spectra, handed))) in frames.zip(&mut parcel.heard).zip(found).enumerate() {
        let group = n % shape.groups;
        *heard = ear.hear(group, frame);
        if *heard {
            spectra.copy_from_slice(&ear.spectra);
            ear.groups[group].state.hand_over(handed);
        }
    }
}

impl FrameDenoiser for Halves {
    fn latency(&self) -> usize {
        (LATER + 1) * MODEL_FRAME
    }

    /// Not for an audio thread: it waits for the other one.
    fn process(&mut self, frame: &mut [f32]) -> f32 {
        let Shape { groups, samples, bins, handed } = self.shape;
        let at = self.at * groups;
        self.filling.frames[at * samples..][..frame.len()].copy_from_slice(frame);
        let mut most = 0.0;
        match &self.speaking {
            None => frame.fill(0.0),
            Some(parcel) => {
                for (group, frame) in frame.chunks_exact_mut(samples).enumerate() {
                    let n = at + group;
                    if !parcel.heard[n] {
                        frame.fill(0.0);
                        continue;
                    }
                    self.mouth.spectra.copy_from_slice(&parcel.spectra[n * bins..][..bins]);
                    self.mouth.groups[group].state.take_over(&parcel.handed[n * handed..][..handed]);
                    let probability = self.mouth.speak(group, frame);
                    // Not `f32::max`: it would hide a NaN.
                    most = if probability <= most { most } else { probability };
                }
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
