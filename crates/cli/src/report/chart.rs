//! The figure: five charts over one time axis, drawn on any of the plotting library's back ends.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::element::BitMapElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::palette::{Palette, colour_scale};
use super::pooled::Pooled;
use super::spectrum::{ROWS, Spectrum, mel};
use super::track::{Extent, Side};
use super::{Picture, number};

/// The font's name: what is registered for pictures, and what a browser takes for its own.
pub(super) const FONT: &str = "sans-serif";

/// Sizes in units of the chart; a picture has `scale` pixels for each.
const WIDTH: f64 = 1200.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 70.0;
const HEADER: f64 = 118.0;
const CAPTION: f64 = 36.0;
/// The space between a caption and its chart.
const CAPTION_GAP: f64 = 3.0;
const SPECTROGRAM: f64 = 200.0;
const WAVEFORM: f64 = 110.0;
const VOICE: f64 = 16.0;
const ATTENUATION: f64 = 90.0;
const TIME_AXIS: f64 = 44.0;
const TEXT: f64 = 15.0;
const CAPTION_TEXT: f64 = 17.0;

/// Range of the spectrograms' colours below the loudest bin, in dB.
const COLOUR_RANGE_DB: f32 = 80.0;

/// The least that the attenuation axis reaches, in dB.
const LEAST_ATTENUATION_AXIS: f64 = 10.0;

/// The size, and whether it has a header of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) scale: f64,
    pub(super) header: bool,
}

impl Layout {
    pub(super) fn size(self) -> (u32, u32) {
        let header = if self.header { HEADER } else { 0.0 };
        let charts = 5.0 * CAPTION + 2.0 * SPECTROGRAM + WAVEFORM + VOICE + ATTENUATION + TIME_AXIS;
        (self.px(WIDTH) as u32, self.px(header + charts) as u32)
    }

    fn px(self, units: f64) -> i32 {
        (units * self.scale).round() as i32
    }

    fn text(self, size: f64, colour: RGBColor) -> TextStyle<'static> {
        // The library takes 1.24 em for a font's size.
        (FONT, size * 1.24 * self.scale).into_font().color(&colour)
    }
}

type Failed<DB> = DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>;
type Area<DB> = DrawingArea<DB, Shift>;

/// Draws a report.
pub(super) fn draw<DB: DrawingBackend>(
    root: &Area<DB>,
    picture: &Picture,
    layout: Layout,
) -> Result<(), Failed<DB>> {
    let palette = Palette::light();
    let mut figure = Figure { root, picture, layout, palette, top: 0.0 };
    root.fill(&palette.paper)?;
    if layout.header {
        figure.header()?;
    }
    let colours = ColourRange::of(picture);
    let first = figure.top;
    figure.spectrogram("Before", &picture.before, colours)?;
    figure.spectrogram("After", &picture.after, colours)?;
    figure.colour_bar(first, colours)?;
    figure.waveform()?;
    figure.voice()?;
    figure.attenuation()
}

/// The drawing, and the height used so far.
struct Figure<'a, DB: DrawingBackend> {
    root: &'a Area<DB>,
    picture: &'a Picture,
    layout: Layout,
    palette: Palette,
    top: f64,
}

/// dBFS of the darkest and the lightest colour.
#[derive(Debug, Clone, Copy)]
struct ColourRange {
    least: f32,
    most: f32,
}

impl ColourRange {
    /// One range for both sides, up to the loudest of either.
    fn of(picture: &Picture) -> Self {
        let loudest = [&picture.before, &picture.after]
            .into_iter()
            .flat_map(|side| side.spectra.columns())
            .flat_map(|column| (0..ROWS).map(|row| column.dbfs(row)))
            .fold(f32::NEG_INFINITY, f32::max);
        let most = if loudest > -120.0 { (loudest / 5.0).ceil() * 5.0 } else { 0.0 };
        Self { least: most - COLOUR_RANGE_DB, most }
    }
}

