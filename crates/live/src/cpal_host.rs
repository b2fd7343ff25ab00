//! Sound systems by cpal. Nothing outside this file knows cpal.

use std::sync::Arc;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, ErrorKind, FromSample, SampleFormat, SizedSample, StreamConfig, SupportedBufferSize,
    SupportedStreamConfig,
};

use crate::backend::{
    Backend, DeviceError, Direction, Events, OnCapture, OnPlayback, SelectedDevice, Stream,
};
use crate::host::{DeviceInfo, SoundSystem, find, no_default, no_such_device};
use crate::session::DeviceFormat;

/// The longest piece of a block that is converted at once, in frames.
const PIECE: usize = 8192;

/// Time that a device may take to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);

/// Formats from the best to the worst; the others cpal knows are not for sound cards.
const FORMATS: [SampleFormat; 9] = [
    SampleFormat::F32,
    SampleFormat::F64,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::U32,
    SampleFormat::U24,
    SampleFormat::I16,
    SampleFormat::U16,
    SampleFormat::U8,
];

/// A cpal host.
pub(crate) struct CpalHost {
    host: cpal::Host,
    /// Something has failed, or was opened long ago; the devices may be others now.
    stale: bool,
}

impl CpalHost {
    /// The names of the hosts that this program was built with and that are there.
    pub(crate) fn names() -> Vec<String> {
        cpal::available_hosts().iter().map(|id| id.name().to_lowercase()).collect()
    }

    /// The best that is there.
    pub(crate) fn best() -> Self {
        Self { host: cpal::default_host(), stale: false }
    }

    /// The host of that name; none where cpal has none.
    pub(crate) fn open(name: &str) -> Result<Option<Self>, String> {
        let ids = cpal::available_hosts();
        let Some(id) = ids.iter().find(|id| id.name().eq_ignore_ascii_case(name)) else { return Ok(None) };
        let host = cpal::host_from_id(*id)
            .map_err(|e| format!("{name}: the sound system does not answer: {e}; is it running?"))?;
        Ok(Some(Self { host, stale: false }))
    }

    /// Silence for what ALSA prints while it opens devices.
    #[cfg(target_os = "linux")]
    fn hush(&self) -> Option<crate::hush::Hush> {
        (self.name() == "alsa").then(crate::hush::Hush::begin)
    }

    /// Other systems print nothing.
    #[cfg(not(target_os = "linux"))]
    fn hush(&self) {}

    /// Connects to the sound system anew, after something has failed or ended: hosts of servers list the devices that were there when
    /// they connected, and do not connect again by themselves.
    fn refresh(&mut self) -> Result<(), DeviceError> {
        if self.stale {
            self.host = cpal::host_from_id(self.host.id()).map_err(|e| DeviceError {
                message: format!("{}: the sound system is gone ({e}); start it again", self.name()),
                transient: true,
            })?;
            self.stale = false;
        }
        Ok(())
    }

    fn find(&self, direction: Direction, wanted: Option<&str>) -> Result<cpal::Device, DeviceError> {
        let Some(wanted) = wanted else {
            let device = match direction {
                Direction::Input => self.host.default_input_device(),
                Direction::Output => self.host.default_output_device(),
            };
            // Without a microphone, a sound server offers the sound it plays.
            let device = device.filter(|d| direction == Direction::Output || !id_of(d).ends_with(".monitor"));
            return device.ok_or_else(|| no_default(&self.name(), direction));
        };
        let devices = self.host.devices().map_err(|e| device_error(&self.name(), &e))?;
        let fits = |d: &cpal::Device| match direction {
            Direction::Input => d.supports_input(),
            Direction::Output => d.supports_output(),
        };
        let devices: Vec<_> = devices.filter(fits).collect();
        let names: Vec<_> = devices.iter().map(|d| (id_of(d), d.to_string())).collect();
        find(names.iter().map(|(id, name)| (id.as_str(), name.as_str())), wanted)
            .and_then(|at| devices.into_iter().nth(at))
            .ok_or_else(|| no_such_device(direction, wanted))
    }
}

impl SoundSystem for CpalHost {
    fn name(&self) -> String {
        self.host.id().name().to_lowercase()
    }

    fn list(&mut self) -> Result<Vec<DeviceInfo>, String> {
        let _quiet = self.hush();
        let devices =
            self.host.devices().map_err(|e| format!("{}: cannot list devices: {e}", self.name()))?;
        let id = |d: Option<cpal::Device>| d.and_then(|d| d.id().ok()).map(|id| id.to_string());
        let defaults = [id(self.host.default_input_device()), id(self.host.default_output_device())];
        let mut listed = Vec::new();
        for device in devices {
            for (direction, default, there) in [
                (Direction::Input, &defaults[0], device.supports_input()),
                (Direction::Output, &defaults[1], device.supports_output()),
            ] {
                if !there {
                    continue;
                }
                let id = id_of(&device);
                let config = best_config(&device, direction);
                listed.push(DeviceInfo {
                    name: device.to_string(),
                    direction: if direction == Direction::Input { "input" } else { "output" },
                    default: Some(&id) == default.as_ref(),
                    rate: config.as_ref().ok().map(SupportedStreamConfig::sample_rate),
                    channels: config.as_ref().ok().map(SupportedStreamConfig::channels),
                    format: config.as_ref().ok().map(|c| c.sample_format().to_string()),
                    trouble: config.err().map(|e| e.to_string()),
                    id,
                });
            }
        }
        Ok(listed)
    }
}

