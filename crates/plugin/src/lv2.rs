//! The LV2 interface: the structures of its C interface, written from its specification, and the descriptions that a bundle
//! holds.

use std::ffi::{CStr, c_char, c_void};
use std::fmt::Write as _;

use crate::parameters::{ALL, Id, Kind};
use crate::ports::{CHANNELS, Instance, NAMES, Port, Switch, activate, cleanup, ports};

/// The identifiers of the plug-ins.
const URIS: [&CStr; 2] = [c"urn:sourdine:mono", c"urn:sourdine:stereo"];

/// `LV2_Descriptor`.
#[repr(C)]
pub struct Descriptor {
    uri: *const c_char,
    instantiate:
        unsafe extern "C" fn(*const Descriptor, f64, *const c_char, *const *const c_void) -> *mut Instance,
    connect_port: unsafe extern "C" fn(*mut Instance, u32, *mut c_void),
    activate: Option<unsafe extern "C" fn(*mut Instance)>,
    run: unsafe extern "C" fn(*mut Instance, u32),
    deactivate: Option<unsafe extern "C" fn(*mut Instance)>,
    cleanup: unsafe extern "C" fn(*mut Instance),
    extension_data: Option<unsafe extern "C" fn(*const c_char) -> *const c_void>,
}

// SAFETY: the pointer is to a constant.
unsafe impl Sync for Descriptor {}

const fn describe(index: usize) -> Descriptor {
    Descriptor {
        uri: URIS[index].as_ptr(),
        instantiate,
        connect_port,
        activate: Some(activate),
        run,
        deactivate: None,
        cleanup,
        extension_data: None,
    }
}

static DESCRIPTORS: [Descriptor; 2] = [describe(0), describe(1)];

/// Returns the plug-in of this index: 0 mono, 1 stereo.
#[unsafe(no_mangle)]
pub extern "C" fn lv2_descriptor(index: u32) -> *const Descriptor {
    DESCRIPTORS.get(index as usize).map_or(std::ptr::null(), std::ptr::from_ref)
}

unsafe extern "C" fn instantiate(
    descriptor: *const Descriptor,
    sample_rate: f64,
    _bundle: *const c_char,
    _features: *const *const c_void,
) -> *mut Instance {
    let index = usize::from(std::ptr::eq(descriptor, &raw const DESCRIPTORS[1]));
    Instance::make(sample_rate, CHANNELS[index], Switch::Enabled)
}

unsafe extern "C" fn connect_port(instance: *mut Instance, port: u32, memory: *mut c_void) {
    // SAFETY: the host gives an instance of ours.
    unsafe { Instance::with(instance, |instance| instance.connect(port as usize, memory.cast())) };
}

unsafe extern "C" fn run(instance: *mut Instance, frames: u32) {
    // SAFETY: the host gives an instance of ours, and has connected memory for this many frames.
    unsafe { Instance::with(instance, |instance| instance.run(frames as usize)) };
}

fn uri(index: usize) -> &'static str {
    URIS[index].to_str().unwrap_or_default()
}

/// Writes `manifest.ttl`, by which hosts find the plug-ins in the library of this name.
#[must_use]
pub fn manifest(library: &str) -> String {
    let mut ttl = String::from(
        "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n\
         @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n",
    );
    for index in 0..URIS.len() {
        let _ = write!(
            ttl,
            "\n<{}>\n\ta lv2:Plugin ;\n\tlv2:binary <{library}> ;\n\trdfs:seeAlso <sourdine.ttl> .\n",
            uri(index)
        );
    }
    ttl
}

/// Writes `sourdine.ttl`, which describes the plug-ins and their ports.
#[must_use]
pub fn description() -> String {
    let mut ttl = String::from(
        "@prefix doap: <http://usefulinc.com/ns/doap#> .\n\
         @prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n\
         @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .\n\
         @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n\
         @prefix units: <http://lv2plug.in/ns/extensions/units#> .\n",
    );
    for (index, channels) in CHANNELS.iter().enumerate() {
        let _ = write!(
            ttl,
            "\n<{}>\n\ta lv2:Plugin , lv2:FilterPlugin ;\n\tdoap:name \"{}\" ;\n\
             \tdoap:license <https://spdx.org/licenses/MIT> ;\n\
             \trdfs:comment \"Removes noise from voice.\" ;\n\
             \tlv2:minorVersion 0 ;\n\tlv2:microVersion 2 ;\n\
             \tlv2:optionalFeature lv2:hardRTCapable ;\n\tlv2:port ",
            uri(index),
            NAMES[index],
        );
        let ports: Vec<_> =
            ports(*channels).into_iter().enumerate().map(|(at, port)| port_description(at, port)).collect();
        let _ = writeln!(ttl, "{} .", ports.join(" , "));
    }
    ttl
}

fn port_description(index: usize, port: Port) -> String {
    let audio = |direction: &str, channel: usize| {
        let name = format!("{direction} {}", channel + 1);
        let symbol = format!("{}_{}", direction.to_lowercase(), channel + 1);
        (format!("a lv2:AudioPort , lv2:{direction}Port"), symbol, name, String::new())
    };
    let (kind, symbol, name, more) = match port {
        Port::Input(channel) => audio("Input", channel),
        Port::Output(channel) => audio("Output", channel),
        Port::Parameter(at) => parameter_description(at),
        Port::Latency => (
            "a lv2:ControlPort , lv2:OutputPort".to_owned(),
            "latency".to_owned(),
            "Latency".to_owned(),
            " ;\n\t\tlv2:designation lv2:latency ;\n\t\tlv2:portProperty lv2:reportsLatency , lv2:integer ;\n\
             \t\tunits:unit units:frame"
                .to_owned(),
        ),
    };
    format!(
        "[\n\t\t{kind} ;\n\t\tlv2:index {index} ;\n\t\tlv2:symbol \"{symbol}\" ;\n\t\tlv2:name \"{name}\"{more}\n\t]"
    )
}

fn parameter_description(at: usize) -> (String, String, String, String) {
    let parameter = &ALL[at];
    let mut more = String::new();
    let (symbol, name, default) = if parameter.id == Id::Bypass {
        more.push_str(" ;\n\t\tlv2:designation lv2:enabled");
        ("enabled", "Enabled", 1.0 - parameter.default)
    } else {
        (parameter.symbol, parameter.name, parameter.default)
    };
    let _ = write!(
        more,
        " ;\n\t\tlv2:minimum 0.0 ;\n\t\tlv2:maximum {:?} ;\n\t\tlv2:default {default:?}",
        parameter.max
    );
    match parameter.kind {
        Kind::Decibels => more.push_str(" ;\n\t\tunits:unit units:db"),
        Kind::Toggle => more.push_str(" ;\n\t\tlv2:portProperty lv2:toggled"),
        Kind::Choice(names) => {
            more.push_str(" ;\n\t\tlv2:portProperty lv2:integer , lv2:enumeration");
            for (value, name) in names.iter().enumerate() {
                let _ = write!(
                    more,
                    " ;\n\t\tlv2:scalePoint [ rdfs:label \"{name}\" ; rdf:value {:?} ]",
                    value as f64
                );
            }
        }
    }
    ("a lv2:ControlPort , lv2:InputPort".to_owned(), symbol.to_owned(), name.to_owned(), more)
}