impl<DB: DrawingBackend> Figure<'_, DB> {
    /// The file, what was done to it, and the figures.
    fn header(&mut self) -> Result<(), Failed<DB>> {
        let l = self.layout;
        let Palette { ink, muted, .. } = self.palette;
        let put = |text: &str, x: f64, y: f64, size: f64, colour| {
            self.root.draw(&Text::new(text.to_owned(), (l.px(x), l.px(y)), l.text(size, colour)))
        };
        put(&shortened(&self.picture.about.input, 80), LEFT, 16.0, 25.0, ink)?;
        let line = format!("{} · {}", self.picture.sound(), self.picture.treatment());
        put(&line, LEFT, 49.0, TEXT, muted)?;
        let column = (WIDTH - LEFT - RIGHT) / 4.0;
        for (k, (name, unit, before, after)) in self.picture.table().into_iter().enumerate() {
            let x = LEFT + k as f64 * column;
            put(name, x, 78.0, 14.0, muted)?;
            put(&format!("{} › {} {unit}", number(before), number(after)), x, 96.0, 19.0, ink)?;
        }
        self.top = HEADER;
        Ok(())
    }

    /// A caption with the unit of the chart, and the area for the chart below it.
    fn next_chart(
        &mut self,
        caption: &str,
        unit: &str,
        height: f64,
        axis: f64,
    ) -> Result<Area<DB>, Failed<DB>> {
        let l = self.layout;
        let bottom = l.px(self.top + CAPTION - CAPTION_GAP);
        let style = l.text(CAPTION_TEXT, self.palette.ink).pos(Pos::new(HPos::Left, VPos::Bottom));
        let (width, _) = self.root.estimate_text_size(caption, &style)?;
        self.root.draw(&Text::new(caption.to_owned(), (l.px(LEFT), bottom), style))?;
        let style = l.text(14.0, self.palette.muted).pos(Pos::new(HPos::Left, VPos::Bottom));
        let right = l.px(LEFT + 16.0) + width as i32;
        self.root.draw(&Text::new(unit.to_owned(), (right, bottom), style))?;
        self.top += CAPTION;
        let area = self.area(0.0, self.top, WIDTH, height + axis);
        self.top += height + axis;
        Ok(area)
    }

    /// A note at the right end of the caption line that was drawn last.
    fn legend(&self, caption_top: f64, entries: &[(&str, RGBColor)]) -> Result<(), Failed<DB>> {
        let l = self.layout;
        let mut x = WIDTH - RIGHT;
        let bottom = caption_top + CAPTION - CAPTION_GAP;
        for (text, colour) in entries.iter().rev() {
            let style = l.text(14.0, self.palette.muted).pos(Pos::new(HPos::Right, VPos::Bottom));
            self.root.draw(&Text::new((*text).to_owned(), (l.px(x), l.px(bottom)), style))?;
            x -= 7.4 * text.chars().count() as f64 + 16.0;
            let square = [(l.px(x), l.px(bottom - 11.0)), (l.px(x + 10.0), l.px(bottom - 1.0))];
            self.root.draw(&Rectangle::new(square, colour.filled()))?;
            x -= 18.0;
        }
        Ok(())
    }

    fn area(&self, x: f64, y: f64, width: f64, height: f64) -> Area<DB> {
        let l = self.layout;
        self.root.clone().shrink((l.px(x), l.px(y)), (l.px(width), l.px(height)))
    }

    /// Time, with ticks at whole numbers of something.
    fn time(&self) -> Axis {
        let seconds = self.picture.seconds().max(1e-3);
        Axis::new(0.0..seconds, time_ticks(seconds))
    }

    fn spectrogram(&mut self, caption: &str, side: &Side, colours: ColourRange) -> Result<(), Failed<DB>> {
        let l = self.layout;
        let area = self.next_chart(caption, "frequency in kHz, mel scale", SPECTROGRAM, 0.0)?;
        let nyquist = f64::from(self.picture.format.sample_rate) / 2.0;
        let ticks = [100.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0, 32_000.0, 64_000.0];
        let ticks = ticks.into_iter().filter(|hz| mel(*hz) < 0.97 * mel(nyquist)).map(mel).collect();
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, l.px(LEFT))
            .margin_right(l.px(RIGHT))
            .build_cartesian_2d(self.time(), Axis::new(0.0..mel(nyquist), ticks))?;
        let khz = |mel: &f64| {
            let hz = 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0);
            format!("{:.1}", hz / 1000.0).trim_end_matches(".0").to_owned()
        };
        chart
            .configure_mesh()
            .disable_mesh()
            .disable_x_axis()
            .axis_style(self.palette.muted)
            .y_label_formatter(&khz)
            .label_style(l.text(13.0, self.palette.muted))
            .draw()?;
        let plot = chart.plotting_area();
        let (width, height) = plot.dim_in_pixel();
        let columns = self.picture.seconds() / self.picture.column_seconds(side.spectra.span());
        let image = paint(&side.spectra, columns, colours, (width, height));
        let corner = (0.0, mel(nyquist));
        let element: Option<BitMapElement<'_, (f64, f64)>> =
            BitMapElement::with_owned_buffer(corner, (width, height), image);
        if let Some(element) = element {
            plot.draw(&element)?;
        }
        Ok(())
    }

    /// The scale of both spectrograms, from `first` to where the figure has come.
    fn colour_bar(&self, first: f64, colours: ColourRange) -> Result<(), Failed<DB>> {
        let l = self.layout;
        let top = first + CAPTION;
        let area = self.area(WIDTH - RIGHT + 10.0, top, RIGHT - 10.0, self.top - top);
        let (least, most) = (f64::from(colours.least), f64::from(colours.most));
        let ticks = (0..=8).map(|k| most - 10.0 * f64::from(k)).collect();
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Right, l.px(44.0))
            .build_cartesian_2d(Axis::new(0.0..1.0, Vec::new()), Axis::new(least..most, ticks))?;
        let step = (most - least) / 256.0;
        chart.draw_series(colour_scale().into_iter().enumerate().map(|(k, [r, g, b])| {
            let from = least + k as f64 * step;
            Rectangle::new([(0.0, from), (1.0, from + step)], RGBColor(r, g, b).filled())
        }))?;
        chart
            .configure_mesh()
            .disable_mesh()
            .disable_x_axis()
            .axis_style(self.palette.muted)
            .y_label_formatter(&|db: &f64| format!(" {db:.0}").replace('-', "−"))
            .label_style(l.text(13.0, self.palette.muted))
            .draw()?;
        let style = l.text(13.0, self.palette.muted).pos(Pos::new(HPos::Left, VPos::Bottom));
        let at = (l.px(WIDTH - RIGHT + 10.0), l.px(top - CAPTION_GAP));
        self.root.draw(&Text::new("dBFS", at, style))
    }

    fn waveform(&mut self) -> Result<(), Failed<DB>> {
        let l = self.layout;
        let caption_top = self.top;
        let area = self.next_chart("Waveform", "full scale is 1", WAVEFORM, 0.0)?;
        let Palette { before, after, .. } = self.palette;
        self.legend(caption_top, &[("before", before), ("after", after)])?;
        let reach = [&self.picture.before, &self.picture.after]
            .into_iter()
            .flat_map(|side| side.outline.columns())
            .fold(0.0_f32, |reach, e| reach.max(e.most).max(-e.least));
        // Quiet sound is to be seen too: the axis ends at 1, or at a step of 6 dB below that holds the peak.
        let full = (0..8).map(|k| 0.5_f64.powi(k)).take_while(|full| *full >= f64::from(reach)).last();
        let full = full.unwrap_or(f64::from(reach));
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, l.px(LEFT))
            .margin_right(l.px(RIGHT))
            .build_cartesian_2d(self.time(), Axis::new(-full..full, vec![-full, 0.0, full]))?;
        for (side, colour) in [(&self.picture.before, before), (&self.picture.after, after)] {
            let column = self.picture.column_seconds(side.outline.span());
            chart.draw_series(std::iter::once(Polygon::new(
                outline(&side.outline, column),
                colour.filled(),
            )))?;
        }
        self.mesh(
            &mut chart,
            &|x: &f64| format!("{x:.3}").trim_end_matches('0').trim_end_matches('.').replace('-', "−"),
            false,
        )
    }

    fn voice(&mut self) -> Result<(), Failed<DB>> {
        let l = self.layout;
        let share = {
            let columns = self.picture.activity.columns();
            let (voiced, frames) =
                columns.iter().fold((0, 0), |(v, f), c| (v + u64::from(c.voiced), f + u64::from(c.frames)));
            100.0 * voiced as f64 / frames.max(1) as f64
        };
        let area = self.next_chart("Voice", &format!("{share:.0} % of the time"), VOICE, 0.0)?;
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, l.px(LEFT))
            .margin_right(l.px(RIGHT))
            .build_cartesian_2d(self.time(), Axis::new(0.0..1.0, Vec::new()))?;
        let Palette { grid, voice, .. } = self.palette;
        let whole = [(0.0, 0.0), (self.picture.seconds(), 1.0)];
        chart.draw_series(std::iter::once(Rectangle::new(whole, grid.filled())))?;
        chart.draw_series(
            self.voiced()
                .into_iter()
                .map(|span| Rectangle::new([(span.start, 0.0), (span.end, 1.0)], voice.filled())),
        )?;
        Ok(())
    }

    /// Spans, in seconds, of columns that are voiced for the most part.
    fn voiced(&self) -> Vec<Range<f64>> {
        let activity = &self.picture.activity;
        let column = self.picture.column_seconds(activity.span());
        let mut spans: Vec<Range<f64>> = Vec::new();
        for (k, _) in activity.columns().iter().enumerate().filter(|(_, a)| a.voice() >= 0.5) {
            let (from, to) = (k as f64 * column, ((k + 1) as f64 * column).min(self.picture.seconds()));
            match spans.last_mut() {
                Some(last) if from - last.end < column / 2.0 => last.end = to,
                _ => spans.push(from..to),
            }
        }
        spans
    }

    fn attenuation(&mut self) -> Result<(), Failed<DB>> {
        let l = self.layout;
        let area = self.next_chart("Turned down by", "dB", ATTENUATION, TIME_AXIS)?;
        let activity = &self.picture.activity;
        let column = self.picture.column_seconds(activity.span());
        let points: Vec<(f64, f64)> = activity
            .columns()
            .iter()
            .enumerate()
            .map(|(k, a)| ((k as f64 + 0.5) * column, f64::from(a.attenuation_db()).max(0.0)))
            .collect();
        let most = points.iter().fold(LEAST_ATTENUATION_AXIS, |most, p| most.max(p.1));
        let step = if most > 40.0 {
            20.0
        } else if most > 20.0 {
            10.0
        } else {
            5.0
        };
        let top = (most / step).ceil() * step;
        let ticks = (0..=(top / step) as u32).map(|k| f64::from(k) * step).collect();
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, l.px(LEFT))
            .margin_right(l.px(RIGHT))
            .set_label_area_size(LabelAreaPosition::Bottom, l.px(TIME_AXIS))
            .build_cartesian_2d(self.time(), Axis::new(0.0..top, ticks))?;
        let after = self.palette.after;
        chart.draw_series(AreaSeries::new(points.iter().copied(), 0.0, after.mix(0.25)))?;
        // One pixel: the library gives thicker lines long spikes where they turn sharply.
        chart.draw_series(LineSeries::new(points, after))?;
        self.mesh(&mut chart, &|db: &f64| format!("{db:.0}"), true)
    }

    /// Axes and a faint grid, over the chart.
    fn mesh<'b>(
        &self,
        chart: &mut ChartContext<'b, DB, Cartesian2d<Axis, Axis>>,
        label: &dyn Fn(&f64) -> String,
        time: bool,
    ) -> Result<(), Failed<DB>> {
        let l = self.layout;
        let seconds = self.picture.seconds();
        let stamp = move |t: &f64| time_label(*t, seconds);
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(self.palette.grid.mix(0.6))
            .axis_style(self.palette.muted)
            .y_label_formatter(&label)
            .x_label_formatter(&stamp)
            .label_style(l.text(13.0, self.palette.muted))
            .axis_desc_style(l.text(13.0, self.palette.muted));
        if time {
            mesh.x_desc(if seconds < 100.0 {
                "time in s"
            } else if seconds < 3600.0 {
                "time in min:s"
            } else {
                "time in h:min:s"
            });
        } else {
            mesh.disable_x_axis();
        }
        mesh.draw()
    }
}

