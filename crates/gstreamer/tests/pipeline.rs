//! The element in GStreamer's own tools and in a pipeline.
#![allow(clippy::unwrap_used)] // A test may fail.

use std::path::{Path, PathBuf};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_audio as gst_audio;
use sourdine::{Model, Settings, StreamFormat};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");

fn init() {
    gst::init().unwrap();
    gstsourdine::plugin_register_static().unwrap();
}

/// The interleaved 16-bit samples of a WAV file, its rate and its channels.
fn samples(path: &Path) -> (Vec<i16>, u32, usize) {
    let reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    (reader.into_samples().map(Result::unwrap).collect(), spec.sample_rate, usize::from(spec.channels))
}

fn sample(name: &str) -> PathBuf {
    Path::new(SAMPLES).join(name)
}

/// What `sourdine clean` writes for these samples.
fn cleaned(samples: &[i16], rate: u32, channels: usize) -> Vec<i16> {
    let floats: Vec<_> = samples.iter().map(|x| f32::from(*x) / 32_768.0).collect();
    let settings = Settings::default().with_ceiling(true);
    let format = StreamFormat::new(rate, channels);
    let clean = sourdine::denoise(&floats, format, &settings, &Model::default()).unwrap();
    clean.iter().map(|x| (x * 32_768.0).round_ties_even() as i16).collect()
}

/// Runs a pipeline to its end, and returns the messages of `audiosourdine`.
fn play(description: &str) -> Vec<gst::Structure> {
    let pipeline = gst::parse::launch(description).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut found = Vec::new();
    for message in pipeline.bus().unwrap().iter_timed(gst::ClockTime::from_seconds(60)) {
        match message.view() {
            gst::MessageView::Eos(_) => break,
            gst::MessageView::Error(error) => panic!("{error:?}"),
            gst::MessageView::Element(element) => found.extend(element.structure().map(ToOwned::to_owned)),
            _ => {}
        }
    }
    pipeline.set_state(gst::State::Null).unwrap();
    found
}

/// Any length of buffers, mono and stereo, 48 and 44.1 kHz: the samples of `sourdine clean`, as many, in their place.
#[test]
fn a_file_comes_out_as_clean_writes_it() {
    init();
    let folder = tempfile::tempdir().unwrap();
    for (file, block) in [
        ("fan-hum-48k.wav", 4_096),
        ("keyboard-stereo-44k1.wav", 1_000),
        ("phone-8k.wav", 100),
        ("babble-16k.wav", 64),
    ] {
        let output = folder.path().join("out.wav");
        let messages = play(&format!(
            "filesrc location={} blocksize={block} ! wavparse ! audiosourdine ! wavenc ! filesink location={}",
            sample(file).display(),
            output.display()
        ));
        let (before, rate, channels) = samples(&sample(file));
        let (after, ..) = samples(&output);
        assert_eq!(after.len(), before.len(), "{file}");
        assert!(after == cleaned(&before, rate, channels), "{file}");
        let voice: Vec<bool> = messages
            .iter()
            .filter(|s| s.name() == "audiosourdine")
            .map(|s| s.get("voice").unwrap())
            .collect();
        assert!(!voice.is_empty() && voice.iter().step_by(2).all(|voice| *voice), "{file}: {voice:?}");
        assert!(voice.iter().skip(1).step_by(2).all(|voice| !*voice), "{file}: {voice:?}");
    }
}

