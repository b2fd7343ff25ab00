//! The LADSPA interface (version 1.1): the structures of its C interface, written from its documentation.

use std::ffi::{CStr, CString, c_char, c_int, c_ulong, c_void};
use std::sync::OnceLock;

use crate::parameters::{ALL, Kind, Parameter};
use crate::ports::{self, CHANNELS, Instance, NAMES, Port, Switch, activate, cleanup};

/// Bits of a port's description.
mod port {
    use std::ffi::c_int;
    pub(super) const INPUT: c_int = 1;
    pub(super) const OUTPUT: c_int = 2;
    pub(super) const CONTROL: c_int = 4;
    pub(super) const AUDIO: c_int = 8;
}

/// Bits of the hint to a port's range.
mod hint {
    use std::ffi::c_int;
    pub(super) const BOUNDED: c_int = 1 | 2;
    pub(super) const TOGGLED: c_int = 4;
    pub(super) const INTEGER: c_int = 32;
    pub(super) const DEFAULT_MIDDLE: c_int = 0xC0;
    pub(super) const DEFAULT_0: c_int = 0x200;
}

/// `run` takes no locks, memory or waiting.
const HARD_RT_CAPABLE: c_int = 4;

/// Identifies the first of our plug-ins among all LADSPA plug-ins; the others follow.
const FIRST_UNIQUE_ID: c_ulong = 21_316;

/// What hosts and configuration files call the plug-ins.
const LABELS: [&CStr; 2] = [c"sourdine_mono", c"sourdine_stereo"];

#[repr(C)]
struct PortRangeHint {
    descriptor: c_int,
    lower: f32,
    upper: f32,
}

/// `LADSPA_Descriptor`.
#[repr(C)]
pub(crate) struct Descriptor {
    unique_id: c_ulong,
    label: *const c_char,
    properties: c_int,
    name: *const c_char,
    maker: *const c_char,
    copyright: *const c_char,
    port_count: c_ulong,
    port_descriptors: *const c_int,
    port_names: *const *const c_char,
    port_range_hints: *const PortRangeHint,
    implementation_data: *mut c_void,
    instantiate: unsafe extern "C" fn(*const Descriptor, c_ulong) -> *mut Instance,
    connect_port: unsafe extern "C" fn(*mut Instance, c_ulong, *mut f32),
    activate: unsafe extern "C" fn(*mut Instance),
    run: unsafe extern "C" fn(*mut Instance, c_ulong),
    run_adding: Option<unsafe extern "C" fn(*mut Instance, c_ulong)>,
    set_run_adding_gain: Option<unsafe extern "C" fn(*mut Instance, f32)>,
    deactivate: Option<unsafe extern "C" fn(*mut Instance)>,
    cleanup: unsafe extern "C" fn(*mut Instance),
}

/// A descriptor and what it points to.
struct Described {
    descriptor: Descriptor,
    _names: Vec<CString>,
    _name_pointers: Vec<*const c_char>,
    _ports: Vec<c_int>,
    _hints: Vec<PortRangeHint>,
}

// SAFETY: nothing changes after it was made, and what the pointers point to lives as long.
unsafe impl Send for Described {}
// SAFETY: as above.
unsafe impl Sync for Described {}

fn describe(index: usize) -> Described {
    let ports = ports::ports(CHANNELS[index]);
    let mut names: Vec<_> = ports.iter().map(|port| text(&port_name(*port))).collect();
    let name_pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let kinds: Vec<_> = ports.iter().map(|port| port_descriptor(*port)).collect();
    let hints: Vec<_> = ports.iter().map(|port| port_range_hint(*port)).collect();
    // Moving a `CString` leaves its bytes where they are.
    names.push(text(NAMES[index]));
    let descriptor = Descriptor {
        unique_id: FIRST_UNIQUE_ID + index as c_ulong,
        label: LABELS[index].as_ptr(),
        properties: HARD_RT_CAPABLE,
        name: names[ports.len()].as_ptr(),
        maker: c"The Sourdine developers".as_ptr(),
        copyright: c"MIT or Apache-2.0".as_ptr(),
        port_count: ports.len() as c_ulong,
        port_descriptors: kinds.as_ptr(),
        port_names: name_pointers.as_ptr(),
        port_range_hints: hints.as_ptr(),
        implementation_data: std::ptr::null_mut(),
        instantiate,
        connect_port,
        activate,
        run,
        run_adding: None,
        set_run_adding_gain: None,
        deactivate: None,
        cleanup,
    };
    Described { descriptor, _names: names, _name_pointers: name_pointers, _ports: kinds, _hints: hints }
}

