//! The CLAP plug-in in a host: what it says of itself, minutes of blocks of random length under automation, its state.
#![allow(clippy::unwrap_used)] // A test may fail.

mod common;

use std::io::Cursor;

use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_extensions::tail::{PluginTail, TailLength};
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;
use sourdine_plugin::SourdineEntry;
use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::signals;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ATTENUATION_LIMIT: u32 = 0;
const GATE: u32 = 1;
const MODEL: u32 = 2;
const BYPASS: u32 = 3;

struct TestHost;

struct HostShared;

impl<'a> SharedHandler<'a> for HostShared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostHandlers for TestHost {
    type Shared<'a> = HostShared;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();
}

/// Loads the plug-in for this number of channels.
fn load(channels: usize) -> PluginInstance<TestHost> {
    let entry = PluginEntry::load_from_clack::<SourdineEntry>(c"").unwrap();
    let id = if channels == 1 { c"sourdine.mono" } else { c"sourdine.stereo" };
    let info = HostInfo::new("test", "", "", "1").unwrap();
    PluginInstance::new(|_| HostShared, |_| (), &entry, id, &info).unwrap()
}

/// A change of a parameter at a frame of the whole.
type Change = (usize, u32, f64);

/// Runs planar sound through an instance in blocks of at most `longest` frames; `changes` are in order.
///
/// Returns the sound and how often the audio thread allocated.
fn run(
    plugin: &mut PluginInstance<TestHost>,
    rate: u32,
    sound: &[Vec<f32>],
    longest: usize,
    changes: &[Change],
) -> (Vec<Vec<f32>>, u64) {
    let config = PluginAudioConfiguration {
        sample_rate: f64::from(rate),
        min_frames_count: 1,
        max_frames_count: longest as u32,
    };
    let stopped = plugin.activate(|_, _| (), config).unwrap();
    let mut processor = stopped.start_processing().unwrap();
    let (mut inputs, mut outputs) =
        (AudioPorts::with_capacity(sound.len(), 1), AudioPorts::with_capacity(sound.len(), 1));
    let frames = sound[0].len();
    let mut input = sound.to_vec();
    let mut output = vec![vec![0.0; frames]; sound.len()];
    let (mut at, mut allocations, mut random) = (0, 0, 12_345_u32);
    while at < frames {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = (1 + random as usize / 65_536 % longest).min(frames - at);
        let due: Vec<_> = changes
            .iter()
            .filter(|(when, ..)| (at..at + n).contains(when))
            .map(|(when, id, value)| {
                let id = ClapId::new(*id);
                ParamValueEvent::new((when - at) as u32, id, Pckn::match_all(), *value)
            })
            .collect();
        let events = InputEvents::from_buffer(&due);
        let from = inputs.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                input.iter_mut().map(|channel| InputChannel::variable(&mut channel[at..at + n])),
            ),
        }]);
        let mut to = outputs.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                output.iter_mut().map(|channel| &mut channel[at..at + n]),
            ),
        }]);
        let (calls, status) = count(|| {
            processor.process(&from, &mut to, &events, &mut OutputEvents::void(), Some(at as u64), None)
        });
        status.unwrap();
        allocations += calls;
        at += n;
    }
    let mut stopped = processor.stop_processing();
    let tail = stopped.plugin_handle().get_extension::<PluginTail>().unwrap();
    assert!(matches!(tail.get(&stopped.plugin_handle()), TailLength::Finite(1..)));
    plugin.deactivate(stopped);
    (output, allocations)
}

fn latency(plugin: &mut PluginInstance<TestHost>) -> usize {
    let handle = plugin.plugin_handle();
    handle.get_extension::<PluginLatency>().unwrap().get(&handle) as usize
}

#[test]
fn describes_itself() {
    for channels in [1, 2] {
        let mut plugin = load(channels);
        let handle = plugin.plugin_handle();
        let ports = handle.get_extension::<PluginAudioPorts>().unwrap();
        for is_input in [true, false] {
            assert_eq!(ports.count(&handle, is_input), 1);
            let mut buffer = AudioPortInfoBuffer::new();
            assert_eq!(
                ports.get(&handle, 0, is_input, &mut buffer).unwrap().channel_count as usize,
                channels
            );
            assert!(ports.get(&handle, 1, is_input, &mut AudioPortInfoBuffer::new()).is_none());
        }
        let params = handle.get_extension::<PluginParams>().unwrap();
        assert_eq!(params.count(&handle), 4);
        for (index, name, max, default, text) in [
            (ATTENUATION_LIMIT, "Attenuation limit", 120.0, 60.0, "60.0 dB"),
            (GATE, "Gate", 1.0, 0.0, "off"),
            (MODEL, "Model", 1.0, 0.0, "sourdine"),
            (BYPASS, "Bypass", 1.0, 0.0, "off"),
        ] {
            let mut buffer = ParamInfoBuffer::new();
            let info = params.get_info(&handle, index, &mut buffer).unwrap();
            assert_eq!((info.name, info.min_value), (name.as_bytes(), 0.0));
            assert_eq!((info.max_value, info.default_value), (max, default));
            let id = info.id;
            assert_eq!(params.get_value(&handle, id), Some(default));
            let mut buffer = [0; 64];
            assert_eq!(params.value_to_text(&handle, id, default, &mut buffer).unwrap(), text.as_bytes());
            let text = std::ffi::CString::new(text).unwrap();
            assert_eq!(params.text_to_value(&handle, id, &text), Some(default));
        }
        let render = handle.get_extension::<PluginRender>().unwrap();
        assert!(!render.has_realtime_requirement(&handle));
        render.set(&handle, RenderMode::Offline).unwrap();
    }
}