/// A device and the stream it will have.
pub struct CpalDevice {
    device: cpal::Device,
    config: SupportedStreamConfig,
}

fn id_of(device: &cpal::Device) -> String {
    device.id().map_or_else(|_| device.to_string(), |id| id.to_string())
}

/// Says what is wrong with a device and what to do; what the system says of it stands behind that.
fn device_error(name: &str, error: &cpal::Error) -> DeviceError {
    let (what, transient) = match error.kind() {
        ErrorKind::DeviceBusy => {
            ("another program has it; close that, or choose a device of the sound server", true)
        }
        ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated => {
            ("not found; plug it in, or choose another device", true)
        }
        ErrorKind::PermissionDenied => {
            ("the system does not permit its use; allow it in the system's settings", false)
        }
        ErrorKind::HostUnavailable => ("its sound system does not answer; start that", true),
        ErrorKind::UnsupportedConfig => ("it does not do what was asked of it; choose another device", false),
        _ => ("it failed; choose another device or --host", true),
    };
    let details = error.message().map_or_else(String::new, |message| format!(" ({message})"));
    DeviceError { message: format!("{name}: {what}{details}"), transient }
}

/// The device's own rate and channels, in the best format it has for them.
fn best_config(device: &cpal::Device, direction: Direction) -> Result<SupportedStreamConfig, cpal::Error> {
    let (default, all): (_, Vec<_>) = match direction {
        Direction::Input => (device.default_input_config()?, device.supported_input_configs()?.collect()),
        Direction::Output => (device.default_output_config()?, device.supported_output_configs()?.collect()),
    };
    let better = FORMATS.into_iter().find_map(|format| {
        all.iter()
            .filter(|c| c.channels() == default.channels() && c.sample_format() == format)
            .find_map(|c| c.try_with_sample_rate(default.sample_rate()))
    });
    Ok(better.unwrap_or(default))
}

/// The stream to ask for: blocks as near to `block_ms` as the device has them.
fn stream_config(config: &SupportedStreamConfig, block_ms: f32) -> StreamConfig {
    let frames = (config.sample_rate() as f32 * block_ms * 1e-3).round().max(1.0) as u32;
    let frames = match *config.buffer_size() {
        SupportedBufferSize::Range { min, max } => frames.clamp(min.max(1), max.max(min.max(1))),
        SupportedBufferSize::Unknown => frames,
    };
    StreamConfig { buffer_size: BufferSize::Fixed(frames), ..config.config() }
}

/// Calls a generic function for the sample type of a format.
macro_rules! for_format {
    ($format:expr, $name:expr, $build:ident ( $($argument:expr),* )) => {
        match $format {
            SampleFormat::F32 => $build::<f32>($($argument),*),
            SampleFormat::F64 => $build::<f64>($($argument),*),
            SampleFormat::I32 => $build::<i32>($($argument),*),
            SampleFormat::I24 => $build::<cpal::I24>($($argument),*),
            SampleFormat::U32 => $build::<u32>($($argument),*),
            SampleFormat::U24 => $build::<cpal::U24>($($argument),*),
            SampleFormat::I16 => $build::<i16>($($argument),*),
            SampleFormat::U16 => $build::<u16>($($argument),*),
            SampleFormat::I8 => $build::<i8>($($argument),*),
            SampleFormat::U8 => $build::<u8>($($argument),*),
            other => Err(DeviceError {
                message: format!("{}: samples of format {other} are not supported; choose another device", $name),
                transient: false,
            }),
        }
    };
}

impl Backend for CpalHost {
    type Device = Option<CpalDevice>;

    fn choose(
        &mut self,
        direction: Direction,
        wanted: Option<&str>,
    ) -> Result<SelectedDevice<Self::Device>, DeviceError> {
        let _quiet = self.hush();
        self.refresh()?;
        let chosen = self.find(direction, wanted).and_then(|device| {
            let name = device.to_string();
            let config = best_config(&device, direction).map_err(|e| device_error(&name, &e))?;
            let format =
                DeviceFormat { rate: config.sample_rate(), channels: usize::from(config.channels().max(1)) };
            Ok(SelectedDevice {
                id: id_of(&device),
                name,
                format,
                device: Some(CpalDevice { device, config }),
            })
        });
        self.stale = chosen.is_err();
        chosen
    }

    fn default_id(&mut self, direction: Direction) -> Option<String> {
        let device = match direction {
            Direction::Input => self.host.default_input_device(),
            Direction::Output => self.host.default_output_device(),
        };
        device.map(|d| id_of(&d))
    }

