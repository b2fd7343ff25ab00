//! The rows of the screen: words with a value, and meters, as wide as there is room.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

/// The lowest level of the meters, in dBFS.
pub(crate) const BOTTOM: f32 = -72.0;

/// Hold time and fall of a peak, in frames of 50 ms.
pub(crate) const HOLD: u32 = 30;
pub(crate) const FALL_DB: f32 = 1.0;

/// The width of the words before a bar or a value, and where there is little room.
pub(crate) const LABEL: usize = 12;
pub(crate) const NARROW_LABEL: usize = 8;

/// The least width of a bar that leaves room for figures, and the widths of those: short and whole.
pub(crate) const BAR: usize = 10;
pub(crate) const LEVELS: (usize, usize) = (5, 22);

/// A peak that stays for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) dbfs: f32,
    left: u32,
}

impl Held {
    /// None yet.
    pub(crate) const NONE: Self = Self { dbfs: BOTTOM, left: 0 };

    pub(crate) fn see(&mut self, dbfs: f32) {
        if dbfs >= self.dbfs {
            *self = Self { dbfs, left: HOLD };
        } else if self.left > 0 {
            self.left -= 1;
        } else {
            self.dbfs = (self.dbfs - FALL_DB).max(dbfs);
        }
    }
}

/// A line of the picture.
pub(crate) enum Row {
    Text(Line<'static>),
    /// A line of the trail, which takes all that there are.
    Trail,
}

/// As many rows as there is room for.
pub(crate) fn fitting(mut rows: Vec<(u8, Row)>, height: usize) -> Vec<Row> {
    while rows.len() > height {
        let last = rows.iter().map(|(rank, _)| *rank).max();
        let Some(at) = rows.iter().rposition(|(rank, _)| Some(*rank) == last) else { break };
        rows.remove(at);
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

/// A level with its held peak; in figures too, as far as there is room next to the bar.
pub(crate) fn labelled_bar(name: &str, label: usize, dbfs: f32, peak: f32, width: usize) -> Line<'static> {
    let left = width.saturating_sub(label);
    let figures = match left {
        _ if left >= BAR + LEVELS.1 => format!(" {dbfs:5.0} dBFS, peak {peak:4.0}"),
        _ if left >= BAR + LEVELS.0 => format!(" {dbfs:4.0}"),
        _ => String::new(),
    };
    let room = left.saturating_sub(figures.chars().count());
    let place = |db: f32| (((db - BOTTOM) / -BOTTOM).clamp(0.0, 1.0) * room as f32) as usize;
    let (filled, mark) = (place(dbfs), place(peak).min(room.saturating_sub(1)));
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
    spans.push(Span::raw(figures));
    labelled(name, label, spans)
}

pub(crate) fn labelled(name: &str, label: usize, spans: Vec<Span<'static>>) -> Line<'static> {
    let width = label - 1;
    let mut all = vec![dim(format!(" {name:<width$.width$}"))];
    all.extend(spans);
    Line::from(all)
}

pub(crate) fn good(text: String) -> Span<'static> {
    Span::styled(text, Style::new().fg(Color::Green).add_modifier(Modifier::BOLD))
}

pub(crate) fn warn(text: String) -> Span<'static> {
    Span::styled(text, Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD))
}

pub(crate) fn bad(text: String) -> Span<'static> {
    Span::styled(text, Style::new().fg(Color::Red).add_modifier(Modifier::BOLD))
}

pub(crate) fn dim(text: String) -> Span<'static> {
    Span::styled(text, Style::new().fg(Color::Gray))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_held_and_then_falls() {
        let mut held = Held::NONE;
        held.see(-6.0);
        (0..HOLD).for_each(|_| held.see(-40.0));
        assert_eq!(held.dbfs, -6.0);
        held.see(-40.0);
        assert_eq!(held.dbfs, -7.0);
        (0..100).for_each(|_| held.see(-40.0));
        assert_eq!(held.dbfs, -40.0);
    }
}
