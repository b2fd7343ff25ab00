//! Runs many tasks on several threads, and collects their results in one place.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Runs `work` and then `finish` on every task, and hands each result to `done` on this thread as it comes, with the
/// task's place among the tasks.
///
/// `work` keeps a core busy and runs on `workers` threads. `finish` waits for the disk: each worker has
/// a second thread for it, so that the next task is worked on meanwhile. After `done` has returned false no new task is
/// begun.
pub(crate) fn run<Task: Sync, Worked: Send, Outcome: Send>(
    tasks: &[Task],
    workers: usize,
    work: impl Fn(&Task) -> Worked + Sync,
    finish: impl Fn(&Task, Worked) -> Outcome + Sync,
    mut done: impl FnMut(usize, &Task, Outcome) -> bool,
) {
    let next = AtomicUsize::new(0);
    // Bounded, so that no worker runs far ahead of what is printed, and of being told to stop.
    let (send, receive) = mpsc::sync_channel(workers.max(1));
    thread::scope(|scope| {
        for _ in 0..workers.clamp(1, tasks.len().max(1)) {
            let (next, work, finish, send) = (&next, &work, &finish, send.clone());
            let (hand_over, worked) = mpsc::sync_channel(0);
            scope.spawn(move || {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(task) = tasks.get(place) else { return };
                    if hand_over.send((place, task, work(task))).is_err() {
                        return;
                    }
                }
            });
            scope.spawn(move || {
                for (place, task, worked) in worked {
                    if send.send((place, task, finish(task, worked))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        for (place, task, outcome) in receive {
            if !done(place, task, outcome) {
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
            run(
                &tasks,
                workers,
                |x| x * x,
                |x, square| square + x,
                |place, task, y| {
                    assert_eq!(place, *task);
                    sum += y;
                    true
                },
            );
            assert_eq!(sum, 333_300);
        }
        run(&[], 4, |_: &usize| (), |_, ()| (), |_, _, ()| unreachable!("no task, no result"));
    }

    #[test]
    fn stops_early_when_told() {
        let tasks: Vec<usize> = (0..1000).collect();
        let mut seen = 0;
        run(
            &tasks,
            2,
            |x| *x,
            |_, x| x,
            |_, _, _| {
                seen += 1;
                false
            },
        );
        assert!(seen < 10, "{seen}");
    }
}
