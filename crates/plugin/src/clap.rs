//! The CLAP plug-in, and by clap-wrapper the VST3 one.

use std::ffi::CStr;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use clack_extensions::audio_ports::{
    AudioPortFlags, AudioPortInfo, AudioPortInfoWriter, AudioPortType, PluginAudioPorts, PluginAudioPortsImpl,
};
use clack_extensions::latency::{PluginLatency, PluginLatencyImpl};
use clack_extensions::params::{
    HostParams, ParamDisplayWriter, ParamInfo, ParamInfoFlags, ParamInfoWriter, ParamRescanFlags,
    PluginAudioProcessorParams, PluginMainThreadParams, PluginParams,
};
use clack_extensions::render::{PluginRender, PluginRenderImpl, RenderMode};
use clack_extensions::state::{PluginState, PluginStateImpl};
use clack_extensions::tail::{PluginTail, PluginTailImpl, TailLength};
use clack_plugin::entry::prelude::*;
use clack_plugin::events::spaces::CoreEventSpace;
use clack_plugin::plugin::features::{AUDIO_EFFECT, MONO, RESTORATION, STEREO};
use clack_plugin::prelude::*;
use clack_plugin::stream::{InputStream, OutputStream};
use clack_plugin::utils::Cookie;

use crate::block::{Block, MAX_CHANNELS};
use crate::denoiser::Denoiser;
use crate::parameters::{ALL, Id, Kind, Parameter, Values};
use crate::ports::{CHANNELS, NAMES};

/// The identifiers of the plug-ins. Hosts store them, so they never change.
const IDS: [&str; 2] = ["sourdine.mono", "sourdine.stereo"];

/// The longest state that is read, in bytes.
const MAX_STATE: u64 = 65_536;

/// The entry of the library: both plug-ins.
pub struct SourdineEntry {
    factory: PluginFactoryWrapper<Factory>,
}

impl Entry for SourdineEntry {
    fn new(_bundle: Option<&CStr>) -> Result<Self, EntryLoadError> {
        let describe = |index: usize| {
            let layout = if CHANNELS[index] == 1 { MONO } else { STEREO };
            PluginDescriptor::new(IDS[index], NAMES[index])
                .with_vendor("The Sourdine developers")
                .with_version(env!("CARGO_PKG_VERSION"))
                .with_description("Removes noise from voice")
                .with_features([AUDIO_EFFECT, RESTORATION, layout])
        };
        Ok(Self { factory: PluginFactoryWrapper::new(Factory([describe(0), describe(1)])) })
    }

    fn declare_factories<'a>(&'a self, builder: &mut EntryFactories<'a>) {
        builder.register_factory(&self.factory);
    }
}

struct Factory([PluginDescriptor; 2]);

impl PluginFactoryImpl for Factory {
    fn plugin_count(&self) -> u32 {
        self.0.len() as u32
    }

    fn plugin_descriptor(&self, index: u32) -> Option<&PluginDescriptor> {
        self.0.get(index as usize)
    }

    fn create_plugin<'a>(&'a self, host: HostInfo<'a>, id: &CStr) -> Option<PluginInstance<'a>> {
        let index = self.0.iter().position(|descriptor| descriptor.id() == Some(id))?;
        Some(PluginInstance::new::<Sourdine>(
            host,
            &self.0[index],
            move |_| Ok(Shared::new(CHANNELS[index])),
            |host, shared| Ok(Main { host, shared }),
        ))
    }
}

struct Sourdine;

impl Plugin for Sourdine {
    type AudioProcessor<'a> = Processor<'a>;
    type Shared<'a> = Shared;
    type MainThread<'a> = Main<'a>;

    fn declare_extensions(builder: &mut PluginExtensions<Self>, _shared: Option<&Shared>) {
        builder
            .register::<PluginAudioPorts>()
            .register::<PluginLatency>()
            .register::<PluginParams>()
            .register::<PluginRender>()
            .register::<PluginState>()
            .register::<PluginTail>();
    }
}

/// What all threads of the host see. Each value stands for itself, so no order among them matters.
struct Shared {
    channels: usize,
    latency: AtomicU32,
    values: [AtomicU64; ALL.len()],
}

