//! A time line of bounded length, whatever the length of the sound.

/// The most columns that are kept; twice the fewest, once there are more ticks than this. Even.
pub(super) const MOST_COLUMNS: usize = 2048;

/// Something that stands for a stretch of time and can be joined with what follows it.
pub(super) trait Pool: Default {
    /// Takes in the stretch that follows.
    fn join(&mut self, next: &Self);
}

/// Columns that each cover `span` ticks. When there are too many, neighbours are joined and each covers twice as many:
/// the length need not be known beforehand.
#[derive(Debug)]
pub(super) struct Pooled<T> {
    columns: Vec<T>,
    span: u64,
    ticks: u64,
}

impl<T: Pool> Pooled<T> {
    pub(super) fn new() -> Self {
        Self { columns: Vec::new(), span: 1, ticks: 0 }
    }

    /// Adds the next tick.
    pub(super) fn push(&mut self, value: &T) {
        let column = self.advance();
        self.columns[column].join(value);
    }

    /// Lets a tick pass of which nothing is to be kept.
    pub(super) fn skip(&mut self) {
        self.advance();
    }

    /// Returns whether the next tick is one of about `most` in its column, evenly spread: for what is costly to measure.
    pub(super) fn is_due(&self, most: u64) -> bool {
        self.ticks.is_multiple_of((self.span / most).max(1))
    }

    pub(super) fn columns(&self) -> &[T] {
        &self.columns
    }

    /// Ticks that one column covers.
    pub(super) fn span(&self) -> u64 {
        self.span
    }

    fn advance(&mut self) -> usize {
        if self.ticks == self.span * MOST_COLUMNS as u64 {
            for pair in 0..MOST_COLUMNS / 2 {
                self.columns.swap(pair, 2 * pair);
                let (left, right) = self.columns.split_at_mut(2 * pair + 1);
                left[pair].join(&right[0]);
            }
            self.columns.truncate(MOST_COLUMNS / 2);
            self.span *= 2;
        }
        let column = (self.ticks / self.span) as usize;
        if column == self.columns.len() {
            self.columns.push(T::default());
        }
        self.ticks += 1;
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ticks that a column has seen.
    #[derive(Debug, Default, PartialEq)]
    struct Seen(Vec<u64>);

    impl Pool for Seen {
        fn join(&mut self, next: &Self) {
            self.0.extend(&next.0);
        }
    }

    #[test]
    fn nothing_is_lost_and_order_is_kept() {
        for ticks in [0, 1, 5, 2047, 2048, 2049, 4096, 4097, 30_000] {
            let mut pooled = Pooled::new();
            for tick in 0..ticks {
                pooled.push(&Seen(vec![tick]));
            }
            assert!(pooled.columns().len() <= MOST_COLUMNS);
            let span = pooled.span();
            for (k, column) in pooled.columns().iter().enumerate() {
                let first = k as u64 * span;
                assert_eq!(column.0, (first..(first + span).min(ticks)).collect::<Vec<_>>());
            }
            assert_eq!(pooled.columns().iter().map(|c| c.0.len() as u64).sum::<u64>(), ticks);
        }
    }

    #[test]
    fn costly_things_are_measured_some_times_a_column() {
        let mut pooled = Pooled::new();
        let mut measured = 0;
        for tick in 0..360_000 {
            if pooled.is_due(4) {
                pooled.push(&Seen(vec![tick]));
                measured += 1;
            } else {
                pooled.skip();
            }
        }
        assert!(pooled.columns().iter().all(|c| !c.0.is_empty()));
        assert!(measured < 40_000, "{measured} of an hour's ticks");
    }
}
