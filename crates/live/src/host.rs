//! The sound systems that there are: PulseAudio by our own client, all others by cpal.

use serde::Serialize;

use crate::backend::{Backend, DeviceError, Direction};
use crate::cpal_host::{CpalDevice, CpalHost};
#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
use crate::pulse::PulseAudio;

/// A device, as `sourdine-live devices` lists it.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceInfo {
    /// Its identifier, to choose it by.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// `input` or `output`.
    pub direction: &'static str,
    /// Whether it is its host's default.
    pub default: bool,
    /// The stream that would be opened.
    pub rate: Option<u32>,
    /// Its channels.
    pub channels: Option<u16>,
    /// Its sample format.
    pub format: Option<String>,
    /// Why it cannot be used, if so.
    pub trouble: Option<String>,
}

/// A sound system with a name and a list of devices. The device is cpal's, where the system is.
pub trait SoundSystem: Backend<Device = Option<CpalDevice>> {
    /// Its name in small letters.
    fn name(&self) -> String;

    /// All its devices.
    ///
    /// # Errors
    /// One line, where the sound system does not answer.
    fn list(&mut self) -> Result<Vec<DeviceInfo>, String>;
}

/// Whichever it is.
pub type Host = Box<dyn SoundSystem>;

/// The names of the sound systems that this program was built with and that are there.
#[must_use]
pub fn host_names() -> Vec<String> {
    #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
    if PulseAudio::is_available() {
        return [PulseAudio::NAME.into()].into_iter().chain(CpalHost::names()).collect();
    }
    CpalHost::names()
}

/// The sound system of that name, or the best that is there: a sound server before bare hardware.
///
/// # Errors
/// One line with the names there are.
pub fn open_host(name: Option<&str>) -> Result<Host, String> {
    #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
    match name {
        Some(name) if name.eq_ignore_ascii_case(PulseAudio::NAME) => {
            return Ok(Box::new(PulseAudio::open()?));
        }
        // If it is built in, cpal prefers PipeWire to everything else.
        None if !cfg!(feature = "pipewire") && PulseAudio::is_available() => {
            if let Ok(server) = PulseAudio::open() {
                return Ok(Box::new(server));
            }
        }
        _ => {}
    }
    match name {
        None => Ok(Box::new(CpalHost::best())),
        Some(name) => match CpalHost::open(name)? {
            Some(host) => Ok(Box::new(host)),
            None => Err(format!("{name}: no such sound system here; there is {}", host_names().join(", "))),
        },
    }
}

/// The device that `wanted` names, of those with these identifiers (`host:device`) and names: an identifier, with its host
/// or without, before a part of a name.
pub(crate) fn find<'a>(
    devices: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    wanted: &str,
) -> Option<usize> {
    let part = wanted.to_lowercase();
    let same = |id: &str| id == wanted || id.split_once(':').is_some_and(|(_, id)| id == wanted);
    devices
        .clone()
        .position(|(id, _)| same(id))
        .or_else(|| devices.clone().position(|(_, name)| name.to_lowercase().contains(&part)))
}

pub(crate) fn no_such_device(direction: Direction, wanted: &str) -> DeviceError {
    DeviceError {
        message: format!("{wanted}: no such {direction} device; see `sourdine-live devices`"),
        transient: false,
    }
}

pub(crate) fn no_default(host: &str, direction: Direction) -> DeviceError {
    DeviceError {
        message: format!("{host}: there is no default {direction} device; plug one in, or name one"),
        transient: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_goes_before_a_part_of_a_name() {
        let devices = [("alsa:hw:1", "Mic of hw:0"), ("alsa:hw:0", "Other"), ("alsa:usb", "USB Headset")];
        let find = |wanted| find(devices.into_iter(), wanted);
        assert_eq!((find("hw:0"), find("alsa:hw:0"), find("headset")), (Some(1), Some(1), Some(2)));
        assert_eq!(find("webcam"), None);
    }
}
