//! The screen: meters, voice, latency, and a key for every control.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Sparkline};
use ratatui::{DefaultTerminal, Frame};
use sourdine_live::{Command, Phase, RecordingPaths, Status};

use crate::rows::{
    BAR, Held, LABEL, LEVELS, NARROW_LABEL, Row, bad, dim, fitting, good, labelled, labelled_bar, warn,
};
use crate::run::priority_note;

/// The least and the greatest height of the trail.
const TRAIL: (usize, usize) = (2, 14);

const KEYS: &str = " space bypass · ←→ limit · g gate · r residue · m model · w record · q quit ";

/// The meaning of the user's key.
pub(crate) enum UserWants {
    Nothing,
    Quit,
    Record,
    Do(Command),
}

/// The state of the picture between two frames.
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
        let peaks = [Held::NONE; 2];
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
        let label = if usize::from(area.width) < LABEL + BAR + LEVELS.1 { NARROW_LABEL } else { LABEL };
        let rows = fitting(self.rows(status, usize::from(area.width), label), usize::from(area.height));
        let mut trail: Option<Rect> = None;
        for (y, row) in (area.y..).zip(rows) {
            let place = Rect { y, height: 1, ..area };
            match row {
                Row::Text(line) => frame.render_widget(line, place),
                Row::Trail => trail = Some(trail.map_or(place, |trail| trail.union(place))),
            }
        }
        if let Some(trail) = trail {
            self.draw_trail(frame, trail, label);
        }
    }

    /// All rows from top to bottom, each with its rank: where there are too few lines, those of the highest number go first.
    fn rows(&self, status: &Status, width: usize, label: usize) -> Vec<(u8, Row)> {
        let labelled = |name: &str, spans| Row::Text(labelled(name, label, spans));
        let text = |name: &str, text: String| labelled(name, vec![Span::raw(text)]);
        let bar =
            |name: &str, dbfs, peak: &Held| Row::Text(labelled_bar(name, label, dbfs, peak.dbfs, width));
        let light = if status.voice { good("● voice".into()) } else { dim("○ no voice".into()) };
        let chance = Span::raw(format!("  {:3.0} %", 100.0 * status.voice_probability));
        let levels = &status.levels;
        let [knobs, latency, load, lost, clocks] = self.figures(status);
        let knobs = if status.knobs.recording {
            vec![bad("recording · ".into()), Span::raw(knobs)]
        } else {
            vec![Span::raw(knobs)]
        };
        let message = status.message.clone().or_else(|| priority_note(status).map(Into::into));
        let reduction = format!(
            "{:.0} dB      noise floor {:.0} dBFS",
            (levels.input - levels.output).max(0.0),
            levels.noise_floor
        );
        let empty = || (9, Row::Text(Line::default()));
        let mut rows = vec![
            (1, labelled("", vec![state(status)])),
            (6, text("in", status.input.clone())),
            (6, text("out", status.output.clone())),
            empty(),
            (0, bar("input", levels.input, &self.peaks[0])),
            (0, bar("output", levels.output, &self.peaks[1])),
            (4, text("reduction", reduction)),
            empty(),
            (2, labelled("voice", vec![light, chance])),
        ];
        rows.extend((0..TRAIL.1).map(|n| (if n < TRAIL.0 { 7 } else { 10 }, Row::Trail)));
        rows.extend([
            (3, labelled("controls", knobs)),
            empty(),
            (4, text("latency", latency)),
            (5, text("load", load)),
            (5, text("lost", lost)),
            (8, text("clocks", clocks)),
            empty(),
        ]);
        rows.push(match message {
            Some(message) => (1, labelled("", vec![warn(message)])),
            None => empty(),
        });
        rows
    }

    fn draw_trail(&self, frame: &mut Frame<'_>, area: Rect, label: usize) {
        let label = area.width.min(label as u16);
        let area = Rect { x: area.x + label, width: (area.width - label).saturating_sub(1), ..area };
        let newest = self.trail.iter().rev().take(usize::from(area.width)).rev();
        let data: Vec<u64> = newest.copied().collect();
        frame.render_widget(
            Sparkline::default().data(data).max(100).style(Style::new().fg(Color::Cyan)),
            area,
        );
    }

    /// Describes controls, latency, load, losses and clocks.
    fn figures(&self, status: &Status) -> [String; 5] {
        let (k, l) = (&status.knobs, &status.latency);
        let (mean, p99, max) = self.load();
        let limit = k.attenuation_limit_db.map_or("off".into(), |db| format!("{db:.0} dB"));
        let switch = |on| if on { "on" } else { "off" };
        [
            format!(
                "model {} · limit {limit} · gate {} · residue {}",
                k.model,
                switch(k.gate),
                switch(k.residue)
            ),
            format!(
                "{:.1} ms = in {:.1} + engine {:.1} + ring {:.1} (of {:.1}) + out {:.1}",
                l.total, l.device_in, l.engine, l.ring, l.ring_target, l.device_out
            ),
            format!(
                "{mean:.1} % of the deadline (p99 {p99:.1}, max {max:.1}), {} missed",
                status.deadline_misses
            ),
            format!(
                "{} device xruns, {} gaps, {} frames; stalls cut: {}; reopened: {}",
                status.xruns, status.underruns, status.lost_frames, status.cuts, status.reopened
            ),
            format!("{:+.0} ppm apart, playing {:+.0} ppm", status.drift_ppm, status.speed_ppm),
        ]
    }
}

