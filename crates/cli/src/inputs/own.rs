//! Skips outputs of an earlier run among the inputs: `clean *.wav` a second time, or `find` over a folder that has the output
//! folder in it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::untouched::place;
use super::{Plan, Request, Source, Task};

/// Leaves out inputs that this run makes from another input.
///
/// The names next to the inputs (`NAME.clean.wav`, `NAME.residue.wav`, their parts `NAME.clean.001.wav`, whatever the extension) are ours. In a
/// folder that the user named the same name may be a recording: with `--force` it stays an input, which nothing is
/// written to.
pub(super) fn leave_out(request: &Request, tasks: Vec<Task>, plan: &mut Plan) {
    let next_to_input = request.output.is_none();
    if !next_to_input && request.force {
        plan.tasks = tasks;
        return;
    }
    let key = |path: &Path| {
        let path = place(path);
        if next_to_input { path.with_extension("") } else { path }
    };
    // The task of each output; next to an input both of its outputs are ours, whichever this run makes.
    let mut makers = HashMap::new();
    for (i, task) in tasks.iter().enumerate() {
        let Some(output) = task.output_file().map(key) else { continue };
        if next_to_input {
            makers.extend(["clean", "residue"].map(|what| (output.with_extension(what), i)));
        } else {
            makers.insert(output, i);
        }
    }
    let mut left_out = Vec::new();
    for (i, task) in tasks.into_iter().enumerate() {
        let Source::File(path) = &task.source else {
            plan.tasks.push(task);
            continue;
        };
        let whole = (request.split || next_to_input).then(|| without_number(path)).flatten();
        let names = [Some(path.clone()), whole];
        let made = names.iter().flatten().any(|name| makers.get(&key(name)).is_some_and(|maker| *maker != i));
        if made { left_out.push(path.clone()) } else { plan.tasks.push(task) }
    }
    if let Some((first, more)) = left_out.split_first() {
        let more = if more.is_empty() { String::new() } else { format!(" (and {} more)", more.len()) };
        let what = "is the output for another input, so it is skipped";
        plan.notes.push(format!("{}{more}: {what}", first.display()));
    }
}

/// `talk.clean.001.wav` without its number.
fn without_number(path: &Path) -> Option<PathBuf> {
    let stem = Path::new(path.file_stem()?);
    let number = stem.extension()?.to_str()?;
    let is_number = number.len() >= 3 && number.bytes().all(|b| b.is_ascii_digit());
    let mut name: OsString = stem.file_stem()?.into();
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    is_number.then(|| path.with_file_name(name))
}
