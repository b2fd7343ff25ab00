//! The VST3 plug-in in a host: bits, latency, automation, state. Needs the feature `vst3`.
#![cfg(feature = "vst3")]
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks)] // A test may fail; every call is VST3's own interface.

mod common;

use std::cell::{Cell, RefCell};
use std::ffi::c_void;

use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::signals;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComPtr, ComWrapper, Interface};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ATTENUATION_LIMIT: u32 = 0;
const MODEL: u32 = 2;
const BYPASS: u32 = 3;

/// What a host hands to a plug-in for each block: the changes of parameters in it, normalised to 0 to 1.
struct Changes(RefCell<Vec<ComWrapper<Queue>>>);

struct Queue {
    id: u32,
    at: Cell<i32>,
    value: Cell<f64>,
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> i32 {
        self.0.borrow().len() as i32
    }

    unsafe fn getParameterData(&self, index: i32) -> *mut IParamValueQueue {
        // The caller takes no reference of its own; the queue lives as long as `self`.
        self.0.borrow()[index as usize].as_com_ref::<IParamValueQueue>().unwrap().as_ptr()
    }

    unsafe fn addParameterData(&self, _id: *const u32, _index: *mut i32) -> *mut IParamValueQueue {
        std::ptr::null_mut()
    }
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> u32 {
        self.id
    }

    unsafe fn getPointCount(&self) -> i32 {
        1
    }

    unsafe fn getPoint(&self, _index: i32, at: *mut i32, value: *mut f64) -> tresult {
        unsafe {
            *at = self.at.get();
            *value = self.value.get();
        }
        kResultOk
    }

    unsafe fn addPoint(&self, _at: i32, _value: f64, _index: *mut i32) -> tresult {
        kResultFalse
    }
}

/// A stream in memory.
#[derive(Default)]
struct Stream {
    bytes: RefCell<Vec<u8>>,
    at: Cell<usize>,
}

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, count: i32, done: *mut i32) -> tresult {
        let bytes = self.bytes.borrow();
        let n = (count as usize).min(bytes.len() - self.at.get());
        unsafe {
            std::ptr::copy_nonoverlapping(bytes[self.at.get()..].as_ptr(), buffer.cast(), n);
            if !done.is_null() {
                *done = n as i32;
            }
        }
        self.at.set(self.at.get() + n);
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, count: i32, done: *mut i32) -> tresult {
        let from = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), count as usize) };
        self.bytes.borrow_mut().extend_from_slice(from);
        if !done.is_null() {
            unsafe { *done = count };
        }
        kResultOk
    }

    unsafe fn seek(&self, _at: i64, _mode: i32, _result: *mut i64) -> tresult {
        kResultFalse
    }

    unsafe fn tell(&self, at: *mut i64) -> tresult {
        unsafe { *at = self.at.get() as i64 };
        kResultOk
    }
}

/// The host, which the plug-in asks for its name.
struct Host;

impl Class for Host {
    type Interfaces = (IHostApplication, IComponentHandler);
}

impl IHostApplicationTrait for Host {
    unsafe fn getName(&self, name: *mut String128) -> tresult {
        unsafe { (*name)[0] = 0 };
        kResultOk
    }

    unsafe fn createInstance(&self, _cid: *mut TUID, _iid: *mut TUID, _object: *mut *mut c_void) -> tresult {
        kResultFalse
    }
}

/// The plug-in tells the host that it changed its own values.
impl IComponentHandlerTrait for Host {
    unsafe fn beginEdit(&self, _id: u32) -> tresult {
        kResultOk
    }

    unsafe fn performEdit(&self, _id: u32, _value: f64) -> tresult {
        kResultOk
    }

    unsafe fn endEdit(&self, _id: u32) -> tresult {
        kResultOk
    }

    unsafe fn restartComponent(&self, _flags: i32) -> tresult {
        kResultOk
    }
}

