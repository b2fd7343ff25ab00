//! The element: properties, the latency query, and buffers through the engine.
//!
//! The engine returns each sound later by its latency. The element takes the first frames away, sends the last ones after
//! the stream, and leaves every sound its own time stamp: nothing is lost, and sound stays with pictures. What the pipeline has to
//! wait for it learns from the latency query.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use gstreamer::{self as gst, EventView, QueryViewMut};
use gstreamer_audio::subclass::prelude::*;
use gstreamer_audio::{self as gst_audio, AUDIO_FORMAT_F32, AUDIO_FORMAT_S16};
use gstreamer_base as gst_base;
use gstreamer_base::prelude::*;
use gstreamer_base::subclass::BaseTransformMode;

use sourdine::{Controls, Engine, Model, Report, Settings, StreamFormat};

static CATEGORY: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "audiosourdine",
        gst::DebugColorFlags::empty(),
        Some("Sourdine noise suppression"),
    )
});

/// The attenuation limit from which on there is none, in dB.
const NO_LIMIT_DB: f32 = 120.0;

/// A buffer's offset if it has none (`GST_BUFFER_OFFSET_NONE`).
const NO_OFFSET: u64 = u64::MAX;

/// The values of the properties.
#[derive(Debug, Clone)]
struct Properties {
    enabled: bool,
    attenuation_limit: f32,
    gate: bool,
    model: String,
    voice_messages: bool,
}

impl Default for Properties {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            enabled: settings.enabled,
            attenuation_limit: settings.attenuation_limit_db,
            gate: settings.gate,
            model: Model::default().info().name,
            voice_messages: true,
        }
    }
}

impl Properties {
    fn limit_db(&self) -> f32 {
        if self.attenuation_limit < NO_LIMIT_DB { self.attenuation_limit } else { f32::INFINITY }
    }
}

/// A stream of one format.
struct Stream {
    engine: Engine,
    controls: Controls,
    format: gst_audio::AudioFormat,
    rate: u64,
    channels: usize,
    /// Frames that went in since the start or the last gap.
    frames: usize,
    /// The time stamp of the next frame that comes out.
    next_pts: Option<gst::ClockTime>,
    voice: bool,
}

impl Stream {
    fn duration(&self, frames: usize) -> gst::ClockTime {
        gst::ClockTime::from_nseconds(
            (frames as u64).mul_div_round(gst::ClockTime::SECOND.nseconds(), self.rate).unwrap_or(0),
        )
    }

    fn bytes_per_frame(&self) -> usize {
        self.channels * if self.format == AUDIO_FORMAT_S16 { 2 } else { 4 }
    }

    /// Denoises interleaved samples in place; says why if it cannot.
    fn process(&mut self, bytes: &mut [u8]) -> Result<Report, String> {
        let unaligned = |_| "a buffer that is not aligned".to_owned();
        let report = if self.format == AUDIO_FORMAT_S16 {
            self.engine.process_interleaved_i16(bytemuck::try_cast_slice_mut(bytes).map_err(unaligned)?)
        } else {
            self.engine.process_interleaved_f32(bytemuck::try_cast_slice_mut(bytes).map_err(unaligned)?)
        };
        report.map_err(|error| error.to_string())
    }

    /// The sound still inside, in a buffer; then the stream starts anew.
    fn finish(&mut self) -> Option<gst::Buffer> {
        let latency = self.engine.latency();
        let kept = self.frames.min(latency);
        let mut bytes = vec![0; latency * self.bytes_per_frame()];
        if self.format == AUDIO_FORMAT_S16 {
            let mut samples = vec![0_i16; latency * self.channels];
            self.engine.finish_interleaved_i16(&mut samples);
            bytes.copy_from_slice(bytemuck::cast_slice(&samples));
        } else {
            let mut samples = vec![0_f32; latency * self.channels];
            self.engine.finish_interleaved_f32(&mut samples);
            bytes.copy_from_slice(bytemuck::cast_slice(&samples));
        }
        self.engine.reset();
        self.frames = 0;
        let pts = self.next_pts.take();
        if kept == 0 {
            return None;
        }
        bytes.drain(..(latency - kept) * self.bytes_per_frame());
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let duration = self.duration(kept);
        let fields = buffer.make_mut();
        fields.set_pts(pts);
        fields.set_duration(duration);
        Some(buffer)
    }
}

#[derive(Default)]
pub struct AudioSourdine {
    properties: Mutex<Properties>,
    stream: Mutex<Option<Stream>>,
}