impl PluginShared<'_> for Shared {}

impl Shared {
    fn new(channels: usize) -> Self {
        let values = ALL.map(|parameter| parameter.default.to_bits().into());
        Self { channels, latency: AtomicU32::new(0), values }
    }

    fn values(&self) -> Values {
        let mut values = Values::default();
        for parameter in &ALL {
            let bits = self.values[parameter.id as usize].load(Ordering::Relaxed);
            values.set(parameter.id, f64::from_bits(bits));
        }
        values
    }

    fn set(&self, id: Id, value: f64) {
        let mut values = self.values();
        values.set(id, value);
        self.values[id as usize].store(values.get(id).to_bits(), Ordering::Relaxed);
    }

    /// Applies an event if it sets a parameter.
    fn apply(&self, event: &UnknownEvent) {
        if let Some(CoreEventSpace::ParamValue(event)) = event.as_core_event()
            && let Some(parameter) = event.param_id().and_then(find)
        {
            self.set(parameter.id, event.value());
        }
    }

    fn apply_all(&self, events: &InputEvents) {
        events.iter().for_each(|event| self.apply(event));
    }
}

fn find(id: ClapId) -> Option<&'static Parameter> {
    ALL.get(id.get() as usize)
}

struct Processor<'a> {
    shared: &'a Shared,
    denoiser: Denoiser,
}

impl<'a> PluginAudioProcessor<'a, Shared, Main<'a>> for Processor<'a> {
    fn activate(
        _host: HostAudioProcessorHandle<'a>,
        _main: &Main<'a>,
        shared: &'a Shared,
        config: PluginAudioConfiguration,
    ) -> Result<Self, PluginError> {
        let denoiser = Denoiser::new(config.sample_rate, shared.channels).map_err(std::io::Error::other)?;
        shared.latency.store(denoiser.latency() as u32, Ordering::Relaxed);
        Ok(Self { shared, denoiser })
    }

    fn process(
        &mut self,
        _process: Process,
        mut audio: Audio,
        events: Events,
    ) -> Result<ProcessStatus, PluginError> {
        let frames = audio.frames_count() as usize;
        let mut inputs = [std::ptr::null(); MAX_CHANNELS];
        let mut outputs = [std::ptr::null_mut(); MAX_CHANNELS];
        if let Some(mut port) = audio.port_pair(0)
            && let Some(channels) = port.channels()?.into_f32()
        {
            for (channel, pair) in channels.into_iter().take(MAX_CHANNELS).enumerate() {
                match pair {
                    ChannelPair::InputOnly(input) => inputs[channel] = input.as_ptr(),
                    ChannelPair::OutputOnly(output) => outputs[channel] = output.as_mut_ptr(),
                    ChannelPair::InputOutput(input, output) => {
                        inputs[channel] = input.as_ptr();
                        outputs[channel] = output.as_mut_ptr();
                    }
                    ChannelPair::InPlace(both) => {
                        outputs[channel] = both.as_mut_ptr();
                        inputs[channel] = outputs[channel].cast_const();
                    }
                }
            }
        }
        // SAFETY: the host's buffers hold this many frames until `process` returns.
        let mut block = unsafe { Block::new(inputs, outputs, frames) };
        for batch in events.input.batch() {
            batch.events().for_each(|event| self.shared.apply(event));
            self.denoiser.set(&self.shared.values());
            let end = batch.next_batch_first_sample().unwrap_or(frames);
            self.denoiser.process(&mut block, batch.first_sample(), end);
        }
        Ok(ProcessStatus::Tail)
    }

    fn reset(&mut self) {
        self.denoiser.reset();
    }
}

impl PluginAudioProcessorParams for Processor<'_> {
    fn flush(&mut self, input: &InputEvents, _output: &mut OutputEvents) {
        self.shared.apply_all(input);
    }
}

impl PluginTailImpl for Processor<'_> {
    fn get(&self) -> TailLength {
        TailLength::Finite(self.denoiser.latency() as u32)
    }
}

struct Main<'a> {
    host: HostMainThreadHandle<'a>,
    shared: &'a Shared,
}

impl<'a> PluginMainThread<'a, Shared> for Main<'a> {}