struct Plugin {
    component: ComPtr<IComponent>,
    processor: ComPtr<IAudioProcessor>,
    channels: usize,
    _host: ComWrapper<Host>,
}

impl Plugin {
    fn load(channels: usize) -> Self {
        let factory = unsafe { sourdine_plugin::vst3::GetPluginFactory() }.cast::<IPluginFactory>();
        let factory = unsafe { ComPtr::from_raw(factory) }.unwrap();
        let wanted = if channels == 1 { "Sourdine mono" } else { "Sourdine stereo" };
        let classes = unsafe { factory.countClasses() };
        let id = (0..classes).find_map(|index| {
            let mut class: PClassInfo = unsafe { std::mem::zeroed() };
            assert_eq!(unsafe { factory.getClassInfo(index, &raw mut class) }, kResultOk);
            let name: Vec<u8> = class.name.iter().map(|c| *c as u8).take_while(|c| *c != 0).collect();
            (name == wanted.as_bytes()).then_some(class.cid)
        });
        let mut component = std::ptr::null_mut();
        let iid = IComponent::IID;
        unsafe { factory.createInstance(id.unwrap().as_ptr(), iid.as_ptr().cast(), &raw mut component) };
        let component = unsafe { ComPtr::from_raw(component.cast::<IComponent>()) }.unwrap();
        let host = ComWrapper::new(Host);
        let context = host.as_com_ref::<FUnknown>().unwrap().as_ptr();
        assert_eq!(unsafe { component.initialize(context) }, kResultOk);
        let controller = component.cast::<IEditController>().unwrap();
        let handler = host.as_com_ref::<IComponentHandler>().unwrap().as_ptr();
        assert_eq!(unsafe { controller.setComponentHandler(handler) }, kResultOk);
        let processor = component.cast::<IAudioProcessor>().unwrap();
        Self { component, processor, channels, _host: host }
    }

    fn controller(&self) -> ComPtr<IEditController> {
        self.component.cast::<IEditController>().unwrap()
    }

    /// Runs planar sound in blocks of random length, with changes of parameters; returns it, how often the
    /// audio thread allocated, and the latency.
    fn run(
        &self,
        rate: u32,
        sound: &[Vec<f32>],
        changes: &[(usize, u32, f64)],
    ) -> (Vec<Vec<f32>>, u64, usize) {
        const LONGEST: usize = 1_024;
        let mut setup = ProcessSetup {
            processMode: ProcessModes_::kRealtime as i32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            maxSamplesPerBlock: LONGEST as i32,
            sampleRate: f64::from(rate),
        };
        let audio = MediaTypes_::kAudio as i32;
        unsafe {
            assert_eq!(self.processor.setupProcessing(&raw mut setup), kResultOk);
            self.component.activateBus(audio, BusDirections_::kInput as i32, 0, 1);
            self.component.activateBus(audio, BusDirections_::kOutput as i32, 0, 1);
            assert_eq!(self.component.setActive(1), kResultOk);
            self.processor.setProcessing(1);
        }
        let latency = unsafe { self.processor.getLatencySamples() } as usize;
        let frames = sound[0].len();
        let mut output = vec![vec![0.0_f32; frames]; self.channels];
        let (mut at, mut allocations, mut random) = (0, 0, 99_u32);
        while at < frames {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = (1 + random as usize / 65_536 % LONGEST).min(frames - at);
            let queues = changes
                .iter()
                .filter(|(when, ..)| (at..at + n).contains(when))
                .map(|(when, id, value)| {
                    ComWrapper::new(Queue {
                        id: *id,
                        at: Cell::new((when - at) as i32),
                        value: Cell::new(*value),
                    })
                })
                .collect();
            let queues = ComWrapper::new(Changes(RefCell::new(queues)));
            let mut inputs: Vec<_> = sound.iter().map(|channel| channel[at..].as_ptr().cast_mut()).collect();
            let mut outputs: Vec<_> = output.iter_mut().map(|channel| channel[at..].as_mut_ptr()).collect();
            let bus = |pointers: &mut Vec<*mut f32>| AudioBusBuffers {
                numChannels: pointers.len() as i32,
                silenceFlags: 0,
                __field0: AudioBusBuffers__type0 { channelBuffers32: pointers.as_mut_ptr() },
            };
            let (mut from, mut to) = (bus(&mut inputs), bus(&mut outputs));
            let mut data: ProcessData = unsafe { std::mem::zeroed() };
            data.symbolicSampleSize = SymbolicSampleSizes_::kSample32 as i32;
            data.numSamples = n as i32;
            (data.numInputs, data.inputs) = (1, &raw mut from);
            (data.numOutputs, data.outputs) = (1, &raw mut to);
            data.inputParameterChanges = queues.as_com_ref::<IParameterChanges>().unwrap().as_ptr();
            let (calls, result) = count(|| unsafe { self.processor.process(&raw mut data) });
            assert_eq!(result, kResultOk);
            allocations += calls;
            at += n;
        }
        unsafe {
            self.processor.setProcessing(0);
            self.component.setActive(0);
        }
        (output, allocations, latency)
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        unsafe { self.component.terminate() };
    }
}

