//! `sourdine-live latency`: plays clicks, records them, and prints the delay.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, atomic::AtomicBool};
use std::time::{Duration, Instant};

use serde::Serialize;
use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_live::{Backend, Direction, Events, open_host, probe};

use crate::args::LatencyArgs;
use crate::output;

/// Time that the devices get beyond the clicks, for their start.
const GRACE: Duration = Duration::from_secs(4);

/// One callback: its time, the frames before and after it, and the latency that the device reports.
#[derive(Debug, Clone, Copy)]
struct Call {
    seconds: f64,
    before: usize,
    after: usize,
    device_ms: f32,
}

/// All in ms.
#[derive(Debug, Serialize)]
struct Measured {
    /// From the playback callback to the capture callback: the median of the clicks.
    round_trip_ms: f64,
    /// The most that a click differs from it.
    spread_ms: f64,
    clicks: usize,
    of: usize,
    /// The latency that the devices state.
    device_in_ms: f32,
    device_out_ms: f32,
    /// The latency that a session adds: the engine at this rate.
    engine_ms: f64,
}

pub(crate) fn run(args: &LatencyArgs) -> Result<(), String> {
    let stop = sourdine_settings::stop_on_signals();
    let mut host = open_host(args.host.as_deref())?;
    let input = host.choose(Direction::Input, args.input.as_deref()).map_err(|t| t.message)?;
    let output = host.choose(Direction::Output, args.output.as_deref()).map_err(|t| t.message)?;
    let rate = output.format.rate;
    if input.format.rate != rate {
        return Err(format!(
            "{} has {} Hz and {} {rate} Hz; the clicks need one rate: set both devices to it",
            input.name, input.format.rate, output.name
        ));
    }
    let (sound, starts) = probe::sequence(rate);
    let length = sound.len();
    let began = Instant::now();

    // The callbacks report through rings.
    let calls = 4 * (length / (rate as usize / 1000) + 1000);
    let (mut played_calls, mut played) = rtrb::RingBuffer::<Call>::new(calls);
    let (mut recorded_calls, mut captured) = rtrb::RingBuffer::<Call>::new(calls);
    let (mut push, mut recorded) = rtrb::RingBuffer::<f32>::new(2 * length + 10 * rate as usize);
    let capturing = Arc::new(AtomicBool::new(false));

    let (channels, mut at, capture_runs) = (output.format.channels, 0, capturing.clone());
    let on_playback = Box::new(move |block: &mut [f32], device_ms: Option<f32>| {
        block.fill(0.0);
        if !capture_runs.load(Relaxed) {
            return;
        }
        let before = at;
        for frame in block.chunks_exact_mut(channels) {
            frame.fill(sound.get(at).copied().unwrap_or(0.0));
            at += 1;
        }
        let seconds = began.elapsed().as_secs_f64();
        // A full ring loses the call.
        let _ = played_calls.push(Call { seconds, before, after: at, device_ms: device_ms.unwrap_or(0.0) });
    });
    let (in_channels, mut total) = (input.format.channels, 0);
    let capture_began = capturing.clone();
    let on_capture = Box::new(move |block: &[f32], device_ms: Option<f32>| {
        let seconds = began.elapsed().as_secs_f64();
        capture_began.store(true, Relaxed);
        let before = total;
        for frame in block.chunks_exact(in_channels) {
            total += usize::from(push.push(frame[0]).is_ok());
        }
        let call = Call { seconds, before, after: total, device_ms: device_ms.unwrap_or(0.0) };
        // A full ring loses the call.
        let _ = recorded_calls.push(call);
    });
    let events = [Arc::new(Events::default()), Arc::new(Events::default())];
    let block_ms = f32::from(args.block);
    let out_stream =
        host.start_output(&output, block_ms, on_playback, events[0].clone()).map_err(|t| t.message)?;
    let in_stream =
        host.start_input(&input, block_ms, on_capture, events[1].clone()).map_err(|t| t.message)?;
    let wait = GRACE + Duration::from_secs_f64(length as f64 / f64::from(rate));
    while began.elapsed() < wait {
        if stop.load(Relaxed) {
            return Err("interrupted".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    drop((in_stream, out_stream));

    let drain =
        |ring: &mut rtrb::Consumer<Call>| -> Vec<Call> { std::iter::from_fn(|| ring.pop().ok()).collect() };
    let (played, captured) = (drain(&mut played), drain(&mut captured));
    let recorded: Vec<f32> = std::iter::from_fn(|| recorded.pop().ok()).collect();
    let delays = align(&played, &captured, rate)
        .map(|shift| probe::delays(&shifted(&recorded, shift), rate, &starts))
        .unwrap_or_default();
    if delays.len() < starts.len() / 2 {
        return Err(format!(
            "{} of {} clicks were picked up by {}; turn {} up, and the input too, or join them by a cable",
            delays.len(),
            starts.len(),
            input.name,
            output.name
        ));
    }
    show(&measured(delays, starts.len(), &played, &captured, rate)?, args.json)
}

/// Returns by how many frames the played sound is ahead of the recorded one: the time of frame 0 of each is the earliest that
/// any callback lets it be, since callbacks are only ever late.
fn align(played: &[Call], recorded: &[Call], rate: u32) -> Option<isize> {
    let rate = f64::from(rate);
    let first_played = played.iter().map(|c| c.seconds - c.before as f64 / rate).min_by(f64::total_cmp)?;
    let first_recorded = recorded.iter().map(|c| c.seconds - c.after as f64 / rate).min_by(f64::total_cmp)?;
    Some(((first_recorded - first_played) * rate).round() as isize)
}

/// Aligns the recorded sound with the time of the played one.
fn shifted(recorded: &[f32], shift: isize) -> Vec<f32> {
    let mut sound = vec![0.0; shift.max(0) as usize];
    sound.extend_from_slice(&recorded[recorded.len().min(shift.min(0).unsigned_abs())..]);
    sound
}

fn measured(
    mut delays: Vec<f64>,
    of: usize,
    played: &[Call],
    recorded: &[Call],
    rate: u32,
) -> Result<Measured, String> {
    delays.sort_by(f64::total_cmp);
    let median = delays[delays.len() / 2];
    let spread = delays.iter().map(|d| (d - median).abs()).fold(0.0, f64::max);
    let mean = |calls: &[Call]| calls.iter().map(|c| c.device_ms).sum::<f32>() / calls.len().max(1) as f32;
    let format = StreamFormat::new(rate, 1);
    let block = format.step_frames().map_err(|e| e.to_string())?;
    let engine = Engine::new(format.with_fixed_block(block), &Settings::default(), &Model::default())
        .map_err(|e| e.to_string())?;
    Ok(Measured {
        round_trip_ms: 1e3 * median,
        spread_ms: 1e3 * spread,
        clicks: delays.len(),
        of,
        device_in_ms: mean(recorded),
        device_out_ms: mean(played),
        engine_ms: engine.latency() as f64 * 1e3 / f64::from(rate),
    })
}

fn show(m: &Measured, json: bool) -> Result<(), String> {
    if json {
        return output::line(&serde_json::to_string(m).map_err(|e| e.to_string())?);
    }
    output::line(&format!(
        "round trip of the devices: {:.1} ms (± {:.1}, {} of {} clicks)",
        m.round_trip_ms, m.spread_ms, m.clicks, m.of
    ))?;
    output::line(&format!(
        "as the devices report it:  {:.1} ms (in {:.1}, out {:.1})",
        m.device_in_ms + m.device_out_ms,
        m.device_in_ms,
        m.device_out_ms
    ))?;
    output::line(&format!(
        "sourdine-live adds:        the engine's {:.1} ms, and the ring that it shows while it runs",
        m.engine_ms
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_round_trip_is_measured_through_late_callbacks() {
        let (sound, starts) = probe::sequence(48_000);
        // Recorded from 1 s on, played from 0.9 s on; the delay is 30 ms.
        let calls = |first: f64, at_end: bool| -> Vec<Call> {
            (0..sound.len() / 480)
                .map(|k| {
                    let late = if k % 3 == 1 { 0.004 } else { 0.0 };
                    let (before, after) = (k * 480, (k + 1) * 480);
                    let due = if at_end { after } else { before } as f64 / 48e3;
                    Call { seconds: first + due + late, before, after, device_ms: 5.0 }
                })
                .collect()
        };
        let (played, captured) = (calls(0.9, false), calls(1.0, true));
        // Frame 0 is recorded at 1.0 s: the sound at 0.1 s is being played then, and that at 0.07 s arrives.
        let recorded = &sound[3360..];
        let shift = align(&played, &captured, 48_000).unwrap();
        let delays = probe::delays(&shifted(recorded, shift), 48_000, &starts);
        let m = measured(delays, starts.len(), &played, &captured, 48_000).unwrap();
        assert!((m.round_trip_ms - 30.0).abs() < 0.05 && m.spread_ms < 0.05, "{m:?}");
        assert_eq!((m.clicks, m.engine_ms), (8, 10.0));
    }
}
