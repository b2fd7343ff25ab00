//! A microphone "Sourdine" that call programs can choose.
//!
//! On Linux it is two modules of PulseAudio, or of PipeWire in its stead: a null sink that we play into and a source
//! that gives its monitor. `pactl` loads and unloads them: it comes with either server's tools, and speaks to both.
//! The sink carries our process number, so that what a crash has left behind is known and taken away.
//!
//! On Windows and macOS a program cannot make a device; there a loopback device is used that the user installs.

#[cfg(not(target_os = "linux"))]
pub use elsewhere::VirtualMic;
#[cfg(target_os = "linux")]
pub use linux::VirtualMic;

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    /// What our modules' names begin with; the process number follows.
    const PREFIX: &str = "sourdine_live_";

    /// The virtual microphone; dropping it takes it away.
    #[derive(Debug)]
    pub struct VirtualMic {
        modules: Vec<String>,
        sink: String,
        heard: Arc<AtomicBool>,
        watcher: Option<Child>,
    }

    impl VirtualMic {
        /// Makes it, after taking away those of processes that are no more.
        ///
        /// # Errors
        /// One line on what is missing and what to do.
        pub fn create(host: &str) -> Result<Self, String> {
            if host != "pulseaudio" && host != "pipewire" {
                return Err(format!(
                    "--virtual-mic: {host} cannot make devices; it takes PulseAudio or PipeWire (is one running?)"
                ));
            }
            remove_stale()?;
            let sink = format!("{PREFIX}{}", std::process::id());
            let source = format!("{sink}_mic");
            let mut mic =
                Self { modules: Vec::new(), sink, heard: Arc::new(AtomicBool::new(true)), watcher: None };
            mic.load(&[
                "module-null-sink",
                &format!("sink_name={}", mic.sink),
                "rate=48000",
                "channels=1",
                "sink_properties=device.description=Sourdine-playback",
            ])?;
            mic.load(&[
                "module-remap-source",
                &format!("source_name={source}"),
                &format!("master={}.monitor", mic.sink),
                "channels=1",
                "source_properties=device.description=Sourdine",
            ])?;
            mic.watch(source);
            Ok(mic)
        }

        /// The sink to play into.
        #[must_use]
        pub fn sink(&self) -> &str {
            &self.sink
        }

        /// Whether anybody records from it.
        #[must_use]
        pub fn is_heard(&self) -> bool {
            self.heard.load(Relaxed)
        }

        fn load(&mut self, module: &[&str]) -> Result<(), String> {
            let mut arguments = vec!["load-module"];
            arguments.extend(module);
            let index = pactl(&arguments)?;
            self.modules.push(index.trim().into());
            Ok(())
        }

        /// Follows the server's events, which costs nothing while there are none.
        fn watch(&mut self, source: String) {
            let Ok(mut child) = Command::new("pactl")
                .arg("subscribe")
                .env("LC_ALL", "C")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
            else {
                return; // Then it counts as heard, always.
            };
            let Some(events) = child.stdout.take() else { return };
            self.watcher = Some(child);
            let heard = self.heard.clone();
            heard.store(is_read(&source), Relaxed);
            std::thread::spawn(move || {
                for event in BufReader::new(events).lines().map_while(Result::ok) {
                    if event.contains("source-output") {
                        heard.store(is_read(&source), Relaxed);
                    }
                }
                heard.store(true, Relaxed);
            });
        }
    }

    impl Drop for VirtualMic {
        fn drop(&mut self) {
            if let Some(mut watcher) = self.watcher.take() {
                let _gone = watcher.kill();
                let _gone = watcher.wait();
            }
            for module in self.modules.iter().rev() {
                // A server that is gone has taken its modules with it.
                let _gone = pactl(&["unload-module", module]);
            }
        }
    }

    /// Whether anything records from a source.
    fn is_read(source: &str) -> bool {
        let (Ok(sources), Ok(readers)) =
            (pactl(&["list", "short", "sources"]), pactl(&["list", "short", "source-outputs"]))
        else {
            return true;
        };
        source_is_read(&sources, &readers, source)
    }

    /// The same from what `pactl` prints: number and name of each source; and of each reader its number and that of
    /// its source.
    fn source_is_read(sources: &str, readers: &str, source: &str) -> bool {
        let number = sources.lines().find_map(|line| {
            let mut fields = line.split('\t');
            let number = fields.next()?;
            (fields.next() == Some(source)).then_some(number)
        });
        number.is_some_and(|n| readers.lines().any(|line| line.split('\t').nth(1) == Some(n)))
    }

    fn remove_stale() -> Result<(), String> {
        for (module, process) in ours(&pactl(&["list", "short", "modules"])?) {
            if !std::path::Path::new(&format!("/proc/{process}")).exists() {
                let _gone_already = pactl(&["unload-module", &module]);
            }
        }
        Ok(())
    }

    /// Our modules and their processes, newest first, from what `pactl` prints.
    fn ours(modules: &str) -> Vec<(String, u32)> {
        let mut found: Vec<_> = modules
            .lines()
            .filter_map(|line| {
                let (index, rest) = line.split_once('\t')?;
                let (_, after) = rest.split_once(PREFIX)?;
                let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
                Some((index.to_owned(), digits.parse().ok()?))
            })
            .collect();
        found.reverse();
        found
    }

    fn pactl(arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("pactl").args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(output) => Err(format!(
                "--virtual-mic: pactl {}: {}; is PulseAudio or PipeWire running?",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            )),
            Err(error) => Err(format!("--virtual-mic: cannot run pactl: {error}; install pulseaudio-utils")),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn modules_and_readers_are_found_in_what_pactl_prints() {
            let modules = "3\tmodule-null-sink\tsink_name=vspk rate=48000\t\n\
                           7\tmodule-null-sink\tsink_name=sourdine_live_4711 rate=48000\t\n\
                           8\tmodule-remap-source\tsource_name=sourdine_live_4711_mic master=sourdine_live_4711.monitor\t\n";
            assert_eq!(ours(modules), [("8".into(), 4711), ("7".into(), 4711)]);
            let sources =
                "0\tvspk.monitor\tx\n12\tsourdine_live_4711_mic\tmodule-remap-source.c\ts16le\tIDLE\n";
            let readers = "5\t0\t9\tprotocol-native.c\n";
            assert!(!source_is_read(sources, readers, "sourdine_live_4711_mic"));
            assert!(source_is_read(sources, "6\t12\t9\tprotocol-native.c\n", "sourdine_live_4711_mic"));
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
            let devices = crate::CpalHost::open(Some(host))?.list()?;
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
        #[must_use]
        pub fn is_heard(&self) -> bool {
            true
        }
    }
}