/// The factory lives in a module that has an entry and an exit, once for all tests.
fn alone() -> std::sync::MutexGuard<'static, bool> {
    static ENTERED: std::sync::Mutex<bool> = std::sync::Mutex::new(false);
    let mut entered = ENTERED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !*entered {
        assert!(unsafe { sourdine_plugin::vst3::ModuleEntry(std::ptr::null_mut()) });
        *entered = true;
    }
    entered
}

#[test]
fn gives_the_engines_bits_after_the_stated_latency() {
    let _alone = alone();
    for (rate, channels) in [(48_000, 1), (44_100, 2)] {
        let sound = common::noisy(rate, channels);
        let (output, allocations, latency) = Plugin::load(channels).run(rate, &sound, &[]);
        assert_eq!(allocations, 0);
        common::assert_is_the_engines(&output, &sound, rate, latency);
    }
}

#[test]
fn automation_neither_clicks_nor_allocates() {
    let _alone = alone();
    let rate = 48_000;
    let frames = 5 * 60 * rate as usize;
    let tone = signals::tone(frames, rate, 440.0, 0.5);
    let changes: Vec<_> = (1..frames / 7_001)
        .map(|k| match k % 3 {
            0 => (k * 7_001, BYPASS, (k / 3 % 2) as f64),
            1 => (k * 7_001, ATTENUATION_LIMIT, (k % 13) as f64 / 12.0),
            _ => (k * 7_001, MODEL, (k / 3 % 2) as f64),
        })
        .collect();
    let (output, allocations, latency) = Plugin::load(2).run(rate, &[tone.clone(), tone], &changes);
    assert_eq!(allocations, 0);
    for channel in &output {
        common::assert_changes_without_clicks(&channel[latency + 9_600..], rate, 440.0, "VST3");
    }
}

#[test]
fn state_is_saved_and_restored() {
    let _alone = alone();
    let plugin = Plugin::load(2);
    let silence = vec![vec![0.0; 4_800]; 2];
    plugin.run(48_000, &silence, &[(0, ATTENUATION_LIMIT, 0.25), (100, BYPASS, 1.0)]);
    let stream = ComWrapper::new(Stream::default());
    let pointer = stream.as_com_ref::<IBStream>().unwrap().as_ptr();
    assert_eq!(unsafe { plugin.component.getState(pointer) }, kResultOk);
    assert!(!stream.bytes.borrow().is_empty());

    let other = Plugin::load(2);
    assert_eq!(unsafe { other.component.setState(pointer) }, kResultOk);
    let controller = other.controller();
    for (id, value) in [(ATTENUATION_LIMIT, 0.25), (BYPASS, 1.0), (MODEL, 0.0)] {
        let got = unsafe { controller.getParamNormalized(id) };
        assert!((got - value).abs() < 1e-9, "parameter {id} is {got}");
    }
}
