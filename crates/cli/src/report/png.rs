//! The report as a picture.

use std::path::Path;
use std::sync::OnceLock;

use plotters::backend::BitMapBackend;
use plotters::drawing::IntoDrawingArea;
use plotters::style::{FontStyle, register_font};
use sourdine_soundfile::temporary_file;

use super::{Picture, chart};
use crate::failure::Failure;
use crate::output_file;

/// Pixels per unit of the chart.
const SCALE: f64 = 1.5;

/// Makes the font known to the plotting library: pictures look the same wherever they are made, fonts installed or not.
pub(super) fn font() -> Result<(), String> {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let bytes = include_bytes!("font/Roboto-Regular-subset.ttf");
        register_font(chart::FONT, FontStyle::Normal, bytes).is_ok()
    });
    if *known { Ok(()) } else { Err("the font is damaged".into()) }
}

pub(super) fn write(picture: &Picture, path: &Path, overwrite: bool) -> Result<(), Failure> {
    let failed = |reason: String| Failure::Picture { path: path.into(), reason };
    font().map_err(failed)?;
    // The name tells the library the format.
    let temporary =
        temporary_file(path, ".png", false).map_err(|error| Failure::Write { path: path.into(), error })?;
    let layout = chart::Layout { scale: SCALE, header: true };
    {
        let root = BitMapBackend::new(temporary.path(), layout.size()).into_drawing_area();
        chart::draw(&root, picture, layout).map_err(|e| failed(e.to_string()))?;
        root.present().map_err(|e| failed(e.to_string()))?;
    }
    output_file::persist(temporary, path, overwrite)
}
