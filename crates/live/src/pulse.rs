//! Streams of PulseAudio, and of PipeWire in its stead, with buffers that do not lose sound.
//!
//! cpal finds the devices, but what it asks of the server for its streams is more than the server can keep:
//!
//! * A capture stream may keep one fragment in the server, so that whatever comes while that waits is dropped.
//! * A playback stream is twice its request long. With `ADJUST_LATENCY` half of what is left beyond two requests,
//!   nothing, is the sink's own: it runs at its least, 0.5 ms. A null sink at 44.1 kHz then plays 22 frames for every
//!   498 µs (0.18 % too fast, since it counts in whole µs), and real cards wake up 2000 times a second.
//!
//! Each stream has a connection of its own, and so a thread of its own: the engine's work does not hold up playback.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures::executor::block_on;
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    ChannelMap, ChannelPosition, PlaybackStreamParams, RecordStreamParams, SampleFormat, SampleSpec,
};
use pulseaudio::{AsPlaybackSource as _, Client, ClientError, PlaybackStream, RecordStream};

use crate::backend::{Events, OnCapture, OnPlayback, Stream, Trouble};
use crate::session::DeviceFormat;

/// The longest piece of a block that is converted at once, in frames.
const PIECE: usize = 8192;

const BYTES_PER_SAMPLE: usize = 4;

/// The length of a playback stream in blocks: two that the server keeps for our lateness, and half of the other two,
/// one block, for the sink.
const PLAYBACK_BLOCKS: u32 = 4;

/// How long the server may take to open a stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);

/// How often the server is asked how late the sound is, and so whether the stream is still there.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Starts to capture from a source.
pub(crate) fn start_input(
    source: &str,
    format: DeviceFormat,
    block_ms: f32,
    mut each: OnCapture,
    events: Arc<Events>,
) -> Result<Stream, Trouble> {
    let age_us = Arc::new(AtomicU64::new(0));
    let told = age_us.clone();
    let mut piece = vec![0.0_f32; PIECE * format.channels];
    let on_bytes = move |bytes: &[u8]| {
        for bytes in bytes.chunks(piece.len() * BYTES_PER_SAMPLE) {
            let samples = bytes.as_chunks::<BYTES_PER_SAMPLE>().0;
            let piece = &mut piece[..samples.len()];
            for (to, from) in piece.iter_mut().zip(samples) {
                *to = f32::from_le_bytes(*from);
            }
            each(piece, Some(told.load(Relaxed) as f32 * 1e-3));
        }
    };
    let params = RecordStreamParams {
        sample_spec: sample_spec(format),
        channel_map: channel_map(format),
        source_name: CString::new(source).ok(),
        buffer_attr: BufferAttr { fragment_size: block_bytes(format, block_ms), ..BufferAttr::default() },
        flags: flags(),
        ..RecordStreamParams::default()
    };
    let stream = open(source, move |client| block_on(client.create_record_stream(params, on_bytes)))?;
    let ask = move |stream: &RecordStream| {
        let timing = block_on(stream.timing_info())?;
        let waiting = (timing.write_offset - timing.read_offset).max(0) as usize;
        Ok(timing.source_usec + stream.sample_spec().bytes_to_duration(waiting).as_micros() as u64)
    };
    Ok(Box::new(Watched::new(stream, age_us, events, ask)))
}

