//! PulseAudio's devices. A lost connection is made anew, and every question has a time limit.

use std::ffi::CString;
use std::sync::Arc;

use pulseaudio::protocol::{
    Command, CommandReply, DEFAULT_SINK, DEFAULT_SOURCE, GetSinkInfo, GetSourceInfo, SinkInfo, SinkInfoList,
    SourceInfo, SourceInfoList,
};

use super::connection::{Connection, Failure, is_absent, is_answer};
use crate::backend::{
    Backend, DeviceError, Direction, Events, OnCapture, OnPlayback, SelectedDevice, Stream,
};
use crate::cpal_host::CpalDevice;
use crate::host::{DeviceInfo, SoundSystem, find, no_default, no_such_device};
use crate::session::DeviceFormat;

/// The sound system. Devices are identified by name.
pub(crate) struct PulseAudio {
    connection: Option<Connection>,
}

/// A source or a sink.
struct PulseDevice {
    id: String,
    name: String,
    format: DeviceFormat,
}

impl PulseAudio {
    pub(crate) const NAME: &'static str = "pulseaudio";

    /// Returns whether there is a socket to connect to.
    pub(crate) fn is_available() -> bool {
        pulseaudio::socket_path_from_env().is_some()
    }

    /// Connects to the server.
    pub(crate) fn open() -> Result<Self, String> {
        match Connection::open() {
            Ok(connection) => Ok(Self { connection: Some(connection) }),
            Err(why) => {
                Err(format!("{}: the sound server does not answer: {why}; is it running?", Self::NAME))
            }
        }
    }

    /// Asks the server, over a new connection where the old one is gone.
    fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, Failure> {
        if let Some(connection) = &mut self.connection {
            match connection.ask(command) {
                Err(why) if !is_answer(&why) => self.connection = None,
                answer => return answer,
            }
        }
        let answer = self.connection.insert(Connection::open()?).ask(command);
        if answer.as_ref().is_err_and(|why| !is_answer(why)) {
            self.connection = None;
        }
        answer
    }

    fn ask_for(&mut self, direction: Direction, name: CString) -> Result<PulseDevice, Failure> {
        let name = Some(name);
        Ok(match direction {
            Direction::Input => {
                let command = Command::GetSourceInfo(GetSourceInfo { index: None, name });
                found_source(&self.ask::<SourceInfo>(&command)?)
            }
            Direction::Output => {
                let command = Command::GetSinkInfo(GetSinkInfo { index: None, name });
                found_sink(&self.ask::<SinkInfo>(&command)?)
            }
        })
    }

    fn default(&mut self, direction: Direction) -> Result<PulseDevice, Failure> {
        let name = match direction {
            Direction::Input => DEFAULT_SOURCE,
            Direction::Output => DEFAULT_SINK,
        };
        self.ask_for(direction, name.to_owned())
    }

    fn all(&mut self, direction: Direction) -> Result<Vec<PulseDevice>, Failure> {
        Ok(match direction {
            Direction::Input => {
                self.ask::<SourceInfoList>(&Command::GetSourceInfoList)?.iter().map(found_source).collect()
            }
            Direction::Output => {
                self.ask::<SinkInfoList>(&Command::GetSinkInfoList)?.iter().map(found_sink).collect()
            }
        })
    }

    fn find(&mut self, direction: Direction, wanted: Option<&str>) -> Result<PulseDevice, DeviceError> {
        let Some(wanted) = wanted else {
            return match self.default(direction) {
                // Without a microphone, the server offers the sound it plays.
                Ok(found) if direction == Direction::Input && found.id.ends_with(".monitor") => {
                    Err(no_default(Self::NAME, direction))
                }
                Ok(found) => Ok(found),
                Err(why) if is_absent(&why) => Err(no_default(Self::NAME, direction)),
                Err(why) => Err(gone(&why)),
            };
        };
        let mut devices = self.all(direction).map_err(|why| gone(&why))?;
        let at = find(devices.iter().map(|d| (d.id.as_str(), d.name.as_str())), wanted);
        at.map(|at| devices.swap_remove(at)).ok_or_else(|| no_such_device(direction, wanted))
    }
}

/// The error for a server that is gone, as opposed to a device.
pub(crate) fn gone(why: &Failure) -> DeviceError {
    DeviceError {
        message: format!("{}: the sound server is gone ({why}); start it again", PulseAudio::NAME),
        transient: true,
    }
}

fn found_source(info: &SourceInfo) -> PulseDevice {
    found(
        &info.name,
        info.description.as_ref(),
        info.sample_spec.sample_rate,
        info.channel_map.num_channels(),
    )
}

fn found_sink(info: &SinkInfo) -> PulseDevice {
    found(
        &info.name,
        info.description.as_ref(),
        info.sample_spec.sample_rate,
        info.channel_map.num_channels(),
    )
}

fn found(name: &CString, description: Option<&CString>, rate: u32, channels: u8) -> PulseDevice {
    PulseDevice {
        id: format!("{}:{}", PulseAudio::NAME, name.to_string_lossy()),
        name: description.unwrap_or(name).to_string_lossy().into_owned(),
        format: DeviceFormat { rate, channels: usize::from(channels.max(1)) },
    }
}

/// The server's own name of a device.
fn server_name(id: &str) -> &str {
    id.split_once(':').map_or(id, |(_, name)| name)
}

impl SoundSystem for PulseAudio {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    fn list(&mut self) -> Result<Vec<DeviceInfo>, String> {
        let mut listed = Vec::new();
        for direction in [Direction::Input, Direction::Output] {
            let default = self.default(direction).ok().map(|d| d.id);
            for device in self.all(direction).map_err(|why| gone(&why).message)? {
                listed.push(DeviceInfo {
                    default: default.as_ref() == Some(&device.id),
                    id: device.id,
                    name: device.name,
                    direction: if direction == Direction::Input { "input" } else { "output" },
                    rate: Some(device.format.rate),
                    channels: u16::try_from(device.format.channels).ok(),
                    // The server converts.
                    format: Some("f32".into()),
                    trouble: None,
                });
            }
        }
        Ok(listed)
    }
}

impl Backend for PulseAudio {
    type Device = Option<CpalDevice>;

    fn choose(
        &mut self,
        direction: Direction,
        wanted: Option<&str>,
    ) -> Result<SelectedDevice<Self::Device>, DeviceError> {
        let PulseDevice { id, name, format } = self.find(direction, wanted)?;
        Ok(SelectedDevice { device: None, id, name, format })
    }

    fn default_id(&mut self, direction: Direction) -> Option<String> {
        self.default(direction).ok().map(|d| d.id)
    }

    fn is_present(&mut self, direction: Direction, id: &str) -> bool {
        let Ok(name) = CString::new(server_name(id)) else { return false };
        // If the server does not answer, the streams find out themselves.
        !self.ask_for(direction, name).is_err_and(|why| is_absent(&why))
    }

    fn start_input(
        &mut self,
        chosen: &SelectedDevice<Self::Device>,
        block_ms: f32,
        each: OnCapture,
        events: Arc<Events>,
    ) -> Result<Stream, DeviceError> {
        super::start_input(server_name(&chosen.id), chosen.format, block_ms, each, events)
    }

    fn start_output(
        &mut self,
        chosen: &SelectedDevice<Self::Device>,
        block_ms: f32,
        each: OnPlayback,
        events: Arc<Events>,
    ) -> Result<Stream, DeviceError> {
        super::start_output(server_name(&chosen.id), chosen.format, block_ms, each, events)
    }
}
