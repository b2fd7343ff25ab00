//! PulseAudio, and PipeWire in its place: the devices (`system.rs`), and streams with buffers that do not lose sound.
//!
//! cpal's PulseAudio host does not suffice. It keeps one connection, which is lost for good when the server goes away, and
//! it asks more for its streams than the server can keep:
//!
//! * A capture stream may keep one fragment in the server, so that whatever comes while that waits is dropped.
//! * A playback stream is twice its request long. With `ADJUST_LATENCY` half of what is left beyond two requests,
//!   nothing, is the sink's own: it runs at its least, 0.5 ms. A null sink at 44.1 kHz then plays 22 frames for every
//!   498 µs (0.18 % too fast, since it counts in whole µs), and real cards wake up 2000 times a second.
//!
//! Each stream has a connection of its own, and so a thread of its own: the engine's work does not hold up playback.
//! The thread implements the protocol itself: the `pulseaudio` crate's client writes 2 MiB of zeros for every block, and holds
//! a lock around each callback.

mod connection;
mod microphone;
mod system;

use std::ffi::CString;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;

use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{
    ChannelMap, ChannelPosition, Command, CreatePlaybackStreamReply, CreateRecordStreamReply,
    DESCRIPTOR_SIZE, PlaybackLatency, PlaybackStreamParams, RecordLatency, RecordStreamParams, SampleFormat,
    SampleSpec,
};

use crate::backend::{DeviceError, Events, OnCapture, OnPlayback, Stream};
use crate::session::DeviceFormat;
pub(crate) use connection::Failure;
use connection::{Connection, Message, is_answer};
pub(crate) use microphone::Microphone;
pub(crate) use system::{PulseAudio, gone};

/// The longest piece of a block that is converted at once, in frames.
const PIECE: usize = 8192;

const BYTES_PER_SAMPLE: usize = 4;

/// The length of a playback stream in blocks: two that the server keeps for our lateness, and half of the other two,
/// one block, for the sink.
const PLAYBACK_BLOCKS: u32 = 4;

/// Starts to capture from a source.
fn start_input(
    source: &str,
    format: DeviceFormat,
    block_ms: f32,
    mut each: OnCapture,
    events: Arc<Events>,
) -> Result<Stream, DeviceError> {
    let params = RecordStreamParams {
        sample_spec: sample_spec(format),
        channel_map: channel_map(format),
        source_name: CString::new(source).ok(),
        buffer_attr: BufferAttr { fragment_size: block_bytes(format, block_ms), ..BufferAttr::default() },
        flags: flags(),
        ..RecordStreamParams::default()
    };
    let (connection, reply): (_, CreateRecordStreamReply) =
        open(source, &Command::CreateRecordStream(params))?;
    let mut piece = vec![0.0_f32; PIECE * format.channels];
    let mut age_ms = 0.0;
    serve(source, connection, events, move |connection, _| {
        match connection.receive(reply.channel, Command::GetRecordLatency)? {
            Message::Sound(range) => {
                for bytes in connection.bytes(range).chunks(piece.len() * BYTES_PER_SAMPLE) {
                    let samples = bytes.as_chunks::<BYTES_PER_SAMPLE>().0;
                    let piece = &mut piece[..samples.len()];
                    for (to, from) in piece.iter_mut().zip(samples) {
                        *to = f32::from_le_bytes(*from);
                    }
                    each(piece, Some(age_ms));
                }
            }
            Message::Latency(range) => {
                let timing: RecordLatency = connection.answer(range)?;
                age_ms = late_ms(timing.source_usec, timing.write_offset - timing.read_offset, format);
            }
            _ => {}
        }
        Ok(())
    })
}

/// Starts to play to a sink.
fn start_output(
    sink: &str,
    format: DeviceFormat,
    block_ms: f32,
    mut each: OnPlayback,
    events: Arc<Events>,
) -> Result<Stream, DeviceError> {
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
    let (connection, reply): (_, CreatePlaybackStreamReply) =
        open(sink, &Command::CreatePlaybackStream(params))?;
    let stream = reply.channel;
    let mut piece = vec![0.0_f32; PIECE * format.channels];
    let mut message = vec![0; DESCRIPTOR_SIZE + piece.len() * BYTES_PER_SAMPLE];
    let mut wanted = reply.requested_bytes as usize;
    let mut wait_ms = 0.0;
    serve(sink, connection, events, move |connection, events| {
        // A request may end within a sample; the next one goes on there.
        while wanted >= BYTES_PER_SAMPLE * format.channels {
            let frames = (wanted / (BYTES_PER_SAMPLE * format.channels)).min(PIECE);
            let samples = frames * format.channels;
            each(&mut piece[..samples], Some(wait_ms));
            let message = &mut message[..DESCRIPTOR_SIZE + samples * BYTES_PER_SAMPLE];
            let (to, _) = message[DESCRIPTOR_SIZE..].as_chunks_mut::<BYTES_PER_SAMPLE>();
            for (to, from) in to.iter_mut().zip(&piece) {
                *to = from.to_le_bytes();
            }
            connection.send(stream, message)?;
            wanted -= samples * BYTES_PER_SAMPLE;
        }
        match connection.receive(stream, Command::GetPlaybackLatency)? {
            Message::Request(bytes) => wanted += bytes,
            Message::Underflow => events.xrun(),
            Message::Latency(range) => {
                let timing: PlaybackLatency = connection.answer(range)?;
                wait_ms = late_ms(timing.sink_usec, timing.write_offset - timing.read_offset, format);
            }
            Message::Sound(_) | Message::Other => {}
        }
        Ok(())
    })
}

/// Latency of the device and of the server's buffer.
fn late_ms(device_us: u64, waiting_bytes: i64, format: DeviceFormat) -> f32 {
    let frames = waiting_bytes.max(0) as f32 / (BYTES_PER_SAMPLE * format.channels) as f32;
    device_us as f32 * 1e-3 + frames * 1e3 / format.rate as f32
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

/// Connects and opens a stream.
fn open<R: pulseaudio::protocol::CommandReply>(
    device: &str,
    create: &Command,
) -> Result<(Connection, R), DeviceError> {
    Connection::open()
        .and_then(|mut connection| {
            let reply = connection.ask(create)?;
            Ok((connection, reply))
        })
        .map_err(|e| device_error(device, &e))
}

fn device_error(device: &str, why: &dyn std::fmt::Display) -> DeviceError {
    DeviceError { message: format!("{device}: {why}; is it plugged in?"), transient: true }
}

/// Repeats `step` on a thread of its own until the stream is dropped or fails.
fn serve(
    device: &str,
    mut connection: Connection,
    events: Arc<Events>,
    mut step: impl FnMut(&mut Connection, &Events) -> Result<(), Failure> + Send + 'static,
) -> Result<Stream, DeviceError> {
    let socket = connection.handle().map_err(|e| device_error(device, &e))?;
    let over = Arc::new(AtomicBool::new(false));
    let ended = over.clone();
    let work = move || {
        while !ended.load(Relaxed) {
            if let Err(error) = step(&mut connection, &events)
                && !ended.load(Relaxed)
            {
                events.fail_because(format!("the sound server has ended the stream ({error})"));
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("pulseaudio".into()).spawn(work);
    let thread = thread.map_err(|e| device_error(device, &e))?;
    Ok(Box::new(Served { over, socket, thread: Some(thread) }))
}

/// A running stream.
struct Served {
    over: Arc<AtomicBool>,
    socket: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        // It may be closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
