//! Lays out the plug-ins as hosts look for them: `sourdine-bundle FOLDER`.
//!
//! ```text
//! FOLDER/ladspa/sourdine.so
//! FOLDER/lv2/sourdine.lv2/{manifest.ttl,sourdine.ttl,sourdine.so}
//! FOLDER/clap/sourdine.clap
//! FOLDER/vst3/sourdine.vst3/Contents/ARCHITECTURE/sourdine.so      (with the feature `vst3`)
//! ```
//!
//! On macOS the CLAP and VST3 plug-ins are bundles with an `Info.plist`; on Windows the extension is `dll`.
//!
//! The library is the one that was built with this program, and lies in its folder.

use std::env::consts::{DLL_EXTENSION, DLL_PREFIX, DLL_SUFFIX};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sourdine_plugin::lv2;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        return fail("give the folder to lay the plug-ins out in: sourdine-bundle FOLDER");
    };
    match lay_out(Path::new(folder)) {
        Ok(files) => {
            for file in files {
                // A closed pipe is no reason to fail: the files are there.
                let _ = writeln!(std::io::stdout(), "{}", file.display());
            }
            ExitCode::SUCCESS
        }
        Err(why) => fail(&why),
    }
}

fn fail(why: &str) -> ExitCode {
    // If that fails there is no other way to report it.
    let _ = writeln!(std::io::stderr(), "sourdine-bundle: {why}");
    ExitCode::FAILURE
}

fn lay_out(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let library = program.with_file_name(format!("{DLL_PREFIX}sourdine_plugin{DLL_SUFFIX}"));
    if !library.is_file() {
        return Err(format!(
            "{} is missing; build it by `cargo build --profile dist -p sourdine-plugin`",
            library.display()
        ));
    }
    let name = format!("sourdine.{DLL_EXTENSION}");
    let lv2 = folder.join("lv2/sourdine.lv2");
    let clap = if cfg!(target_os = "macos") {
        "clap/sourdine.clap/Contents/MacOS/sourdine"
    } else {
        "clap/sourdine.clap"
    };
    let mut copies = vec![folder.join("ladspa").join(&name), lv2.join(&name), folder.join(clap)];
    if cfg!(feature = "vst3") {
        copies.push(folder.join("vst3/sourdine.vst3/Contents").join(in_vst3()));
    }
    for copy in &copies {
        make_folder_of(copy)?;
        std::fs::copy(&library, copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    }
    let mut texts = vec![
        (lv2.join("manifest.ttl"), lv2::manifest(&name)),
        (lv2.join("sourdine.ttl"), lv2::description()),
    ];
    if cfg!(target_os = "macos") {
        for kind in ["clap", "vst3"] {
            let contents = folder.join(format!("{kind}/sourdine.{kind}/Contents"));
            if contents.is_dir() {
                texts.push((contents.join("Info.plist"), info_plist(kind)));
            }
        }
    }
    for (file, text) in texts {
        std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        copies.push(file);
    }
    Ok(copies)
}

/// The place of the library among the contents of a VST3 bundle.
fn in_vst3() -> String {
    let architecture = std::env::consts::ARCH;
    if cfg!(windows) {
        format!("{architecture}-win/sourdine.vst3")
    } else if cfg!(target_os = "macos") {
        "MacOS/sourdine".to_owned()
    } else {
        format!("{architecture}-linux/sourdine.so")
    }
}

/// What macOS wants to know of a bundle.
fn info_plist(kind: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let entries = [
        ("CFBundleExecutable", "sourdine"),
        ("CFBundleIdentifier", &format!("org.sourdine.{kind}")),
        ("CFBundleName", "Sourdine"),
        ("CFBundlePackageType", "BNDL"),
        ("CFBundleShortVersionString", version),
        ("CFBundleVersion", version),
    ];
    let entries: String = entries
        .iter()
        .map(|(key, value)| format!("\t<key>{key}</key>\n\t<string>{value}</string>\n"))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n{entries}</dict>\n</plist>\n"
    )
}

fn make_folder_of(file: &Path) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}
