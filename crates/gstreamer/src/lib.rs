//! GStreamer's plug-in `sourdine` with the element `audiosourdine`, which removes noise from voice.
//!
//! ```sh
//! cargo build --release -p sourdine-gstreamer
//! export GST_PLUGIN_PATH=target/release
//! gst-launch-1.0 filesrc location=talk.wav ! wavparse ! audiosourdine ! wavenc ! filesink location=clean.wav
//! ```

// What `plugin_define!` writes has no documentation.
#![allow(missing_docs)]

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

mod element;

glib::wrapper! {
    /// The element. Its documentation is what `gst-inspect-1.0 audiosourdine` prints.
    pub struct AudioSourdine(ObjectSubclass<element::AudioSourdine>)
        @extends gstreamer_audio::AudioFilter, gstreamer_base::BaseTransform, gst::Element, gst::Object;
}

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "audiosourdine", gst::Rank::NONE, AudioSourdine::static_type())
}

gst::plugin_define!(
    sourdine,
    env!("CARGO_PKG_DESCRIPTION"),
    plugin_init,
    env!("CARGO_PKG_VERSION"),
    // One of the names that GStreamer knows.
    "MIT/X11",
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_NAME"),
    "https://crates.io/crates/sourdine",
    // When this interface last changed, as GStreamer wants it.
    "2026-11-29"
);
