//! A plug-in whose host connects ports to memory by number, as LADSPA's and LV2's do.
//!
//! The ports: audio inputs, audio outputs, the parameters in their order, the latency.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::block::{Block, MAX_CHANNELS};
use crate::denoiser::Denoiser;
use crate::parameters::{ALL, Id, Values};

/// How many channels each of the plug-ins has, by its index.
pub(crate) const CHANNELS: [usize; 2] = [1, MAX_CHANNELS];

/// What a host calls the plug-ins, by their index.
pub(crate) const NAMES: [&str; 2] = ["Sourdine mono", "Sourdine stereo"];

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Input(usize),
    Output(usize),
    /// The parameter's place in [`ALL`].
    Parameter(usize),
    Latency,
}

/// Returns the ports of a plug-in in the order of their numbers.
pub(crate) fn ports(channels: usize) -> Vec<Port> {
    let inputs = (0..channels).map(Port::Input);
    let outputs = (0..channels).map(Port::Output);
    inputs.chain(outputs).chain((0..ALL.len()).map(Port::Parameter)).chain([Port::Latency]).collect()
}

/// The value of the last parameter's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// 1 passes the sound through.
    Bypass,
    /// 0 passes the sound through, as LV2 has it.
    Enabled,
}

/// An instance, and what its host connected.
pub(crate) struct Instance {
    denoiser: Denoiser,
    channels: usize,
    switch: Switch,
    connected: Vec<*mut f32>,
}

impl Instance {
    /// Makes an instance; null if the rate is not supported, and standard error says why.
    pub(crate) fn make(sample_rate: f64, channels: usize, switch: Switch) -> *mut Self {
        catch_panic(std::ptr::null_mut(), || match Denoiser::new(sample_rate, channels) {
            Ok(denoiser) => Box::into_raw(Box::new(Self {
                denoiser,
                channels,
                switch,
                connected: vec![std::ptr::null_mut(); ports(channels).len()],
            })),
            Err(why) => {
                // If that fails there is no other way to report it.
                let _ = writeln!(std::io::stderr(), "sourdine: {why}");
                std::ptr::null_mut()
            }
        })
    }

    /// Ends an instance.
    ///
    /// # Safety
    /// `instance` is null or one of [`make`](Self::make)'s that is no longer in use.
    pub(crate) unsafe fn end(instance: *mut Self) {
        if !instance.is_null() {
            // SAFETY: the caller's promise.
            catch_panic((), || drop(unsafe { Box::from_raw(instance) }));
        }
    }

    /// Calls `work` with an instance, unless the pointer is null.
    ///
    /// # Safety
    /// `instance` is null or one of [`make`](Self::make)'s, used by one thread at a time.
    pub(crate) unsafe fn with(instance: *mut Self, work: impl FnOnce(&mut Self)) {
        // SAFETY: the caller's promise.
        if let Some(instance) = unsafe { instance.as_mut() } {
            catch_panic((), || work(instance));
        }
    }

    pub(crate) fn connect(&mut self, port: usize, memory: *mut f32) {
        if let Some(connected) = self.connected.get_mut(port) {
            *connected = memory;
        }
    }

    pub(crate) fn reset(&mut self) {
        self.denoiser.reset();
    }

    /// Reads the parameters, denoises a block, states the latency.
    ///
    /// # Safety
    /// The memory connected to the audio ports is valid for `frames` samples, that of the others for one.
    pub(crate) unsafe fn run(&mut self, frames: usize) {
        let (audio, others) = self.connected.split_at(2 * self.channels);
        let (parameters, latency) = others.split_at(ALL.len());
        let mut values = Values::default();
        for (parameter, port) in ALL.iter().zip(parameters) {
            // SAFETY: the caller's promise.
            let Some(value) = (unsafe { port.as_ref() }) else { continue };
            let is_switch = parameter.id == Id::Bypass && self.switch == Switch::Enabled;
            values.set(parameter.id, f64::from(if is_switch { 1.0 - value } else { *value }));
        }
        self.denoiser.set(&values);
        let mut inputs = [std::ptr::null(); MAX_CHANNELS];
        let mut outputs = [std::ptr::null_mut(); MAX_CHANNELS];
        for channel in 0..self.channels {
            inputs[channel] = audio[channel].cast_const();
            outputs[channel] = audio[self.channels + channel];
        }
        // SAFETY: the caller's promise.
        let mut block = unsafe { Block::new(inputs, outputs, frames) };
        self.denoiser.process(&mut block, 0, frames);
        // SAFETY: the caller's promise.
        if let Some(latency) = unsafe { latency[0].as_mut() } {
            *latency = self.denoiser.latency() as f32;
        }
    }
}

/// Catches panics: nothing may unwind into a host.
fn catch_panic<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

// Entries that LADSPA and LV2 have alike; those with numbers differ in their width.

pub(crate) unsafe extern "C" fn activate(instance: *mut Instance) {
    // SAFETY: the host gives an instance of ours.
    unsafe { Instance::with(instance, Instance::reset) };
}

pub(crate) unsafe extern "C" fn cleanup(instance: *mut Instance) {
    // SAFETY: the host gives an instance of ours, for the last time.
    unsafe { Instance::end(instance) };
}
