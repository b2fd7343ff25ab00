//! A run over the files of a plan: several at a time, one failing without the others, told as they are done.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::args::BatchArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs::{Plan, Source, Task};
use crate::jobs;
use crate::output::{self, Progress};
use crate::summary::{Done, Totals};

/// The parts of a run that all of its files share.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    plan: &'a Plan,
    workers: usize,
    quiet: bool,
    progress: Progress,
    stop: Arc<AtomicBool>,
}

impl<'a> Batch<'a> {
    /// Prepares the folders that are written into, those of `others` too, and says what was left out.
    pub(crate) fn new(
        plan: &'a Plan,
        args: &BatchArgs,
        config: &Config,
        quiet: bool,
        others: &[&Path],
    ) -> Self {
        let stop = sourdine_settings::stop_on_signals();
        // The leftovers of killed runs.
        plan.output_folders().iter().for_each(|folder| sourdine_soundfile::remove_abandoned(folder));
        others.iter().for_each(|path| sourdine_soundfile::remove_abandoned(crate::output_file::folder(path)));
        if !quiet {
            plan.notes.iter().for_each(output::notice);
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = args.jobs.map(usize::from).or(config.jobs).unwrap_or_else(cores);
        let progress = Progress::new(&plan.tasks, quiet);
        Self { plan, workers, quiet, progress, stop }
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Returns whether the run was interrupted.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Fails if the run was interrupted.
    pub(crate) fn go_on(&self, task: &Task) -> Result<(), Failure> {
        if self.is_stopped() {
            return Err(Failure::Interrupted { path: task.source.to_string().into() });
        }
        Ok(())
    }

    /// Does `work` and then `finish` with every file, as [`jobs::run`] has it, and hands each result to `tell`. `verb` is
    /// the word for it in messages.
    pub(crate) fn run<Worked: Send, Outcome: Done + Send>(
        &self,
        verb: &str,
        work: impl Fn(&Task) -> Result<Worked, Failure> + Sync,
        finish: impl Fn(&Task, Worked) -> Result<Outcome, Failure> + Sync,
        mut tell: impl FnMut(usize, &Task, &Result<Outcome, Failure>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let several = self.plan.is_several();
        let mut totals = Totals::default();
        let mut told = Ok(());
        let mut only_failure = None;
        self.plan.unsearched.iter().for_each(output::error);
        jobs::run(
            &self.plan.tasks,
            self.workers,
            work,
            |task, worked| finish(task, worked?),
            |place, task, result| {
                totals.count(&result);
                if told.is_ok() {
                    told = self.progress.suspend(|| tell(place, task, &result));
                }
                if let Err(failure) = result {
                    if several && !matches!(failure, Failure::Interrupted { .. }) {
                        self.progress.suspend(|| output::error(&failure));
                    } else {
                        only_failure = Some(failure);
                    }
                }
                told.is_ok() && !self.is_stopped()
            },
        );
        self.progress.finish();
        told?;
        if let Some(failure) = only_failure {
            return Err(failure);
        }
        if several && !self.quiet {
            output::note(&totals.line(verb, started.elapsed()));
        }
        let (folders, failed, of) = (self.plan.unsearched.len(), totals.failed, self.plan.tasks.len());
        if folders > 0 {
            return Err(Failure::Unsearched { folders, failed, of });
        }
        if failed > 0 {
            return Err(Failure::Some { failed, of });
        }
        Ok(())
    }
}

/// The standard input can be read once.
pub(crate) fn refuse_two_readers(plan: &Plan, args: &BatchArgs) -> Result<(), Failure> {
    let list = args.files_from.as_ref().is_some_and(|list| list.as_os_str() == "-");
    let streams = plan.tasks.iter().filter(|task| task.source == Source::Stdin).count() + usize::from(list);
    if streams > 1 {
        return Err(Failure::use_of(Path::new("-"), "the standard input can be read only once"));
    }
    Ok(())
}

/// `--raw` is about the standard input.
pub(crate) fn refuse_raw_files(plan: &Plan, raw: Option<sourdine_soundfile::RawSpec>) -> Result<(), Failure> {
    if raw.is_some() && !plan.tasks.iter().all(|task| task.source == Source::Stdin) {
        return Err(Failure::use_of(
            Path::new("--raw"),
            "says what the standard input is; give `-` as the input",
        ));
    }
    Ok(())
}
