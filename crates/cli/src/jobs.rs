//! Many tasks on several threads, their results in one place.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Runs `work` on every task, on `workers` threads, and hands each result to `done` on this thread as it comes.
///
/// Every worker has a state of its own, made by `start` on its thread. After `done` has returned false no new task
/// is begun.
pub(crate) fn run<Task: Sync, State, Outcome: Send>(
    tasks: &[Task],
    workers: usize,
    start: impl Fn() -> State + Sync,
    work: impl Fn(&mut State, &Task) -> Outcome + Sync,
    mut done: impl FnMut(&Task, Outcome) -> bool,
) {
    let next = AtomicUsize::new(0);
    // Bounded, so that nobody runs far ahead of what is printed, and of being told to stop.
    let (send, receive) = mpsc::sync_channel(workers.max(1));
    thread::scope(|scope| {
        for _ in 0..workers.clamp(1, tasks.len().max(1)) {
            let (next, start, work, send) = (&next, &start, &work, send.clone());
            scope.spawn(move || {
                let mut state = start();
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if send.send((task, work(&mut state, task))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        for (task, outcome) in receive {
            if !done(task, outcome) {
                next.store(tasks.len(), Ordering::Relaxed);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn every_task_once_whatever_the_number_of_workers() {
        let tasks: Vec<usize> = (0..100).collect();
        for workers in [0, 1, 2, 7, 200] {
            let mut sum = 0;
            let square = |count: &mut usize, x: &usize| {
                *count += 1;
                x * x
            };
            run(
                &tasks,
                workers,
                || 0,
                square,
                |_, y| {
                    sum += y;
                    true
                },
            );
            assert_eq!(sum, 328_350);
        }
        run(&[], 4, || (), |(), _: &usize| (), |_, ()| unreachable!("no task, no result"));
    }

    #[test]
    fn stops_early_when_told() {
        let tasks: Vec<usize> = (0..1000).collect();
        let mut seen = 0;
        run(
            &tasks,
            2,
            || (),
            |(), x| *x,
            |_, _| {
                seen += 1;
                false
            },
        );
        assert!(seen < 10, "{seen}");
    }
}
