//! `sourdine clean`: runs files through the engine that also runs in calls.

mod file;
mod parts;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use sourdine::{Model, Settings};
use sourdine_soundfile::{Overwrite, SoundErrorKind};

use crate::args::{CleanArgs, FileKind};
use crate::batch::{self, Batch};
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs::{self, Naming, Plan, Request, Sink, Source, Task};
use crate::output_file::has_extension;
use crate::summary::{Outcome, Skipped, Status};
use crate::{models, output};

use file::CleanedFile;

/// The parts of a run that all of its files share.
struct Run<'a> {
    args: &'a CleanArgs,
    plan: &'a Plan,
    batch: &'a Batch<'a>,
    model: Model,
    settings: Settings,
}

/// Cleans what the command line names.
pub(crate) fn run(args: &CleanArgs) -> Result<(), Failure> {
    let config = Config::find(args.sound.config.as_deref())?;
    let (model, weights) = config.model(args.sound.model.as_deref(), models::DEFAULT)?;
    let also_read: Vec<PathBuf> = weights.into_iter().chain(args.sound.config.clone()).collect();
    let plan = inputs::plan(&Request {
        inputs: &args.inputs,
        files_from: args.batch.files_from.as_deref(),
        output: args.output.as_deref(),
        include: &args.batch.include,
        exclude: &args.batch.exclude,
        naming: Naming::Sound(args.format.to.map(FileKind::extension)),
        force: args.force,
        residue: args.residue,
        split: args.cut.split,
        also_read: &also_read,
    })?;
    refuse_misplaced_options(args, &plan)?;
    args.report.check(&plan, args.force)?;

    let batch = Batch::new(&plan, &args.batch, &config, args.quiet, &args.report.paths());
    let settings = config.sound(&args.sound).with_residue(args.residue);
    let run = Run { args, plan: &plan, batch: &batch, model, settings };
    if args.json {
        for failure in &plan.unsearched {
            output::result(&output::json(&Outcome::unsearched(failure), false)?)?;
        }
    }
    batch.run(
        "cleaned",
        |task| run.clean(task),
        |task, cleaned| run.finish(task, cleaned),
        |_, task, result| run.tell(task, &Outcome::new(task, result)),
    )
}

/// Refuses options that make no sense for these inputs.
fn refuse_misplaced_options(args: &CleanArgs, plan: &Plan) -> Result<(), Failure> {
    batch::refuse_raw_files(plan, args.format.raw)?;
    if std::io::stdout().is_terminal() && plan.tasks.iter().any(|task| task.sink == Sink::Stdout) {
        return Err(Failure::use_of(
            Path::new("-"),
            "standard output is a terminal; name a file with -o, or a pipe",
        ));
    }
    if let (Some(kind), [Task { sink: Sink::File(output), mirrored: false, .. }]) =
        (args.format.to, &plan.tasks[..])
        && (kind == FileKind::Flac) != has_extension(output, &["flac"])
    {
        return Err(Failure::use_of(
            output,
            "--to asks for another kind of file than this name does; change one of them",
        ));
    }
    let cut = args.cut.trim || args.cut.split;
    if cut && plan.tasks.iter().any(|task| task.source == Source::Stdin || task.sink == Sink::Stdout) {
        return Err(Failure::use_of(
            Path::new("-"),
            "cutting reads a file twice; give --trim and --split files",
        ));
    }
    batch::refuse_two_readers(plan, &args.batch)
}

impl Run<'_> {
    /// Cleans one file up to its last sample; `None` if it is skipped.
    fn clean(&self, task: &Task) -> Result<Option<CleanedFile>, Failure> {
        let mut progress = self.batch.progress().file(task);
        if self.args.batch.skip_existing && task.output_file().is_some_and(Path::exists) {
            return Ok(None);
        }
        self.batch.go_on(task)?;
        let overwrite = if self.args.force { Overwrite::Replace } else { Overwrite::Refuse };
        self.or_skipped(task, file::clean(self, task, overwrite, &mut progress))
    }

    /// Completes the same file and gives it its name.
    fn finish(&self, task: &Task, cleaned: Option<CleanedFile>) -> Result<Status, Failure> {
        let finished = match cleaned {
            None => None,
            Some(cleaned) => self.or_skipped(task, cleaned.finish(self, task))?,
        };
        Ok(match finished {
            None => Status::Skipped(Skipped::exists(task, self.args.json)),
            Some(summary) => Status::Cleaned(summary),
        })
    }

    /// `None` if the output came into being meanwhile and such files are skipped: another run was faster.
    fn or_skipped<T>(&self, task: &Task, result: Result<T, Failure>) -> Result<Option<T>, Failure> {
        match result {
            Err(Failure::Wav(error))
                if self.args.batch.skip_existing
                    && matches!(error.kind(), SoundErrorKind::OutputExists)
                    && Some(error.path()) == task.output_file() =>
            {
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// Reports on a file: notes for people, a line or an object as the result.
    fn tell(&self, task: &Task, outcome: &Outcome) -> Result<(), Failure> {
        let sound_on_stdout = task.sink == Sink::Stdout;
        if self.args.json {
            if !self.args.quiet {
                // For people; the summary line, which this replaces, has them.
                for notice in outcome.notices() {
                    output::notice(&format!("{}: {notice}", task.source));
                }
            }
            let json = output::json(outcome, false)?;
            // With the sound itself on stdout, the result goes to stderr.
            if sound_on_stdout {
                output::note(&json);
                return Ok(());
            }
            return output::written(&json);
        }
        match &outcome.status {
            Status::Cleaned(summary) if !self.args.quiet && sound_on_stdout => {
                output::note(summary);
                Ok(())
            }
            Status::Cleaned(summary) if !self.args.quiet => output::written(summary),
            // Of several, the last line says how many.
            Status::Skipped(_) if !self.args.quiet && !self.plan.is_several() => {
                output::note(&format!("{}: exists already, so {} is skipped", task.sink, task.source));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