fn text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

fn port_name(port: Port) -> String {
    let channel = |what, channel| format!("{what} {}", channel + 1);
    match port {
        Port::Input(at) => channel("Input", at),
        Port::Output(at) => channel("Output", at),
        Port::Parameter(at) => match ALL[at].kind {
            Kind::Decibels => format!("{} (dB)", ALL[at].name),
            Kind::Toggle => ALL[at].name.to_owned(),
            Kind::Choice(names) => format!("{} ({})", ALL[at].name, numbered(names)),
        },
        // Hosts that compensate for delays, FFmpeg among them, look for this name.
        Port::Latency => "latency".to_owned(),
    }
}

/// Writes `0 one, 1 other`.
fn numbered(names: &[&str]) -> String {
    let numbered: Vec<_> = names.iter().enumerate().map(|(at, name)| format!("{at} {name}")).collect();
    numbered.join(", ")
}

fn port_descriptor(port: Port) -> c_int {
    match port {
        Port::Input(_) => port::INPUT | port::AUDIO,
        Port::Output(_) => port::OUTPUT | port::AUDIO,
        Port::Parameter(_) => port::INPUT | port::CONTROL,
        Port::Latency => port::OUTPUT | port::CONTROL,
    }
}

fn port_range_hint(port: Port) -> PortRangeHint {
    let Port::Parameter(at) = port else { return PortRangeHint { descriptor: 0, lower: 0.0, upper: 0.0 } };
    let Parameter { kind, max, default, .. } = ALL[at];
    let default = if default == 0.0 { hint::DEFAULT_0 } else { hint::DEFAULT_MIDDLE };
    let kind = match kind {
        Kind::Decibels => hint::BOUNDED,
        Kind::Toggle => hint::TOGGLED,
        Kind::Choice(_) => hint::BOUNDED | hint::INTEGER,
    };
    PortRangeHint { descriptor: kind | default, lower: 0.0, upper: max as f32 }
}

/// Returns the plug-in of this index: 0 mono, 1 stereo.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn ladspa_descriptor(index: c_ulong) -> *const Descriptor {
    static ALL: OnceLock<[Described; 2]> = OnceLock::new();
    let all = ALL.get_or_init(|| [describe(0), describe(1)]);
    match all.get(index as usize) {
        Some(described) => &raw const described.descriptor,
        None => std::ptr::null(),
    }
}

unsafe extern "C" fn instantiate(descriptor: *const Descriptor, sample_rate: c_ulong) -> *mut Instance {
    // SAFETY: the host gives one of our descriptors.
    let index = unsafe { (*descriptor).unique_id }.wrapping_sub(FIRST_UNIQUE_ID);
    match CHANNELS.get(index as usize) {
        Some(channels) => Instance::make(sample_rate as f64, *channels, Switch::Bypass),
        None => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn connect_port(instance: *mut Instance, port: c_ulong, memory: *mut f32) {
    // SAFETY: the host gives an instance of ours.
    unsafe { Instance::with(instance, |instance| instance.connect(port as usize, memory)) };
}

unsafe extern "C" fn run(instance: *mut Instance, frames: c_ulong) {
    // SAFETY: the host gives an instance of ours, and has connected memory for this many frames.
    unsafe { Instance::with(instance, |instance| instance.run(frames as usize)) };
}
