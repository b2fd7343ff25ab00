//! Players of the sound before and after: links from the page to the files, for pages and files that are moved together.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::About;
use crate::output_file;

/// Extensions of what browsers play. AIFF, CAF and AU are not among it.
const PLAYED: [&str; 10] = ["wav", "wave", "flac", "mp3", "ogg", "oga", "m4a", "m4b", "mp4", "aac"];

/// Characters that RFC 3986 allows in a path, without the colon, which would end a scheme.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The players of a page; empty if there is nothing to play.
pub(super) fn players(about: &About, page: &Path) -> String {
    let player = |name: &str, sound: &Option<_>| {
        let link = link(sound.as_deref()?, page)?;
        Some(format!(
            "<div>{name}<audio controls preload=\"metadata\" aria-label=\"{name}\" src=\"{link}\"></audio></div>\n"
        ))
    };
    let both = [player("Before", &about.sounds.0), player("After", &about.sounds.1)];
    let players: String = both.into_iter().flatten().collect();
    if players.is_empty() { players } else { format!("<div class=\"players\">\n{players}</div>\n") }
}

/// A relative link from the page to a file that is there and can be played.
fn link(sound: &Path, page: &Path) -> Option<String> {
    let extension = sound.extension()?.to_str()?.to_lowercase();
    if !PLAYED.contains(&extension.as_str()) || !sound.is_file() {
        return None;
    }
    let at = output_file::folder(sound).canonicalize().ok()?.join(sound.file_name()?);
    let way = pathdiff::diff_paths(at, output_file::folder(page).canonicalize().ok()?)?;
    let parts = way.components().map(|part| match part {
        Component::Normal(name) => Some(percent_encode(name.as_encoded_bytes(), ENCODED).to_string()),
        Component::ParentDir => Some("..".into()),
        // Another drive has no relative way.
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_page_to_the_sound() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir_all(at("pages/deep")).unwrap();
        std::fs::create_dir(at("my sound")).unwrap();
        for (name, page, expected) in [
            ("a.wav", "r.html", Some("a.wav")),
            ("my sound/é#1?.WAV", "pages/deep/r.html", Some("../../my%20sound/%C3%A9%231%3F.WAV")),
            ("pages/100%.flac", "pages/r.html", Some("100%25.flac")),
            ("data:a\"<b>.mp3", "r.html", Some("data%3Aa%22%3Cb%3E.mp3")),
            ("a.aiff", "r.html", None),
            ("a", "r.html", None),
        ] {
            std::fs::write(at(name), b"").unwrap();
            assert_eq!(link(&at(name), &at(page)).as_deref(), expected, "{name}");
        }
        assert_eq!(link(&at("none.wav"), &at("r.html")), None);
    }
}