/// A panic elsewhere leaves nothing half-done that matters here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AudioSourdine {
    /// Sends what the engine still holds.
    fn drain(&self) -> Result<gst::FlowSuccess, gst::FlowError> {
        let rest = lock(&self.stream).as_mut().and_then(Stream::finish);
        rest.map_or(Ok(gst::FlowSuccess::Ok), |buffer| self.obj().src_pad().push(buffer))
    }

    fn latency(&self) -> gst::ClockTime {
        lock(&self.stream)
            .as_ref()
            .map_or(gst::ClockTime::ZERO, |stream| stream.duration(stream.engine.latency()))
    }

    /// Posts when voice starts or ends, as `level` and `cutter` post what they find.
    fn post_voice(&self, voice: bool, pts: Option<gst::ClockTime>) {
        let segment = self.obj().sink_pad().sticky_event::<gst::event::Segment>(0);
        let segment = segment.as_ref().and_then(|event| event.segment().downcast_ref::<gst::ClockTime>());
        let structure = gst::Structure::builder("audiosourdine")
            .field("voice", voice)
            .field("timestamp", pts)
            .field("stream-time", segment.and_then(|segment| segment.to_stream_time(pts)))
            .field("running-time", segment.and_then(|segment| segment.to_running_time(pts)))
            .build();
        let message = gst::message::Element::builder(structure).src(&*self.obj()).build();
        // Fails only if the element is in no pipeline.
        let _ = self.obj().post_message(message);
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AudioSourdine {
    const NAME: &'static str = "GstAudioSourdine";
    type Type = super::AudioSourdine;
    type ParentType = gst_audio::AudioFilter;
}

impl ObjectImpl for AudioSourdine {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let defaults = Properties::default();
            vec![
                glib::ParamSpecBoolean::builder("enabled")
                    .nick("Enabled")
                    .blurb("Off passes the sound through, with the same latency")
                    .default_value(defaults.enabled)
                    .mutable_playing()
                    .build(),
                glib::ParamSpecFloat::builder("attenuation-limit")
                    .nick("Attenuation limit")
                    .blurb("The most that any sound is attenuated, in dB; 120 sets no limit")
                    .minimum(0.0)
                    .maximum(NO_LIMIT_DB)
                    .default_value(defaults.attenuation_limit)
                    .mutable_playing()
                    .build(),
                glib::ParamSpecBoolean::builder("gate")
                    .nick("Gate")
                    .blurb("Attenuates pauses further")
                    .default_value(defaults.gate)
                    .mutable_playing()
                    .build(),
                glib::ParamSpecString::builder("model")
                    .nick("Model")
                    .blurb("The model's name: sourdine, sourdine-lite or rnnoise")
                    .default_value(Some(&*defaults.model))
                    .mutable_ready()
                    .build(),
                glib::ParamSpecBoolean::builder("voice-messages")
                    .nick("Voice messages")
                    .blurb("Posts an element message `audiosourdine` when voice starts or ends")
                    .default_value(defaults.voice_messages)
                    .mutable_playing()
                    .build(),
            ]
        });
        &PROPERTIES
    }

    fn set_property(&self, _id: usize, value: &glib::Value, spec: &glib::ParamSpec) {
        let mut properties = lock(&self.properties);
        // GObject has checked the type of each value against its specification.
        match spec.name() {
            "enabled" => properties.enabled = value.get().unwrap_or(properties.enabled),
            "attenuation-limit" => {
                properties.attenuation_limit = value.get().unwrap_or(properties.attenuation_limit);
            }
            "gate" => properties.gate = value.get().unwrap_or(properties.gate),
            "model" => {
                let name: Option<String> = value.get().unwrap_or(None);
                properties.model = name.unwrap_or_else(|| Properties::default().model);
            }
            _ => properties.voice_messages = value.get().unwrap_or(properties.voice_messages),
        }
        if let Some(stream) = &*lock(&self.stream) {
            stream.controls.set_enabled(properties.enabled);
            stream.controls.set_gate(properties.gate);
            // In its range by the specification.
            let _ = stream.controls.set_attenuation_limit_db(properties.limit_db());
        }
    }

    fn property(&self, _id: usize, spec: &glib::ParamSpec) -> glib::Value {
        let properties = lock(&self.properties);
        match spec.name() {
            "enabled" => properties.enabled.to_value(),
            "attenuation-limit" => properties.attenuation_limit.to_value(),
            "gate" => properties.gate.to_value(),
            "model" => properties.model.to_value(),
            _ => properties.voice_messages.to_value(),
        }
    }
}

impl GstObjectImpl for AudioSourdine {}

impl ElementImpl for AudioSourdine {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Sourdine noise suppression",
                "Filter/Effect/Audio",
                "Removes noise from voice",
                env!("CARGO_PKG_AUTHORS"),
            )
        });
        Some(&METADATA)
    }
}

