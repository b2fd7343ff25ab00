//! The screen: meters, voice, latency, and a key for every knob.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Sparkline};
use ratatui::{DefaultTerminal, Frame};
use sourdine_live::{Command, Phase, RecordingPaths, Status};

use crate::run::priority_note;

/// The lowest level of the meters, in dBFS.
const BOTTOM: f32 = -72.0;

/// How long a peak is held and how fast it falls then, in pictures of 50 ms.
const HOLD: u32 = 30;
const FALL_DB: f32 = 1.0;

/// The width of the words before a bar or a value.
const LABEL: usize = 12;

const KEYS: &str = " space bypass · ←→ limit · g gate · r residue · m model · w record · q quit ";

/// What the user's key says.
pub(crate) enum UserWants {
    Nothing,
    Quit,
    Record,
    Do(Command),
}

/// A peak that stays for a while.
#[derive(Debug, Clone, Copy)]
struct Held {
    dbfs: f32,
    left: u32,
}

impl Held {
    fn see(&mut self, dbfs: f32) {
        if dbfs >= self.dbfs {
            *self = Self { dbfs, left: HOLD };
        } else if self.left > 0 {
            self.left -= 1;
        } else {
            self.dbfs = (self.dbfs - FALL_DB).max(dbfs);
        }
    }
}

/// What the picture remembers between two moments.
struct View {
    host: String,
    peaks: [Held; 2],
    trail: VecDeque<u64>,
    loads: VecDeque<sourdine_live::Load>,
}

/// The terminal; it is as it was before when this is dropped.
pub(crate) struct Screen {
    terminal: DefaultTerminal,
    view: View,
}

impl Screen {
    pub(crate) fn open(host: &str) -> Result<Self, String> {
        let terminal =
            ratatui::try_init().map_err(|e| format!("no terminal to draw on: {e}; use --plain or --json"))?;
        Ok(Self { terminal, view: View::new(host) })
    }

    /// Draws, waits for a key up to `wait`, and says what it asks for.
    pub(crate) fn show(&mut self, status: &Status, wait: Duration) -> Result<UserWants, String> {
        self.view.see(status);
        let lost = |e: std::io::Error| format!("the terminal is gone: {e}");
        self.terminal.draw(|frame| self.view.draw(frame, status)).map_err(lost)?;
        if !event::poll(wait).map_err(lost)? {
            return Ok(UserWants::Nothing);
        }
        let Event::Key(key) = event::read().map_err(lost)? else { return Ok(UserWants::Nothing) };
        if key.kind == KeyEventKind::Release {
            return Ok(UserWants::Nothing);
        }
        Ok(wants(key.code, key.modifiers))
    }

