//! `sourdine clean`: files through the same engine that runs in a call.

mod file;
mod parts;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sourdine::{Model, Settings};
use sourdine_wav::Overwrite;

use crate::args::CleanArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs::{self, From, Request, Task, To};
use crate::output::Progress;
use crate::summary::{Outcome, Status, Totals};
use crate::{jobs, models, output};

use file::Cleaned;

/// What is the same for all files of a run.
struct Run<'a> {
    args: &'a CleanArgs,
    model: Model,
    settings: Settings,
    progress: Progress,
    stop: Arc<AtomicBool>,
}

/// Cleans what the command line names.
pub(crate) fn run(args: &CleanArgs) -> Result<(), Failure> {
    let stop = stop_on_signals();
    let config = Config::find(args.sound.config.as_deref())?;
    let sound = config.sound(&args.sound, models::DEFAULT);
    let model = models::find(&sound.model)?;
    let tasks = inputs::plan(&Request {
        inputs: &args.inputs,
        files_from: args.batch.files_from.as_deref(),
        output: args.output.as_deref(),
        include: &args.batch.include,
        exclude: &args.batch.exclude,
        extension: args.format.to.map(crate::args::FileKind::extension),
    })?;
    refuse_misplaced_options(args, &tasks)?;
    let input_file = |task: &'_ Task| match &task.from {
        From::File(path) => Some(path.clone()),
        From::Stdin => None,
    };
    let untouched: Vec<_> = tasks
        .iter()
        .flat_map(|task| [input_file(task), task.output_file().map(Path::to_path_buf)])
        .flatten()
        .collect();
    args.report.check(tasks.len(), &untouched, args.force)?;

    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let workers = args.batch.jobs.map(usize::from).or(config.jobs).unwrap_or_else(cores);
    let progress = Progress::new(&tasks, args.quiet);
    let settings = Settings { residue: args.residue, ..sound.settings };
    let run = Run { args, model, settings, progress, stop };
    run.all(&tasks, workers)
}

/// Options that make no sense for these inputs are told, not ignored.
fn refuse_misplaced_options(args: &CleanArgs, tasks: &[Task]) -> Result<(), Failure> {
    if args.format.raw.is_some() && !tasks.iter().all(|task| task.from == From::Stdin) {
        return Err(Failure::use_of(
            Path::new("--raw"),
            "says what the standard input is; give `-` as the input",
        ));
    }
    let cut = args.cut.trim || args.cut.split;
    if cut && tasks.iter().any(|task| task.from == From::Stdin || task.to == To::Stdout) {
        return Err(Failure::use_of(
            Path::new("-"),
            "cutting reads a file twice; give --trim and --split files",
        ));
    }
    let list_on_stdin = args.batch.files_from.as_ref().is_some_and(|list| list.as_os_str() == "-");
    let streams = tasks.iter().filter(|task| task.from == From::Stdin).count() + usize::from(list_on_stdin);
    if streams > 1 {
        return Err(Failure::use_of(Path::new("-"), "the standard input can be read only once"));
    }
    Ok(())
}

impl Run<'_> {
    fn all(&self, tasks: &[Task], workers: usize) -> Result<(), Failure> {
        let started = Instant::now();
        let mut totals = Totals::default();
        let mut printed = Ok(());
        let mut only_failure = None;
        jobs::run(
            tasks,
            workers,
            |task| self.clean(task),
            |task, cleaned| self.finish(task, cleaned?),
            |task, result| {
                let outcome = Outcome::new(task, &result);
                totals.count(&outcome);
                if printed.is_ok() {
                    printed = self.tell(task, &outcome);
                }
                if let Err(failure) = result {
                    if tasks.len() > 1 && !matches!(failure, Failure::Interrupted { .. }) {
                        self.progress.suspend(|| output::error(&failure));
                    } else {
                        only_failure = Some(failure);
                    }
                }
                printed.is_ok() && !self.stop.load(Ordering::Relaxed)
            },
        );
        self.progress.finish();
        printed?;
        if let Some(failure) = only_failure {
            return Err(failure);
        }
        if tasks.len() > 1 && !self.args.quiet {
            output::note(&totals.line(started.elapsed()));
        }
        if totals.failed > 0 {
            return Err(Failure::Some { failed: totals.failed, of: tasks.len() });
        }
        Ok(())
    }

    /// One file, up to the last sample; `None` if it is skipped.
    fn clean(&self, task: &Task) -> Result<Option<Cleaned>, Failure> {
        let mut progress = self.progress.file(task);
        if self.args.batch.skip_existing && task.output_file().is_some_and(Path::exists) {
            return Ok(None);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted { path: task.from.to_string().into() });
        }
        let overwrite = if self.args.force { Overwrite::Replace } else { Overwrite::Refuse };
        file::clean(self, task, overwrite, &mut progress).map(Some)
    }

    /// The same file, from the last sample to its name.
    fn finish(&self, task: &Task, cleaned: Option<Cleaned>) -> Result<Status, Failure> {
        match cleaned {
            None => Ok(Status::Skipped),
            Some(cleaned) => cleaned.finish(self, task).map(Status::Cleaned),
        }
    }

    /// Says what became of a file: notes to people, a line or an object as the result.
    fn tell(&self, task: &Task, outcome: &Outcome) -> Result<(), Failure> {
        self.progress.suspend(|| {
            if !self.args.quiet {
                for notice in outcome.notices() {
                    output::notice(&format!("{}: {notice}", task.from));
                }
            }
            let sound_on_stdout = task.to == To::Stdout;
            if self.args.json {
                let json = serde_json::to_string(outcome).map_err(|e| Failure::Print(e.into()))?;
                // Where the sound itself is on stdout, the result goes beside it.
                if sound_on_stdout {
                    output::note(&json);
                    return Ok(());
                }
                return output::result(&json);
            }
            match &outcome.status {
                Status::Cleaned(summary) if !self.args.quiet && sound_on_stdout => {
                    output::note(summary);
                    Ok(())
                }
                Status::Cleaned(summary) if !self.args.quiet => output::result(summary),
                _ => Ok(()),
            }
        })
    }
}

/// Raised by Ctrl-C and termination signals; the work stops at the next chunk and the half-written file goes.
fn stop_on_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = stop.clone();
    // Without a handler a signal ends the process at once, and a temporary file may stay: no reason to fail.
    let _works_without = ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed));
    stop
}
