//! A microphone "Sourdine" that call programs can choose.
//!
//! On Linux it is two modules of PulseAudio, or of PipeWire in its place: a null sink that we play into and a source
//! that gives its monitor (`pulse/microphone.rs`).
//!
//! On Windows and macOS a program cannot make a device; there a loopback device is used that the user installs.

#[cfg(not(target_os = "linux"))]
pub use elsewhere::VirtualMic;
#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
pub use linux::VirtualMic;
#[cfg(all(target_os = "linux", not(feature = "pulseaudio")))]
pub use without::VirtualMic;

#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
mod linux {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::sync::{Arc, Mutex};
    use std::thread::JoinHandle;
    use std::time::Duration;

    use crate::pulse::{Failure, Microphone};

    /// Polling interval of the thread, and interval between attempts to reach a server.
    const PERIOD: Duration = Duration::from_millis(200);

    /// The virtual microphone; dropping it removes it. A thread makes it again when the server restarts.
    #[derive(Debug)]
    pub struct VirtualMic {
        sink: String,
        shared: Arc<Shared>,
        thread: Option<JoinHandle<()>>,
    }

    #[derive(Debug)]
    struct Shared {
        over: AtomicBool,
        /// Returns whether a program records from it, or why it does not exist.
        read: Mutex<Result<bool, String>>,
    }

    impl Shared {
        fn set(&self, read: Result<bool, String>) {
            *self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = read;
        }
    }

    impl VirtualMic {
        /// Makes it. What a crash has left behind is taken over.
        ///
        /// # Errors
        /// One line on what is missing and what to do.
        pub fn create(host: &str) -> Result<Self, String> {
            if host != "pulseaudio" && host != "pipewire" {
                return Err(format!(
                    "--virtual-mic: {host} cannot make devices; it takes PulseAudio or PipeWire (is one running?)"
                ));
            }
            let microphone = Microphone::create()
                .map_err(|why| format!("--virtual-mic: {why}; is PulseAudio or PipeWire running?"))?;
            let sink = microphone.sink().to_owned();
            let read = Mutex::new(Ok(microphone.is_read()));
            let shared = Arc::new(Shared { over: AtomicBool::new(false), read });
            let kept = shared.clone();
            let thread = std::thread::spawn(move || keep(microphone, &kept));
            Ok(Self { sink, shared, thread: Some(thread) })
        }

        /// The sink to play into.
        #[must_use]
        pub fn sink(&self) -> &str {
            &self.sink
        }

        /// Returns whether a program records from it.
        ///
        /// # Errors
        /// One line that says why it is not there just now.
        pub fn is_in_use(&self) -> Result<bool, String> {
            self.shared.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
        }
    }

    impl Drop for VirtualMic {
        fn drop(&mut self) {
            self.shared.over.store(true, Relaxed);
            if let Some(thread) = self.thread.take() {
                // A panic was reported by its thread.
                let _ = thread.join();
            }
        }
    }

    fn keep(mut microphone: Microphone, shared: &Shared) {
        while !shared.over.load(Relaxed) {
            let gone = |why: &Failure| crate::pulse::gone(why).message;
            match microphone.follow(PERIOD) {
                Ok(read) => shared.set(Ok(read)),
                Err(why) => {
                    shared.set(Err(gone(&why)));
                    while let Err(why) = microphone.restore() {
                        shared.set(Err(gone(&why)));
                        std::thread::sleep(PERIOD);
                        if shared.over.load(Relaxed) {
                            return; // A server that is gone has taken its modules with it.
                        }
                    }
                    shared.set(Ok(microphone.is_read()));
                }
            }
        }
        microphone.remove();
    }
}

#[cfg(all(target_os = "linux", not(feature = "pulseaudio")))]
mod without {
    /// None: this program was built without the protocol that makes one.
    #[derive(Debug)]
    pub struct VirtualMic;

    impl VirtualMic {
        /// Fails.
        ///
        /// # Errors
        /// One line that says what to build.
        pub fn create(_host: &str) -> Result<Self, String> {
            Err("--virtual-mic: this program was built without the feature `pulseaudio`; build it with that"
                .into())
        }

        /// The sink to play into.
        #[must_use]
        pub fn sink(&self) -> &str {
            ""
        }

        /// Returns whether a program records from it.
        ///
        /// # Errors
        /// None.
        pub fn is_in_use(&self) -> Result<bool, String> {
            Ok(true)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    /// Names of loopback devices, by the system.
    #[cfg(target_os = "macos")]
    const LOOPBACK: (&str, &str) = ("BlackHole", "install BlackHole (brew install blackhole-2ch)");
    #[cfg(not(target_os = "macos"))]
    const LOOPBACK: (&str, &str) = ("CABLE Input", "install VB-CABLE (vb-audio.com/Cable)");

    /// The loopback device that the user has installed.
    #[derive(Debug)]
    pub struct VirtualMic(String);

    impl VirtualMic {
        /// Finds it.
        ///
        /// # Errors
        /// One line that says what to install.
        pub fn create(host: &str) -> Result<Self, String> {
            let devices = crate::open_host(Some(host))?.list()?;
            let found = devices.into_iter().find(|d| d.direction == "output" && d.name.contains(LOOPBACK.0));
            found.map(|d| Self(d.id)).ok_or_else(|| {
                format!(
                    "--virtual-mic: no loopback device; {}, then choose it in the call program",
                    LOOPBACK.1
                )
            })
        }

        /// The device to play into.
        #[must_use]
        pub fn sink(&self) -> &str {
            &self.0
        }

        /// These systems do not tell.
        ///
        /// # Errors
        /// None.
        pub fn is_in_use(&self) -> Result<bool, String> {
            Ok(true)
        }
    }
}