    /// Names for a recording that begins now: `sourdine-SECONDS-before.wav` and `-after.wav` in the present folder.
    pub(crate) fn recording_paths(&self) -> RecordingPaths {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let name = |what: &str| PathBuf::from(format!("sourdine-{now}-{what}.wav"));
        RecordingPaths { before: Some(name("before")), after: name("after") }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn wants(key: KeyCode, modifiers: KeyModifiers) -> UserWants {
    match key {
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => UserWants::Quit,
        KeyCode::Char('q') | KeyCode::Esc => UserWants::Quit,
        KeyCode::Char(' ') => UserWants::Do(Command::Bypass),
        KeyCode::Right | KeyCode::Up => UserWants::Do(Command::LimitUp),
        KeyCode::Left | KeyCode::Down => UserWants::Do(Command::LimitDown),
        KeyCode::Char('g') => UserWants::Do(Command::Gate),
        KeyCode::Char('r') => UserWants::Do(Command::Residue),
        KeyCode::Char('m') => UserWants::Do(Command::Model),
        KeyCode::Char('w') => UserWants::Record,
        _ => UserWants::Nothing,
    }
}

impl View {
    fn new(host: &str) -> Self {
        let peaks = [Held { dbfs: BOTTOM, left: 0 }; 2];
        Self { host: host.into(), peaks, trail: VecDeque::new(), loads: VecDeque::new() }
    }

    fn see(&mut self, status: &Status) {
        self.peaks[0].see(status.levels.input_peak);
        self.peaks[1].see(status.levels.output_peak);
        self.trail.push_back((status.voice_probability.clamp(0.0, 1.0) * 100.0) as u64);
        if self.trail.len() > 400 {
            self.trail.pop_front();
        }
        if status.load.max > 0.0 {
            self.loads.push_back(status.load);
        }
        // Ten seconds.
        if self.loads.len() > 200 {
            self.loads.pop_front();
        }
    }

    fn load(&self) -> (f32, f32, f32) {
        let n = self.loads.len().max(1) as f32;
        let mean = self.loads.iter().map(|l| l.mean).sum::<f32>() / n;
        let worst = |of: fn(&sourdine_live::Load) -> f32| self.loads.iter().map(of).fold(0.0, f32::max);
        (100.0 * mean, 100.0 * worst(|l| l.p99), 100.0 * worst(|l| l.max))
    }

    fn draw(&self, frame: &mut Frame<'_>, status: &Status) {
        let title = format!(" Sourdine · {} · {} ", self.host, time(status.seconds));
        let outer = Block::bordered().title(title).title_bottom(Line::from(KEYS).right_aligned());
        let area = outer.inner(frame.area());
        frame.render_widget(outer, frame.area());
        let height = area.height.saturating_sub(18).clamp(2, 14);
        let [top, trail, bottom] =
            Layout::vertical([Constraint::Length(9), Constraint::Length(height), Constraint::Length(9)])
                .areas(area);
        frame.render_widget(Paragraph::new(self.top(status, usize::from(area.width))), top);
        self.draw_trail(frame, trail);
        frame.render_widget(Paragraph::new(self.bottom(status)), bottom);
    }

    fn top(&self, status: &Status, width: usize) -> Vec<Line<'static>> {
        let state = match status.phase {
            Phase::Running if status.tier != "full" => warn(format!("overloaded: {}", status.tier)),
            Phase::Running if !status.knobs.enabled => warn("bypass: you hear the input".into()),
            Phase::Running if status.knobs.residue => warn("residue: you hear what is removed".into()),
            Phase::Running => good("running".into()),
            Phase::Waiting => bad("waiting".into()),
            Phase::Idle => Span::raw("idle"),
        };
        let light = if status.voice { good("● voice".into()) } else { dim("○ no voice".into()) };
        let levels = &status.levels;
        vec![
            labelled("", vec![state]),
            labelled("in", vec![Span::raw(status.input.clone())]),
            labelled("out", vec![Span::raw(status.output.clone())]),
            Line::default(),
            self.bar("input", levels.input, self.peaks[0].dbfs, width),
            self.bar("output", levels.output, self.peaks[1].dbfs, width),
            labelled(
                "reduction",
                vec![Span::raw(format!(
                    "{:.0} dB      noise floor {:.0} dBFS",
                    (levels.input - levels.output).max(0.0),
                    levels.noise_floor
                ))],
            ),
            Line::default(),
            labelled(
                "voice",
                vec![light, Span::raw(format!("  {:3.0} %", 100.0 * status.voice_probability))],
            ),
        ]
    }

    /// A level with its held peak.
    fn bar(&self, name: &str, dbfs: f32, peak: f32, width: usize) -> Line<'static> {
        let room = width.saturating_sub(LABEL + 22).max(10);
        let place = |db: f32| (((db - BOTTOM) / -BOTTOM).clamp(0.0, 1.0) * room as f32) as usize;
        let (filled, mark) = (place(dbfs), place(peak).min(room - 1));
        let mut spans = Vec::new();
        for cell in 0..room {
            let db = BOTTOM * (1.0 - cell as f32 / room as f32);
            let colour = if db > -6.0 {
                Color::Red
            } else if db > -18.0 {
                Color::Yellow
            } else {
                Color::Green
            };
            let text = if cell == mark && peak > BOTTOM {
                "┃"
            } else if cell < filled {
                "█"
            } else {
                "·"
            };
            let style = if text == "·" { Style::new().fg(Color::DarkGray) } else { Style::new().fg(colour) };
            spans.push(Span::styled(text, style));
        }
        spans.push(Span::raw(format!(" {dbfs:5.0} dBFS, peak {peak:4.0}")));
        labelled(name, spans)
    }

