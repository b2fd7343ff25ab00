//! `sourdine-live install-microphone`: a microphone that PipeWire itself denoises, by the LADSPA plug-in, from login on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use etcetera::{BaseStrategy as _, choose_base_strategy};

use crate::args::InstallMicrophoneArgs;
use crate::output;

/// The name of configuration and unit, and of the microphone in PipeWire, which call programs remember.
const NAME: &str = "sourdine-microphone";
const NODE: &str = "sourdine_microphone";

/// Where hosts look for LADSPA plug-ins if `LADSPA_PATH` is not set.
const LADSPA_FOLDERS: [&str; 4] =
    ["/usr/lib/ladspa", "/usr/local/lib/ladspa", "/usr/lib64/ladspa", "/usr/local/lib64/ladspa"];

pub(crate) fn run(args: &InstallMicrophoneArgs) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("install-microphone needs PipeWire, which only Linux has".to_owned());
    }
    let files = Files::find()?;
    if args.remove { remove(&files) } else { install(args, &files) }
}

/// The files that are written.
struct Files {
    configuration: PathBuf,
    unit: PathBuf,
}

impl Files {
    fn find() -> Result<Self, String> {
        let folder = choose_base_strategy()
            .map_err(|error| format!("no folder for configuration: {error}"))?
            .config_dir();
        Ok(Self {
            configuration: folder.join(format!("pipewire/{NAME}.conf")),
            unit: folder.join(format!("systemd/user/{NAME}.service")),
        })
    }
}

fn install(args: &InstallMicrophoneArgs, files: &Files) -> Result<(), String> {
    let plugin = match &args.plugin {
        Some(path) => std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => find_plugin()?,
    };
    if !plugin.is_file() {
        return Err(format!("{}: there is no such plug-in", plugin.display()));
    }
    write(&files.configuration, &configuration(args, &plugin)?)?;
    write(&files.unit, &unit(&files.configuration))?;
    if start() {
        output::line("The microphone \"Sourdine\" is there, now and after every login.")
    } else {
        output::line(&format!(
            "There is no systemd for this user. Start the microphone with your session by\n\
             pipewire -c {}",
            files.configuration.display()
        ))
    }
}

fn remove(files: &Files) -> Result<(), String> {
    // Without systemd there is nothing to stop.
    let _ = systemctl(&["disable", "--now", NAME]);
    let mut found = false;
    for file in [&files.configuration, &files.unit] {
        match std::fs::remove_file(file) {
            Ok(()) => {
                found = true;
                output::line(&format!("removed {}", file.display()))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{}: {error}", file.display())),
        }
    }
    let _ = systemctl(&["daemon-reload"]);
    if found { Ok(()) } else { Err("no microphone is installed".to_owned()) }
}

/// Starts the unit and lets it start at login. Returns whether there is a systemd that does so.
fn start() -> bool {
    systemctl(&["daemon-reload"]) && systemctl(&["enable", NAME]) && systemctl(&["restart", NAME])
}

fn systemctl(arguments: &[&str]) -> bool {
    let run = Command::new("systemctl").arg("--user").args(arguments).output();
    run.is_ok_and(|output| output.status.success())
}

fn find_plugin() -> Result<PathBuf, String> {
    let mut folders: Vec<PathBuf> = std::env::var_os("LADSPA_PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    if folders.is_empty() {
        folders.extend(std::env::home_dir().map(|home| home.join(".ladspa")));
        folders.extend(LADSPA_FOLDERS.map(PathBuf::from));
        folders.push(format!("/usr/lib/{}-linux-gnu/ladspa", std::env::consts::ARCH).into());
    }
    let searched = || {
        let names: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        names.join(", ")
    };
    folders.iter().map(|folder| folder.join("sourdine.so")).find(|file| file.is_file()).ok_or_else(|| {
        format!(
            "the LADSPA plug-in sourdine.so is in none of {}; install it, or give --plugin FILE",
            searched()
        )
    })
}

/// Writes a file under a temporary name and renames it.
fn write(file: &Path, text: &str) -> Result<(), String> {
    let because = |error: std::io::Error| format!("{}: {error}", file.display());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(because)?;
    }
    let temporary = file.with_extension("new");
    std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, file)).map_err(because)?;
    output::line(&format!("wrote {}", file.display()))
}

/// A string as PipeWire's configuration writes it, which is JSON's way.
fn quoted(text: &str) -> Result<String, String> {
    serde_json::to_string(text).map_err(|error| error.to_string())
}

/// A PipeWire process of its own that holds nothing but the filter.
fn configuration(args: &InstallMicrophoneArgs, plugin: &Path) -> Result<String, String> {
    let plugin = plugin.to_str().ok_or_else(|| format!("{}: the path is not UTF-8", plugin.display()))?;
    let target = match &args.input {
        Some(node) => format!("\n                target.object = {}", quoted(node)?),
        None => String::new(),
    };
    let (label, position) =
        if args.stereo { ("sourdine_stereo", "FL FR") } else { ("sourdine_mono", "MONO") };
    let limit =
        args.limit.attenuation_limit.unwrap_or(sourdine::Settings::DEFAULT_ATTENUATION_LIMIT_DB).min(120.0);
    let mut text =
        String::from("# Written by `sourdine-live install-microphone`, which also removes it (--remove).\n");
    let _ = write!(
        text,
        "context.properties = {{ log.level = 2 }}
context.spa-libs = {{
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}}
context.modules = [
    {{ name = libpipewire-module-rt flags = [ ifexists nofail ] }}
    {{ name = libpipewire-module-protocol-native }}
    {{ name = libpipewire-module-client-node }}
    {{ name = libpipewire-module-adapter }}
    {{ name = libpipewire-module-filter-chain
        args = {{
            node.description = \"Sourdine\"
            media.name = \"Sourdine\"
            filter.graph = {{
                nodes = [
                    {{
                        type = ladspa
                        name = sourdine
                        plugin = {}
                        label = {label}
                        control = {{ \"Attenuation limit (dB)\" = {limit:.1} \"Gate\" = {}.0 }}
                    }}
                ]
            }}
            audio.position = [ {position} ]
            capture.props = {{
                node.name = \"{NODE}_input\"
                node.passive = true{target}
            }}
            playback.props = {{
                node.name = \"{NODE}\"
                node.description = \"Sourdine\"
                media.class = Audio/Source
            }}
        }}
    }}
]
",
        quoted(plugin)?,
        u8::from(args.gate),
    );
    Ok(text)
}

fn unit(configuration: &Path) -> String {
    format!(
        "# Written by `sourdine-live install-microphone`, which also removes it (--remove).
[Unit]
Description=Microphone without noise (Sourdine)
# Ends and starts with the server: a filter that has lost its server does not end by itself.
After=pipewire.service
BindsTo=pipewire.service

[Service]
ExecStart=pipewire -c \"{}\"
Restart=on-failure

[Install]
WantedBy=pipewire.service
",
        configuration.display().to_string().replace('%', "%%")
    )
}