fn state(status: &Status) -> Span<'static> {
    match status.phase {
        Phase::Running if status.tier != "full" => warn(format!("overloaded: {}", status.tier)),
        Phase::Running if !status.knobs.enabled => warn("bypass: the output is the input".into()),
        Phase::Running if status.knobs.residue => warn("residue: the output is the removed noise".into()),
        Phase::Running => good("running".into()),
        Phase::Waiting => bad("waiting".into()),
        Phase::Idle => Span::raw("idle"),
    }
}

fn time(seconds: f64) -> String {
    let s = seconds as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use sourdine_live::{ControlState, Levels};

    use super::*;

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

    /// Renders the screen of a terminal of that size, line by line.
    fn picture(width: u16, height: u16, message: Option<&str>) -> Vec<String> {
        let knobs = ControlState {
            enabled: true,
            attenuation_limit_db: Some(24.0),
            gate: false,
            residue: false,
            model: "sourdine".into(),
            recording: false,
        };
        let status = Status {
            phase: Phase::Running,
            message: message.map(Into::into),
            seconds: 61.0,
            input: "Microphone, 48000 Hz, mono".into(),
            output: "Speakers, 48000 Hz, stereo".into(),
            knobs,
            levels: Levels {
                input: -20.0,
                output: -30.0,
                input_peak: 0.0,
                output_peak: -18.0,
                noise_floor: -60.0,
            },
            voice: true,
            voice_probability: 0.9,
            bypassed: false,
            tier: "full",
            latency: Default::default(),
            load: Default::default(),
            deadline_misses: 0,
            xruns: 0,
            underruns: 0,
            lost_frames: 0,
            cuts: 0,
            drift_ppm: 0.0,
            speed_ppm: 0.0,
            priority: Default::default(),
            reopened: 0,
            invalid_samples: 0,
        };
        let mut view = View::new("pulseaudio");
        view.see(&status);
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view.draw(frame, &status)).unwrap();
        let cells = terminal.backend().buffer().content();
        cells
            .chunks(usize::from(width.max(1)))
            .map(|row| row.iter().map(|cell| cell.symbol()).collect())
            .collect()
    }

    fn line<'a>(picture: &'a [String], label: &str) -> Option<&'a String> {
        picture.iter().find(|line| line.trim_start_matches(['│', ' ']).starts_with(label))
    }

    #[test]
    fn a_large_terminal_shows_everything() {
        let picture = picture(80, 24, Some("something"));
        for label in
            ["running", "in ", "out ", "input", "output", "reduction", "voice", "controls", "latency"]
        {
            assert!(line(&picture, label).is_some(), "{label}: {picture:#?}");
        }
        for label in ["load", "lost", "clocks", "something"] {
            assert!(line(&picture, label).is_some(), "{label}: {picture:#?}");
        }
        assert!(line(&picture, "input").unwrap().contains("-20 dBFS, peak    0"), "{picture:#?}");
    }

    #[test]
    fn a_small_terminal_keeps_what_matters_most() {
        let small = picture(50, 12, Some("the sound server is gone"));
        for label in ["running", "input", "output", "voice", "controls", "reduction", "the sound server"] {
            assert!(line(&small, label).is_some(), "{label}: {small:#?}");
        }
        assert!(line(&small, "clocks").is_none(), "{small:#?}");
        let smallest = picture(50, 4, None);
        assert!(line(&smallest, "input").is_some() && line(&smallest, "output").is_some(), "{smallest:#?}");
    }

    #[test]
    fn a_bar_fits_into_any_width() {
        for width in 0..=120 {
            let picture = picture(width, 12, None);
            if width < 11 {
                continue; // No room for a bar, which is no reason to panic.
            }
            // Full scale, where the input's peak is, is in the picture: it is the last cell.
            let input = line(&picture, "input").unwrap();
            let bar: String = input.chars().filter(|c| "█┃·".contains(*c)).collect();
            assert!(bar.ends_with('┃'), "{width}: {picture:#?}");
            assert_eq!(input.contains(" -20"), width >= 25, "{width}: {picture:#?}");
        }
        assert_eq!(line(&picture(18, 12, None), "output").unwrap(), "│ output ████··┃·│");
    }
}