    fn is_present(&mut self, direction: Direction, id: &str) -> bool {
        // Bare hardware tells by itself, and looking for it takes long.
        if self.name() == "alsa" || !cfg!(target_os = "linux") {
            return true;
        }
        let Ok(mut devices) = self.host.devices() else { return false };
        devices.any(|d| {
            id_of(&d) == id
                && if direction == Direction::Input { d.supports_input() } else { d.supports_output() }
        })
    }

    fn start_input(
        &mut self,
        chosen: &SelectedDevice<Self::Device>,
        block_ms: f32,
        each: OnCapture,
        events: Arc<Events>,
    ) -> Result<Stream, DeviceError> {
        let device = chosen.device.as_ref().ok_or_else(|| no_such_device(Direction::Input, &chosen.name))?;
        let format = device.config.sample_format();
        let _quiet = self.hush();
        let stream = for_format!(format, chosen.name, build_input(device, chosen, block_ms, each, events));
        // Whatever becomes of it, the next session asks anew.
        self.stale = true;
        stream
    }

    fn start_output(
        &mut self,
        chosen: &SelectedDevice<Self::Device>,
        block_ms: f32,
        each: OnPlayback,
        events: Arc<Events>,
    ) -> Result<Stream, DeviceError> {
        let device = chosen.device.as_ref().ok_or_else(|| no_such_device(Direction::Output, &chosen.name))?;
        let format = device.config.sample_format();
        let _quiet = self.hush();
        let stream = for_format!(format, chosen.name, build_output(device, chosen, block_ms, each, events));
        self.stale = true;
        stream
    }
}

/// A sample of a device, as far as it is not exactly what cpal's conversion gives.
trait Rounded: SizedSample + FromSample<f32> + Send + 'static {
    /// The nearest sample; cpal's own conversion cuts off towards zero.
    fn nearest(x: f32) -> Self {
        let bits = Self::FORMAT.bits_per_sample();
        if Self::FORMAT.is_float() || bits > 24 {
            return Self::from_sample_(x);
        }
        let scale = (1_i64 << (bits - 1)) as f32;
        Self::from_sample_((x * scale).round().clamp(-scale, scale - 1.0) / scale)
    }
}

impl<T: SizedSample + FromSample<f32> + Send + 'static> Rounded for T {}

fn build_input<T>(
    CpalDevice { device, config }: &CpalDevice,
    chosen: &SelectedDevice<Option<CpalDevice>>,
    block_ms: f32,
    mut each: OnCapture,
    events: Arc<Events>,
) -> Result<Stream, DeviceError>
where
    T: Rounded,
    f32: FromSample<T>,
{
    let mut piece = vec![0.0_f32; PIECE * chosen.format.channels];
    let stream = device
        .build_input_stream::<T, _, _>(
            stream_config(config, block_ms),
            move |block, info| {
                let at = info.timestamp();
                let age = at.callback.duration_since(at.capture).as_secs_f32() * 1e3;
                for samples in block.chunks(piece.len()) {
                    let piece = &mut piece[..samples.len()];
                    for (to, x) in piece.iter_mut().zip(samples) {
                        *to = f32::from_sample_(*x);
                    }
                    each(piece, Some(age));
                }
            },
            on_error(events),
            Some(OPEN_TIMEOUT),
        )
        .map_err(|e| device_error(&chosen.name, &e))?;
    start(stream, &chosen.name)
}

fn build_output<T: Rounded>(
    CpalDevice { device, config }: &CpalDevice,
    chosen: &SelectedDevice<Option<CpalDevice>>,
    block_ms: f32,
    mut each: OnPlayback,
    events: Arc<Events>,
) -> Result<Stream, DeviceError> {
    let mut piece = vec![0.0_f32; PIECE * chosen.format.channels];
    let stream = device
        .build_output_stream::<T, _, _>(
            stream_config(config, block_ms),
            move |block: &mut [T], info| {
                let at = info.timestamp();
                let wait = at.playback.duration_since(at.callback).as_secs_f32() * 1e3;
                for samples in block.chunks_mut(piece.len()) {
                    let piece = &mut piece[..samples.len()];
                    each(piece, Some(wait));
                    for (to, x) in samples.iter_mut().zip(piece.iter()) {
                        *to = T::nearest(*x);
                    }
                }
            },
            on_error(events),
            Some(OPEN_TIMEOUT),
        )
        .map_err(|e| device_error(&chosen.name, &e))?;
    start(stream, &chosen.name)
}

/// Starts a stream, which cpal always gives paused.
fn start(stream: cpal::Stream, name: &str) -> Result<Stream, DeviceError> {
    stream.play().map_err(|e| device_error(name, &e))?;
    Ok(Box::new(stream))
}

/// Sets the events and nothing else: some hosts call this on the audio thread.
fn on_error(events: Arc<Events>) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| match error.kind() {
        ErrorKind::Xrun => events.xrun(),
        // Rerouted already; and a lack of priority is found out on the thread itself.
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
        _ => events.fail(),
    }
}