/// Starts to play to a sink.
pub(crate) fn start_output(
    sink: &str,
    format: DeviceFormat,
    block_ms: f32,
    mut each: OnPlayback,
    events: Arc<Events>,
) -> Result<Stream, Trouble> {
    let wait_us = Arc::new(AtomicU64::new(0));
    let told = wait_us.clone();
    let mut piece = vec![0.0_f32; PIECE * format.channels];
    let fill = move |bytes: &mut [u8]| {
        for bytes in bytes.chunks_mut(piece.len() * BYTES_PER_SAMPLE) {
            let (samples, torn) = bytes.as_chunks_mut::<BYTES_PER_SAMPLE>();
            torn.fill(0);
            let piece = &mut piece[..samples.len()];
            each(piece, Some(told.load(Relaxed) as f32 * 1e-3));
            for (to, from) in samples.iter_mut().zip(piece) {
                *to = from.to_le_bytes();
            }
        }
        bytes.len()
    };
    let block = block_bytes(format, block_ms);
    let params = PlaybackStreamParams {
        sample_spec: sample_spec(format),
        channel_map: channel_map(format),
        sink_name: CString::new(sink).ok(),
        buffer_attr: BufferAttr {
            target_length: PLAYBACK_BLOCKS * block,
            minimum_request_length: block,
            ..BufferAttr::default()
        },
        flags: flags(),
        ..PlaybackStreamParams::default()
    };
    let source = fill.as_playback_source();
    let stream = open(sink, move |client| block_on(client.create_playback_stream(params, source)))?;
    let ask = move |stream: &PlaybackStream| {
        let timing = block_on(stream.timing_info())?;
        let waiting = (timing.write_offset - timing.read_offset).max(0) as usize;
        Ok(timing.sink_usec + stream.sample_spec().bytes_to_duration(waiting).as_micros() as u64)
    };
    Ok(Box::new(Watched::new(stream, wait_us, events, ask)))
}

fn sample_spec(format: DeviceFormat) -> SampleSpec {
    SampleSpec { format: SampleFormat::Float32Le, channels: format.channels as u8, sample_rate: format.rate }
}

/// As many channels as the device has; which is which is told by their order alone (see [`flags`]).
fn channel_map(format: DeviceFormat) -> ChannelMap {
    ChannelMap::new(std::iter::repeat_n(ChannelPosition::Mono, format.channels))
}

/// The supervisor follows the default devices. The server, where it may, moves a stream to whatever becomes the default,
/// though another device was asked for, and that of an unplugged microphone to our own output's monitor.
fn flags() -> StreamFlags {
    StreamFlags { adjust_latency: true, no_remap_channels: true, no_move: true, ..StreamFlags::default() }
}

fn block_bytes(format: DeviceFormat, block_ms: f32) -> u32 {
    let frames = (format.rate as f32 * block_ms * 1e-3).round().max(1.0) as u32;
    frames * (format.channels * BYTES_PER_SAMPLE) as u32
}

/// Connects and opens a stream, on a thread that can be left behind: a server that hangs does not answer.
fn open<S: Send + 'static>(
    device: &str,
    create: impl FnOnce(Client) -> Result<S, ClientError> + Send + 'static,
) -> Result<S, Trouble> {
    let (answer, answered) = mpsc::channel();
    std::thread::spawn(move || {
        let _too_late = answer.send(Client::from_env(c"Sourdine").and_then(create));
    });
    let trouble =
        |why: String| Trouble { message: format!("{device}: {why}; is it plugged in?"), passing: true };
    match answered.recv_timeout(OPEN_TIMEOUT) {
        Ok(stream) => stream.map_err(|e| trouble(e.to_string())),
        Err(_) => Err(trouble("the sound server does not answer".into())),
    }
}

/// A stream, and the thread that asks after it.
struct Watched {
    over: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Watched {
    fn new<S: Send + 'static>(
        stream: S,
        late_us: Arc<AtomicU64>,
        events: Arc<Events>,
        ask: impl Fn(&S) -> Result<u64, ClientError> + Send + 'static,
    ) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ended = over.clone();
        let watcher = std::thread::spawn(move || {
            while !ended.load(Relaxed) {
                match ask(&stream) {
                    Ok(us) => late_us.store(us, Relaxed),
                    Err(error) => {
                        events.fail_because(format!("the sound server has ended the stream ({error})"));
                        return;
                    }
                }
                std::thread::park_timeout(ASK_EVERY);
            }
        });
        Self { over, watcher: Some(watcher) }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            let _gone = watcher.join();
        }
    }
}