impl PluginAudioPortsImpl for Main<'_> {
    fn count(&self, _is_input: bool) -> u32 {
        1
    }

    fn get(&self, index: u32, is_input: bool, writer: &mut AudioPortInfoWriter) {
        if index == 0 {
            let channels = self.shared.channels as u32;
            writer.set(&AudioPortInfo {
                id: ClapId::new(0),
                name: if is_input { b"Input" } else { b"Output" },
                channel_count: channels,
                flags: AudioPortFlags::IS_MAIN,
                port_type: AudioPortType::from_channel_count(channels),
                in_place_pair: Some(ClapId::new(0)),
            });
        }
    }
}

impl PluginLatencyImpl for Main<'_> {
    fn get(&self) -> u32 {
        self.shared.latency.load(Ordering::Relaxed)
    }
}

impl PluginMainThreadParams for Main<'_> {
    fn count(&self) -> u32 {
        ALL.len() as u32
    }

    fn get_info(&self, index: u32, info: &mut ParamInfoWriter) {
        let Some(parameter) = ALL.get(index as usize) else { return };
        let mut flags = ParamInfoFlags::IS_AUTOMATABLE;
        match parameter.kind {
            Kind::Decibels => {}
            Kind::Toggle => flags |= ParamInfoFlags::IS_STEPPED,
            Kind::Choice(_) => flags |= ParamInfoFlags::IS_STEPPED | ParamInfoFlags::IS_ENUM,
        }
        if parameter.id == Id::Bypass {
            flags |= ParamInfoFlags::IS_BYPASS;
        }
        info.set(&ParamInfo {
            id: ClapId::new(index),
            flags,
            cookie: Cookie::empty(),
            name: parameter.name.as_bytes(),
            module: b"",
            min_value: 0.0,
            max_value: parameter.max,
            default_value: parameter.default,
        });
    }

    fn get_value(&self, id: ClapId) -> Option<f64> {
        find(id).map(|parameter| self.shared.values().get(parameter.id))
    }

    fn value_to_text(&self, id: ClapId, value: f64, writer: &mut ParamDisplayWriter) -> std::fmt::Result {
        writer.write_str(&find(id).ok_or(std::fmt::Error)?.text(value))
    }

    fn text_to_value(&self, id: ClapId, text: &CStr) -> Option<f64> {
        find(id)?.value(text.to_str().ok()?)
    }

    fn flush(&self, input: &InputEvents, _output: &mut OutputEvents) {
        self.shared.apply_all(input);
    }
}

impl PluginRenderImpl for Main<'_> {
    fn has_hard_realtime_requirement(&self) -> bool {
        false
    }

    /// Both modes give the same bits.
    fn set(&self, _mode: RenderMode) -> Result<(), PluginError> {
        Ok(())
    }
}

/// The state is JSON: a number for each parameter's symbol.
impl PluginStateImpl for Main<'_> {
    fn save(&self, output: &mut OutputStream) -> Result<(), PluginError> {
        let values = self.shared.values();
        let state: serde_json::Map<_, _> = ALL
            .iter()
            .map(|parameter| (parameter.symbol.to_owned(), values.get(parameter.id).into()))
            .collect();
        output.write_all(&serde_json::to_vec(&state)?)?;
        Ok(())
    }

    /// Parameters that the state lacks take their default.
    fn load(&self, input: &mut InputStream) -> Result<(), PluginError> {
        let mut bytes = Vec::new();
        input.take(MAX_STATE).read_to_end(&mut bytes)?;
        let state: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes)?;
        for parameter in &ALL {
            let value = state.get(parameter.symbol).and_then(serde_json::Value::as_f64);
            self.shared.set(parameter.id, value.unwrap_or(parameter.default));
        }
        if let Some(params) = self.host.get_extension::<HostParams>() {
            params.rescan(&self.host, ParamRescanFlags::VALUES);
        }
        Ok(())
    }
}

clack_export_entry!(SourdineEntry);

#[cfg(feature = "vst3")]
/// The entries that a host of VST3 looks for.
#[allow(missing_docs)] // They are VST3's.
pub mod vst3 {
    clap_wrapper::export_vst3!();
}