    fn draw_trail(&self, frame: &mut Frame<'_>, area: Rect) {
        let area =
            Rect { x: area.x + LABEL as u16, width: area.width.saturating_sub(LABEL as u16 + 1), ..area };
        let newest = self.trail.iter().rev().take(usize::from(area.width)).rev();
        let data: Vec<u64> = newest.copied().collect();
        frame.render_widget(
            Sparkline::default().data(data).max(100).style(Style::new().fg(Color::Cyan)),
            area,
        );
    }

    fn bottom(&self, status: &Status) -> Vec<Line<'static>> {
        let (k, l) = (&status.knobs, &status.latency);
        let (mean, p99, max) = self.load();
        let limit = k.attenuation_limit_db.map_or("off".into(), |db| format!("{db:.0} dB"));
        let switch = |on| if on { "on" } else { "off" };
        let message = status.message.clone().or_else(|| priority_note(status).map(Into::into));
        vec![
            labelled(
                "knobs",
                vec![
                    Span::raw(format!(
                        "model {} · limit {limit} · gate {} · residue {}",
                        k.model,
                        switch(k.gate),
                        switch(k.residue)
                    )),
                    if k.recording { bad(" · recording".into()) } else { Span::raw("") },
                ],
            ),
            Line::default(),
            labelled(
                "latency",
                vec![Span::raw(format!(
                    "{:.1} ms = in {:.1} + engine {:.1} + ring {:.1} (of {:.1}) + out {:.1}",
                    l.total, l.device_in, l.engine, l.ring, l.ring_target, l.device_out
                ))],
            ),
            labelled(
                "load",
                vec![Span::raw(format!(
                    "{mean:.1} % of the deadline (p99 {p99:.1}, max {max:.1}), {} missed",
                    status.deadline_misses
                ))],
            ),
            labelled(
                "lost",
                vec![Span::raw(format!(
                    "{} device xruns, {} gaps, {} frames; stalls cut: {}; reopened: {}",
                    status.xruns, status.underruns, status.lost_frames, status.cuts, status.reopened
                ))],
            ),
            labelled(
                "clocks",
                vec![Span::raw(format!(
                    "{:+.0} ppm apart, playing {:+.0} ppm",
                    status.drift_ppm, status.speed_ppm
                ))],
            ),
            Line::default(),
            message.map_or_else(Line::default, |m| labelled("", vec![warn(m)])),
        ]
    }
}

fn labelled(label: &str, spans: Vec<Span<'static>>) -> Line<'static> {
    let mut all = vec![dim(format!(" {label:<width$}", width = LABEL - 1))];
    all.extend(spans);
    Line::from(all)
}

fn good(text: String) -> Span<'static> {
    Span::styled(text, Style::new().fg(Color::Green).add_modifier(Modifier::BOLD))
}

fn warn(text: String) -> Span<'static> {
    Span::styled(text, Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD))
}

fn bad(text: String) -> Span<'static> {
    Span::styled(text, Style::new().fg(Color::Red).add_modifier(Modifier::BOLD))
}

fn dim(text: String) -> Span<'static> {
    Span::styled(text, Style::new().fg(Color::Gray))
}

fn time(seconds: f64) -> String {
    let s = seconds as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_held_and_then_falls() {
        let mut held = Held { dbfs: BOTTOM, left: 0 };
        held.see(-6.0);
        (0..HOLD).for_each(|_| held.see(-40.0));
        assert_eq!(held.dbfs, -6.0);
        held.see(-40.0);
        assert_eq!(held.dbfs, -7.0);
        (0..100).for_each(|_| held.see(-40.0));
        assert_eq!(held.dbfs, -40.0);
    }

    #[test]
    fn every_key_of_the_legend_does_something_and_fits_80_columns() {
        assert!(KEYS.chars().count() <= 78);
        for key in [' ', 'g', 'r', 'm', 'w', 'q'] {
            assert!(!matches!(wants(KeyCode::Char(key), KeyModifiers::NONE), UserWants::Nothing), "{key}");
        }
        for key in [KeyCode::Left, KeyCode::Right] {
            assert!(matches!(wants(key, KeyModifiers::NONE), UserWants::Do(_)));
        }
        assert!(matches!(wants(KeyCode::Char('c'), KeyModifiers::CONTROL), UserWants::Quit));
        assert!(matches!(wants(KeyCode::Char('c'), KeyModifiers::NONE), UserWants::Nothing));
    }
}
