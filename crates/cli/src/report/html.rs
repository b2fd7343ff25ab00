//! The report as one page: no script, and nothing from anywhere else but the two sounds, which its content security policy
//! states. Narrow screens show the charts at a size at which they can be read, to be moved sideways.

use std::fmt::Write;
use std::path::Path;

use plotters::drawing::IntoDrawingArea;
use plotters_svg::SVGBackend;

use super::{Picture, chart, number, palette, player, png};

const STYLE: &str = "\
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1200px;margin:0 auto;padding:24px 16px 40px}
h1{font-size:26px;font-weight:600;margin:0;overflow-wrap:anywhere}
p{margin:2px 0;color:var(--muted)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0 8px}
dl div{border:1px solid var(--grid);border-radius:8px;padding:10px 14px}
dt{color:var(--muted);font-size:14px}
dd{margin:0;font-size:21px;font-variant-numeric:tabular-nums}
dd small{font-size:14px;color:var(--muted)}
.players{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(260px,100%),1fr));gap:12px;color:var(--muted)}
audio{display:block;width:100%}
figure{margin:0;overflow-x:auto}
svg{display:block;width:100%;min-width:900px;height:auto}
svg text{font-family:system-ui,sans-serif}
footer{margin-top:16px;font-size:14px;color:var(--muted)}
";

const NOTES: &str = "Loudness is integrated (EBU R 128), peaks are true peaks (ITU-R BS.1770). The noise floor is the \
median level of 10 ms frames without voice. The voice-to-noise ratio is the mean power of the voiced frames minus that \
of the noise floor, divided by that of the noise floor. Both spectrograms have one colour scale.";

/// The page.
pub(super) fn page(picture: &Picture, path: &Path) -> Result<String, String> {
    png::font()?;
    let layout = chart::Layout { scale: 1.0, header: false };
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, layout.size()).into_drawing_area();
        chart::draw(&root, picture, layout).map_err(|e| e.to_string())?;
        root.present().map_err(|e| e.to_string())?;
    }
    // The library leaves the first half of the media type out; not every browser guesses it.
    let svg = svg.replace("href=\"data:png;", "href=\"data:image/png;");
    let name = escaped(&picture.about.input);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline';\
         img-src data:;media-src 'self' file:\">\n<title>{name} – Sourdine</title>\n<style>\n{}{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{name}</h1>\n<p>{} · {}</p>\n",
        palette::style_sheet(),
        escaped(&picture.sound()),
        escaped(&picture.treatment()),
    );
    page.push_str("<dl>\n");
    for (name, unit, before, after) in picture.table() {
        let _ = writeln!(
            page,
            "<div><dt>{name}</dt><dd>{} → {} <small>{unit}</small></dd></div>",
            number(before),
            number(after)
        );
    }
    let _ = write!(
        page,
        "</dl>\n{}<figure role=\"img\" tabindex=\"0\" aria-label=\"Spectrograms before and after, waveform, voice and attenuation over \
         time\">\n{svg}\n</figure>\n<footer>\n<p>{NOTES}</p>\n",
        player::players(&picture.about, path)
    );
    for notice in &picture.about.notices {
        let _ = writeln!(page, "<p>Note: {}</p>", escaped(notice));
    }
    let _ = write!(
        page,
        "<p>Written to {} by Sourdine {}.</p>\n</footer>\n</main>\n</body>\n</html>\n",
        escaped(&picture.about.output),
        env!("CARGO_PKG_VERSION")
    );
    Ok(page)
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
        html
    })
}