/// The spectra as an image of this size, interpolated between columns and rows, a sound's `columns` over its width.
fn paint(
    spectra: &Pooled<Spectrum>,
    columns: f64,
    colours: ColourRange,
    (width, height): (u32, u32),
) -> Vec<u8> {
    let scale = colour_scale();
    let last = spectra.columns().len().saturating_sub(1);
    let mut image = vec![0; (width * height * 3) as usize];
    if spectra.columns().is_empty() {
        return image;
    }
    // dBFS of a column at each line of the image, from the top.
    let lines = |column: &Spectrum| -> Vec<f32> {
        let rows: Vec<f32> = (0..ROWS).map(|row| column.dbfs(row)).collect();
        (0..height)
            .map(|y| {
                let at = ((1.0 - (y as f32 + 0.5) / height as f32) * ROWS as f32 - 0.5)
                    .clamp(0.0, (ROWS - 1) as f32);
                let (low, part) = (at as usize, at.fract());
                rows[low] * (1.0 - part) + rows[(low + 1).min(ROWS - 1)] * part
            })
            .collect()
    };
    let mut near: Option<(usize, Vec<f32>, Vec<f32>)> = None;
    for x in 0..width {
        let at = ((f64::from(x) + 0.5) / f64::from(width) * columns - 0.5).clamp(0.0, last as f64);
        let (left, part) = (at as usize, at.fract() as f32);
        let (a, b) = match near.take() {
            Some((k, a, b)) if k == left => (a, b),
            Some((k, _, b)) if k + 1 == left => (b, lines(&spectra.columns()[(left + 1).min(last)])),
            _ => (lines(&spectra.columns()[left]), lines(&spectra.columns()[(left + 1).min(last)])),
        };
        for y in 0..height as usize {
            let db = a[y] * (1.0 - part) + b[y] * part;
            let step = (db - colours.least) / (colours.most - colours.least) * 255.0;
            let at = (y * width as usize + x as usize) * 3;
            image[at..at + 3].copy_from_slice(&scale[step.clamp(0.0, 255.0) as usize]);
        }
        near = Some((left, a, b));
    }
    image
}