#[test]
fn refuses_rates_that_the_engine_lacks() {
    let mut plugin = load(1);
    for rate in [4_000.0, 44_101.0, 44_100.5] {
        let config =
            PluginAudioConfiguration { sample_rate: rate, min_frames_count: 1, max_frames_count: 512 };
        assert!(plugin.activate(|_, _| (), config).is_err(), "{rate}");
    }
}

/// The plug-in's bits are the engine's, after the latency that it states, at any block length.
#[test]
fn gives_the_engines_bits_after_the_stated_latency() {
    for (rate, channels) in [(48_000, 1), (44_100, 2), (16_000, 1), (96_000, 2)] {
        let sound = common::noisy(rate, channels);
        let mut plugin = load(channels);
        let (output, allocations) = run(&mut plugin, rate, &sound, 1_000, &[]);
        assert_eq!(allocations, 0);
        let latency = latency(&mut plugin);
        assert!(latency > 0);
        common::assert_is_the_engines(&output, &sound, rate, latency);
    }
}

/// Ten minutes of a tone, a half for each rate, in blocks of 1 to 4096 frames, while automation moves every parameter.
#[test]
fn automation_neither_clicks_nor_allocates() {
    for (rate, channels) in [(48_000, 2), (44_100, 1)] {
        let frames = 5 * 60 * rate as usize;
        let tone = signals::tone(frames, rate, 440.0, 0.5);
        let changes: Vec<Change> = (1..frames / 7_001)
            .map(|k| {
                let value = match k as u32 % 4 {
                    ATTENUATION_LIMIT => (k * 37 % 121) as f64,
                    _ => (k / 4 % 2) as f64,
                };
                (k * 7_001, k as u32 % 4, value)
            })
            .collect();
        let mut plugin = load(channels);
        let (output, allocations) = run(&mut plugin, rate, &vec![tone; channels], 4_096, &changes);
        assert_eq!(allocations, 0, "{rate} Hz");
        let start = latency(&mut plugin) + rate as usize / 5;
        for channel in &output {
            common::assert_changes_without_clicks(&channel[start..], rate, 440.0, "CLAP");
        }
    }
}

/// A model that is chosen before the first block is there from the first sample on; one chosen later after a fade.
#[test]
fn models_are_chosen_at_once_and_switched_later() {
    let (rate, frames) = (48_000, 96_000);
    let voice = signals::speechlike(frames, rate, 5);
    let noise = signals::noise(frames, 0.02, 7);
    let sound = vec![voice.iter().zip(&noise).map(|(v, n)| v + n).collect::<Vec<_>>()];
    let [full, lite] = [0.0, 1.0].map(|model| {
        let mut plugin = load(1);
        run(&mut plugin, rate, &sound, 500, &[(0, MODEL, model)]).0.remove(0)
    });
    assert!(full != lite);
    let mut plugin = load(1);
    let switched = run(&mut plugin, rate, &sound, 500, &[(0, MODEL, 1.0), (48_000, MODEL, 0.0)]).0.remove(0);
    let run_in = 48_000 + latency(&mut plugin) + 4_800;
    assert!(switched[..run_in] == lite[..run_in]);
    // After the fade it is the full model, as if it had started at the switch.
    let mut plugin = load(1);
    let later = run(&mut plugin, rate, &[sound[0][48_000..].to_vec()], 500, &[]).0.remove(0);
    let faded = run_in + 480;
    assert!(switched[run_in..faded] != lite[run_in..faded]);
    assert!(switched[faded..] == later[faded - 48_000..]);
}

#[test]
fn state_is_saved_and_restored() {
    let mut plugin = load(2);
    let sound = vec![vec![0.0; 4_800]; 2];
    let changes = [(10, ATTENUATION_LIMIT, 24.0), (20, GATE, 1.0), (30, MODEL, 1.0), (40, BYPASS, 1.0)];
    run(&mut plugin, 48_000, &sound, 512, &changes);
    let mut saved = Vec::new();
    let handle = plugin.plugin_handle();
    handle.get_extension::<PluginState>().unwrap().save(&handle, &mut saved).unwrap();

    let mut other = load(2);
    let handle = other.plugin_handle();
    let (state, params) =
        (handle.get_extension::<PluginState>().unwrap(), handle.get_extension::<PluginParams>().unwrap());
    state.load(&handle, &mut Cursor::new(&saved)).unwrap();
    for (_, id, value) in changes {
        assert_eq!(params.get_value(&handle, ClapId::new(id)), Some(value));
    }
    for damaged in [&b"{"[..], b"", b"[1]", b"\xff\xff"] {
        assert!(state.load(&handle, &mut Cursor::new(damaged)).is_err());
    }
    state.load(&handle, &mut Cursor::new(br#"{"gate": 7, "later": true, "model": "x"}"#)).unwrap();
    let values: Vec<_> = (0..4).map(|id| params.get_value(&handle, ClapId::new(id)).unwrap()).collect();
    assert_eq!(values, [60.0, 1.0, 0.0, 0.0]);
}