impl BaseTransformImpl for AudioSourdine {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.stream) = None;
        Ok(())
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        match event.view() {
            EventView::FlushStop(_) => {
                if let Some(stream) = &mut *lock(&self.stream) {
                    stream.engine.reset();
                    stream.frames = 0;
                    stream.next_pts = None;
                }
            }
            EventView::Eos(_) | EventView::Segment(_) | EventView::Caps(_) => {
                if let Err(error) = self.drain() {
                    gst::warning!(CATEGORY, imp = self, "The last sound could not be sent: {error}");
                }
            }
            _ => {}
        }
        self.parent_sink_event(event)
    }

    fn query(&self, direction: gst::PadDirection, query: &mut gst::QueryRef) -> bool {
        if direction == gst::PadDirection::Src
            && let QueryViewMut::Latency(query) = query.view_mut()
        {
            let mut upstream = gst::query::Latency::new();
            if !self.obj().sink_pad().peer_query(&mut upstream) {
                return false;
            }
            let (live, min, max) = upstream.result();
            let own = self.latency();
            query.set(live, min + own, max.map(|max| max + own));
            return true;
        }
        BaseTransformImplExt::parent_query(self, direction, query)
    }

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        if buffer.flags().contains(gst::BufferFlags::DISCONT) {
            self.drain()?;
        }
        let mut guard = lock(&self.stream);
        let Some(stream) = &mut *guard else {
            gst::element_imp_error!(self, gst::CoreError::Negotiation, ["A buffer came before its format"]);
            return Err(gst::FlowError::NotNegotiated);
        };
        let latency = stream.engine.latency();
        let frames = buffer.size() / stream.bytes_per_frame();
        let early = latency.saturating_sub(stream.frames).min(frames);
        let report = {
            let mut map = buffer.map_writable().map_err(|_| {
                gst::element_imp_error!(self, gst::CoreError::Failed, ["A buffer cannot be written to"]);
                gst::FlowError::Error
            })?;
            let result = stream.process(&mut map);
            map.copy_within(early * stream.bytes_per_frame().., 0);
            result.map_err(|why| {
                gst::element_imp_error!(self, gst::CoreError::Failed, ["{why}"]);
                gst::FlowError::Error
            })?
        };
        stream.frames += frames;
        let kept = frames - early;
        buffer.set_size(kept * stream.bytes_per_frame());
        // The first frames' time stamp is that of the first sound; later ones follow the input's clock.
        let pts =
            buffer.pts().map(|pts| (pts + stream.duration(early)).saturating_sub(stream.duration(latency)));
        buffer.set_pts(pts);
        buffer.set_duration(stream.duration(kept));
        buffer.set_offset(NO_OFFSET);
        buffer.set_offset_end(NO_OFFSET);
        stream.next_pts = pts.map(|pts| pts + stream.duration(kept));
        let changed = std::mem::replace(&mut stream.voice, report.voice) != report.voice;
        drop(guard);
        if changed && lock(&self.properties).voice_messages {
            self.post_voice(report.voice, pts);
        }
        if kept == 0 { Ok(gst_base::BASE_TRANSFORM_FLOW_DROPPED) } else { Ok(gst::FlowSuccess::Ok) }
    }
}

impl AudioFilterImpl for AudioSourdine {
    fn allowed_caps() -> &'static gst::Caps {
        static CAPS: LazyLock<gst::Caps> = LazyLock::new(|| {
            gst_audio::AudioCapsBuilder::new_interleaved()
                .format_list([AUDIO_FORMAT_F32, AUDIO_FORMAT_S16])
                .rate_range(8_000..=192_000)
                .channels_range(1..=8)
                .build()
        });
        &CAPS
    }

    fn setup(&self, info: &gst_audio::AudioInfo) -> Result<(), gst::LoggableError> {
        let properties = lock(&self.properties).clone();
        let model = Model::by_name(&properties.model)
            .ok_or_else(|| gst::loggable_error!(CATEGORY, "there is no model `{}`", properties.model))?;
        let settings = Settings::default()
            .with_enabled(properties.enabled)
            .with_attenuation_limit_db(properties.limit_db())
            .with_gate(properties.gate);
        let channels = info.channels() as usize;
        let engine = Engine::new(StreamFormat::new(info.rate(), channels), &settings, &model)
            .map_err(|error| gst::loggable_error!(CATEGORY, "{error}"))?;
        engine.warm_up_thread();
        *lock(&self.stream) = Some(Stream {
            controls: engine.controls(),
            format: info.format(),
            rate: u64::from(info.rate()),
            channels,
            frames: 0,
            next_pts: None,
            voice: false,
            engine,
        });
        // Fails only if the element is in no pipeline.
        let _ = self.obj().post_message(gst::message::Latency::builder().src(&*self.obj()).build());
        Ok(())
    }
}
