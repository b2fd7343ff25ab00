"""A run over all tasks of a source, which can be killed at any moment and started again."""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from .. import _native
from .._files import check_workers, in_threads
from .._settings import Settings, find_model
from ._sources import Task, is_manifest, listed_place, manifest_lines, plan, task_of
from ._tasks import RESULTS, SETTINGS, Row, do, replacing, written_rows


@dataclass(frozen=True)
class Summary:
    """The numbers of items of a run, by their results."""

    cleaned: int
    #: Their output existed already.
    skipped: int
    failed: int
    #: The list of results, with a row for each item: one JSON object per line.
    results: str


def run(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    engine: Literal["threads", "ray"] = "threads",
    workers: int | None = None,
    settings: Settings = Settings(),
    progress: Callable[[Row, int, int], object] | None = None,
) -> Summary:
    """Cleans a source into a folder. Killed at any moment and called again, it does what is missing.

    Every input file becomes exactly one output file, which has its name only when it is complete. The folder also gets
    `sourdine-results.jsonl`, with a row for each item, and `sourdine-settings.json`, with the settings. What an earlier run did stays
    there, and files that failed are tried again, but not items of a shard that exists. A manifest is written anew, with the paths of the cleaned files, without those that failed.

    Args:
        source: see :func:`plan`.
        output: a folder; it is made if it does not exist.
        engine: "threads" of this process, or "ray": the cluster that Ray is connected to, or one on this machine. Its workers
            have to see the files under the same paths.
        workers: tasks at a time; one per core (of the cluster) if None.
        settings: the settings of the stream.
        progress: is called with each row, the number of files that are done and the number of files.

    Raises:
        ValueError, OSError: if the source, the folder or the settings cannot be used, and if the folder has results of other
            settings. Items that fail are rows.
    """
    find_model(settings.model)
    check_workers(workers)
    tasks = plan(source, output)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_other_settings(folder, settings)
    _remove_abandoned(tasks, folder)
    results = folder / RESULTS
    done = _take_over(results, tasks)
    left = [task for task in tasks if task.output not in done]
    counts = {"cleaned": 0, "skipped": 0, "failed": 0}
    for each in (each for rows in done.values() for each in rows):
        counts["failed" if each["status"] == "failed" else "skipped"] += 1

    with open(results, "a", encoding="utf-8") as file:
        for count, rows in enumerate(_engine(engine, workers, settings)(left), 1 + len(done)):
            # A torn line is recognised, but not one that is missing: all rows of a task at once.
            file.write("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows))
            file.flush()
            for each in rows:
                counts[each["status"]] += 1
                if progress is not None:
                    progress(each, count, len(tasks))
    # Those of workers that were lost on the way.
    _remove_abandoned(tasks, folder)
    if is_manifest(source) and os.path.isfile(source):
        _write_manifest(Path(source), folder)
    return Summary(**counts, results=str(results))


def _refuse_other_settings(folder: Path, settings: Settings) -> None:
    """A folder holds results of one kind of settings: those of others would stay in it unnoticed."""
    path = folder / SETTINGS
    now = asdict(settings)
    # JSON has no infinity.
    now["attenuation_limit_db"] = (
        None if now["attenuation_limit_db"] == math.inf else float(now["attenuation_limit_db"])
    )
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        with replacing(str(path)) as file:
            _write_lines(file, iter([now]))
        return
    if before != now:
        told = ", ".join(
            f"{name} {before.get(name)!r} and not {now[name]!r}" for name in now if before.get(name) != now[name]
        )
        raise ValueError(f"{folder}: holds results with {told}; name another folder, or remove this one")


def _remove_abandoned(tasks: list[Task], folder: Path) -> None:
    """Removes what killed writers left behind."""
    for place in {os.path.dirname(task.output) for task in tasks} | {str(folder)}:
        if os.path.isdir(place):
            _native.remove_abandoned(place)


def _engine(engine: str, workers: int | None, settings: Settings) -> Callable[[list[Task]], Iterator[list[Row]]]:
    if engine == "threads":
        return lambda tasks: (rows for _, rows in in_threads(_Work(settings), tasks, workers))
    if engine == "ray":
        from .ray import do_tasks

        return lambda tasks: do_tasks(tasks, settings, workers)
    raise ValueError(f'engine is {engine!r}; it must be "threads" or "ray"')


class _Work:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __call__(self, task: Task, stop: _native.StopFlag) -> list[Row]:
        return do(task, self.settings, stop)


def _take_over(results: Path, tasks: list[Task]) -> dict[str, list[Row]]:
    """Returns the rows of tasks that earlier runs have done, by their output, and writes the list anew with these and with those of
    other sources."""
    wanted = {task.output for task in tasks}
    exist = {output for output in wanted if os.path.exists(output)}
    rows: dict[str, list[Row]] = {}
    others = []
    for each in _read(results):
        # Of a file that failed as a whole there is no output; it is tried again.
        if each.get("output") in exist:
            rows.setdefault(each["output"], []).append(each)
        elif each.get("output") not in wanted:
            others.append(each)
    for task in tasks:
        if task.output in exist and task.output not in rows:
            # The run was killed between the output and its row.
            rows[task.output] = written_rows(task)
    with replacing(str(results)) as file:
        _write_lines(file, itertools.chain(others, *rows.values()))
    return rows


def _read(results: Path) -> Iterator[Row]:
    if not results.exists():
        return
    with open(results, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue  # Torn when the run was killed.


def _write_lines(file: IO[bytes], rows: Iterator[dict[str, Any]]) -> None:
    for each in rows:
        file.write((json.dumps(each, ensure_ascii=False) + "\n").encode())


def _write_manifest(manifest: Path, folder: Path) -> None:
    """Writes the manifest with the cleaned files, relative to the output folder as NeMo reads them."""

    def entries() -> Iterator[dict[str, Any]]:
        for entry in manifest_lines(manifest):
            path, below = listed_place(manifest, entry["audio_filepath"])
            output = task_of(path, folder / below).output
            if os.path.exists(output):
                yield {**entry, "audio_filepath": os.path.relpath(output, folder)}

    with replacing(str(folder / manifest.name)) as file:
        _write_lines(file, entries())
