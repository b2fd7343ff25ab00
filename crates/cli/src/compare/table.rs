//! The comparison as a table for people.

use std::fmt;

use super::Comparison;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (b, a) = (&self.before, &self.after);
        let rows = [
            ("SI-SDR", "dB", 2, b.si_sdr_db, a.si_sdr_db),
            ("segmental SNR", "dB", 2, b.segmental_snr_db, a.segmental_snr_db),
            ("STOI", "", 4, b.stoi, a.stoi),
            ("ESTOI", "", 4, b.estoi, a.estoi),
            ("log-spectral distance", "dB", 2, b.log_spectral_distance_db, a.log_spectral_distance_db),
        ];
        writeln!(f, "{:<24}{:>10}{:>10}{:>10}", "", "before", "after", "change")?;
        for (name, unit, digits, before, after) in rows {
            let number = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:.digits$}"));
            let change = before.zip(after).map(|(b, a)| a - b);
            let change = change.map_or_else(|| "–".into(), |x| format!("{x:+.digits$}"));
            writeln!(f, "{name:<24}{:>10}{:>10}{change:>10} {unit}", number(before), number(after))?;
        }
        let frames = |x: Option<i64>| x.map_or_else(|| "–".into(), |x| x.to_string());
        let (before, after) = (frames(b.delay_frames), frames(a.delay_frames));
        write!(f, "{:<24}{before:>10}{after:>10}{:>10} frames", "delay behind clean", "")?;
        if self.aligned {
            write!(f, ", taken out before comparing")?;
        }
        Ok(())
    }
}
