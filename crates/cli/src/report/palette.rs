//! The report's colours, light and dark, and the colour scale of its spectrograms.

use std::fmt::Write;

use colorgrad::Gradient;
use plotters::style::RGBColor;

/// A colour's name in the style sheet, on light ground and on dark.
const COLOURS: [(&str, u32, u32); 7] = [
    ("paper", 0xFF_FF_FF, 0x14_19_1F),
    ("ink", 0x1B_27_33, 0xE6_EB_F0),
    ("muted", 0x5F_6C_78, 0x97_A4_B0),
    ("grid", 0xE3_E8_EC, 0x2A_34_3D),
    ("before", 0xA9_B4_BE, 0x52_5F_6B),
    ("after", 0x0E_7A_8A, 0x39_B9_C9),
    ("voice", 0xE0_8A_1E, 0xF0_A9_4A),
];

/// The colours of a figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) paper: RGBColor,
    pub(super) ink: RGBColor,
    pub(super) muted: RGBColor,
    pub(super) grid: RGBColor,
    pub(super) before: RGBColor,
    pub(super) after: RGBColor,
    pub(super) voice: RGBColor,
}

impl Palette {
    pub(super) fn light() -> Self {
        let [paper, ink, muted, grid, before, after, voice] = COLOURS.map(|(_, light, _)| {
            let [_, r, g, b] = light.to_be_bytes();
            RGBColor(r, g, b)
        });
        Self { paper, ink, muted, grid, before, after, voice }
    }
}

/// A style sheet's custom properties for both grounds, and rules that give them to a figure drawn in the light colours.
pub(super) fn style_sheet() -> String {
    let properties = |pick: fn(&(&str, u32, u32)) -> u32| {
        COLOURS.iter().fold(String::new(), |mut text, colour| {
            let _ = write!(text, "--{}:#{:06X};", colour.0, pick(colour));
            text
        })
    };
    let light = properties(|c| c.1);
    let dark = properties(|c| c.2);
    let mut text = format!(
        ":root{{color-scheme:light dark;{light}}}\n@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    );
    for (name, light, _) in COLOURS {
        let _ = writeln!(
            text,
            "svg [fill=\"#{light:06X}\"]{{fill:var(--{name})}}svg [stroke=\"#{light:06X}\"]{{stroke:var(--{name})}}"
        );
    }
    text
}

/// 256 steps of a perceptually uniform scale (matplotlib's magma), dark to light.
pub(super) fn colour_scale() -> [[u8; 3]; 256] {
    let magma = colorgrad::preset::magma();
    std::array::from_fn(|k| {
        let [r, g, b, _] = magma.at(k as f32 / 255.0).to_rgba8();
        [r, g, b]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_grows_evenly_lighter() {
        let luma =
            |c: [u8; 3]| 0.2126 * f32::from(c[0]) + 0.7152 * f32::from(c[1]) + 0.0722 * f32::from(c[2]);
        let scale = colour_scale();
        assert!(scale.windows(8).all(|w| luma(w[7]) > luma(w[0])), "monotonic");
        assert!(luma(scale[0]) < 5.0 && luma(scale[255]) > 230.0);
    }

    #[test]
    fn every_colour_has_one_name() {
        let mut light: Vec<u32> = COLOURS.iter().map(|c| c.1).collect();
        light.sort_unstable();
        light.dedup();
        assert_eq!(light.len(), COLOURS.len(), "rules by colour need different colours");
    }
}