/// The waveform's outline: along the upper side, and back along the lower.
fn outline(columns: &Pooled<Extent>, column: f64) -> Vec<(f64, f64)> {
    let known = |e: &Extent| e.least <= e.most;
    let time = |k: usize| (k as f64 + 0.5) * column;
    let columns: Vec<(usize, &Extent)> =
        columns.columns().iter().enumerate().filter(|(_, e)| known(e)).collect();
    let upper = columns.iter().map(|(k, e)| (time(*k), f64::from(e.most)));
    let lower = columns.iter().rev().map(|(k, e)| (time(*k), f64::from(e.least)));
    upper.chain(lower).collect()
}

/// Up to ten ticks at whole numbers of something that people count in.
fn time_ticks(seconds: f64) -> Vec<f64> {
    const STEPS: [f64; 19] = [
        0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0,
        1800.0, 3600.0,
    ];
    let enough = |step: f64| seconds / step <= 10.0;
    let step = STEPS.into_iter().find(|step| enough(*step)).unwrap_or((seconds / 36_000.0).ceil() * 3600.0);
    (0..=(seconds / step) as u32).map(|k| f64::from(k) * step).collect()
}

/// A tick's time: seconds in a short file, minutes and hours in a long one.
fn time_label(t: f64, seconds: f64) -> String {
    if seconds < 100.0 {
        let text = format!("{t:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let whole = t.round() as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    if seconds < 3600.0 { format!("{m}:{s:02}") } else { format!("{h}:{m:02}:{s:02}") }
}

/// A text of at most so many characters: what does not fit goes from the middle.
fn shortened(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let (head, tail) = (most / 2, most - most / 2 - 1);
    let head: String = characters[..head].iter().collect();
    let tail: String = characters[characters.len() - tail..].iter().collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_round() {
        for seconds in [0.03, 0.5, 5.0, 63.9, 100.0, 599.0, 3599.0, 3600.0, 40_000.0, 400_000.0] {
            let ticks = time_ticks(seconds);
            assert!((2..=11).contains(&ticks.len()), "{seconds}: {ticks:?}");
            assert!(ticks.iter().all(|t| (0.0..=seconds).contains(t)));
        }
        assert_eq!(time_label(0.5, 5.0), "0.5");
        assert_eq!(time_label(90.0, 600.0), "1:30");
        assert_eq!(time_label(3690.0, 7200.0), "1:01:30");
    }

    #[test]
    fn long_names_are_shortened_in_the_middle() {
        assert_eq!(shortened("talk.wav", 80), "talk.wav");
        assert_eq!(shortened("a-very-long-name.wav", 9), "a-ve….wav");
    }
}