/// Buffers leave without a gap, starting with the first one's time stamp, and the latency query adds the engine's delay.
#[test]
fn time_stamps_and_latency_are_right() {
    init();
    for (rate, channels) in [(48_000, 1), (44_100, 2)] {
        let pipeline = gst::parse::launch(&format!(
            "audiotestsrc is-live=true num-buffers=20 samplesperbuffer=777 ! \
             audio/x-raw,format=F32LE,rate={rate},channels={channels} ! audiosourdine name=denoiser ! \
             fakesink name=sink sync=false"
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        let sink = pipeline.by_name("sink").unwrap();
        let (sender, received) = std::sync::mpsc::channel();
        sink.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let buffer = info.buffer().unwrap();
            sender.send((buffer.pts().unwrap(), buffer.duration().unwrap(), buffer.size())).unwrap();
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        let bus = pipeline.bus().unwrap();
        let end = bus.timed_pop_filtered(
            gst::ClockTime::from_seconds(60),
            &[gst::MessageType::Eos, gst::MessageType::Error],
        );
        assert_eq!(end.unwrap().type_(), gst::MessageType::Eos);
        let mut with = gst::query::Latency::new();
        let mut without = gst::query::Latency::new();
        let denoiser = pipeline.by_name("denoiser").unwrap();
        assert!(denoiser.static_pad("src").unwrap().query(&mut with));
        assert!(denoiser.static_pad("sink").unwrap().peer_query(&mut without));
        let format = StreamFormat::new(rate, channels);
        let engine = sourdine::Engine::new(format, &Settings::default(), &Model::default()).unwrap();
        let expected = engine.latency() as u64 * 1_000_000_000 / u64::from(rate);
        let measured = (with.result().1 - without.result().1).nseconds();
        assert!(measured.abs_diff(expected) <= 1, "{measured} ns, expected {expected}");
        pipeline.set_state(gst::State::Null).unwrap();

        let buffers: Vec<_> = received.try_iter().collect();
        let bytes: usize = buffers.iter().map(|(.., size)| size).sum();
        assert_eq!(bytes, 20 * 777 * channels * 4);
        for pair in buffers.windows(2) {
            let gap = pair[1].0.nseconds().abs_diff((pair[0].0 + pair[0].1).nseconds());
            assert!(gap <= 2, "a gap of {gap} ns");
        }
    }
}

/// After a gap the sound before it is complete, and the sound after it has its own time.
#[test]
fn a_gap_loses_no_sound() {
    init();
    let mut harness = Harness::new();
    let frames = 4_800;
    harness.push(gst::ClockTime::ZERO, frames, true);
    harness.push(gst::ClockTime::from_seconds(5), frames, true);
    let buffers = harness.finish();
    let total: usize = buffers.iter().map(|(_, frames)| frames).sum();
    assert_eq!(total, 2 * frames);
    assert_eq!(buffers[0].0, gst::ClockTime::ZERO);
    let after: Vec<_> = buffers.iter().filter(|(pts, _)| *pts >= gst::ClockTime::from_seconds(5)).collect();
    assert_eq!(after[0].0, gst::ClockTime::from_seconds(5));
    assert_eq!(after.iter().map(|(_, frames)| frames).sum::<usize>(), frames);
}

#[test]
fn formats_that_the_engine_lacks_are_refused() {
    init();
    for caps in
        ["rate=44101,channels=1", "rate=4000,channels=1", "rate=48000,channels=9,channel-mask=(bitmask)0"]
    {
        // Some are refused when the elements are linked, some when the format is chosen.
        let Ok(pipeline) = gst::parse::launch(&format!(
            "audiotestsrc num-buffers=3 ! audio/x-raw,format=F32LE,{caps} ! audiosourdine ! fakesink"
        )) else {
            continue;
        };
        let _ = pipeline.set_state(gst::State::Playing);
        let bus = pipeline.bus().unwrap();
        let end = bus.timed_pop_filtered(
            gst::ClockTime::from_seconds(20),
            &[gst::MessageType::Eos, gst::MessageType::Error],
        );
        assert_eq!(end.unwrap().type_(), gst::MessageType::Error, "{caps}");
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

/// `audiosourdine` between two pads of the test's own.
struct Harness {
    element: gst::Element,
    source: gst::Pad,
    received: std::sync::mpsc::Receiver<(gst::ClockTime, usize)>,
    _sink: gst::Pad,
}

impl Harness {
    fn new() -> Self {
        let element = gst::ElementFactory::make("audiosourdine").build().unwrap();
        let (sender, received) = std::sync::mpsc::channel();
        let source = gst::Pad::builder(gst::PadDirection::Src).name("source").build();
        let sink = gst::Pad::builder(gst::PadDirection::Sink)
            .name("sink")
            .chain_function(move |_, _, buffer| {
                sender.send((buffer.pts().unwrap(), buffer.size() / 4)).unwrap();
                Ok(gst::FlowSuccess::Ok)
            })
            .build();
        source.link(&element.static_pad("sink").unwrap()).unwrap();
        element.static_pad("src").unwrap().link(&sink).unwrap();
        source.set_active(true).unwrap();
        sink.set_active(true).unwrap();
        element.set_state(gst::State::Playing).unwrap();
        let info = gst_audio::AudioInfo::builder(gst_audio::AUDIO_FORMAT_F32, 48_000, 1).build().unwrap();
        assert!(source.push_event(gst::event::StreamStart::new("test")));
        assert!(source.push_event(gst::event::Caps::new(&info.to_caps().unwrap())));
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        assert!(source.push_event(gst::event::Segment::new(&segment)));
        Self { element, source, received, _sink: sink }
    }

    fn push(&mut self, pts: gst::ClockTime, frames: usize, gap: bool) {
        let mut buffer = gst::Buffer::from_mut_slice(vec![0_u8; 4 * frames]);
        let fields = buffer.make_mut();
        fields.set_pts(pts);
        if gap {
            fields.set_flags(gst::BufferFlags::DISCONT);
        }
        self.source.push(buffer).unwrap();
    }

    fn finish(self) -> Vec<(gst::ClockTime, usize)> {
        assert!(self.source.push_event(gst::event::Eos::new()));
        self.element.set_state(gst::State::Null).unwrap();
        self.received.try_iter().collect()
    }
}
