"""Finds what is to be cleaned, and decides where each result goes."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .._files import output_name, refuse_clashes

#: Files of these kinds are searched for in folders.
SOUND = frozenset(
    ".wav .wave .bwf .rf64 .flac .ogg .oga .opus .mp3 .mp2 .m4a .m4b .mp4 .aac .aif .aiff .aifc .caf .au .snd".split()
)

#: Files that hold many items.
SHARDS = {".parquet": "parquet", ".tar": "tar"}


@dataclass(frozen=True)
class Task:
    """One file to read, and the one file that comes of it."""

    kind: Literal["file", "parquet", "tar"]
    input: str
    output: str


def plan(source: str | os.PathLike[str], output: str | os.PathLike[str]) -> list[Task]:
    """Turns a source into tasks.

    Args:
        source: a folder (searched for sound files, `.parquet` and `.tar`), a glob pattern (`**` for folders at any depth), a JSONL
            manifest, a Parquet file, a tar, or a sound file.
        output: the folder of the results. It mirrors the folder of the source, or what follows the part of a pattern without
            wildcards, or the paths below the manifest's folder; files of a manifest from elsewhere keep their names only.

    Raises:
        FileNotFoundError: if there is nothing.
        ValueError: if two inputs have the same output, if an output is an input, or if a manifest cannot be read.
    """
    named, folder = os.fspath(source), Path(output)
    found = list(_find(named, folder))
    if not found:
        raise FileNotFoundError(f"{named}: no sound files, Parquet files or tars there")
    tasks = [task_of(path, folder / below) for path, below in found]
    refuse_clashes((task.input, task.output) for task in tasks)
    inputs = {os.path.realpath(task.input) for task in tasks}
    for task in tasks:
        if os.path.realpath(task.output) in inputs:
            raise ValueError(f"{task.output} is an input, and inputs are never changed; name another folder")
    return tasks


def task_of(path: Path, output: Path) -> Task:
    """The task of one file whose place in the output folder is known."""
    kind = SHARDS.get(path.suffix.lower(), "file")
    if kind == "parquet":
        return Task("parquet", str(path), str(output))
    if kind == "tar":
        return Task("tar", str(path), str(output))
    return Task("file", str(path), str(output.with_name(output_name(output))))


def _find(named: str, output: Path) -> Iterator[tuple[Path, Path]]:
    """Gives each file with the place that it has below the output folder."""
    path = Path(named)
    if path.is_dir():
        yield from _walk(path, output)
    elif path.is_file():
        if is_manifest(path):
            yield from _listed(path)
        else:
            yield path, Path(path.name)
    elif glob.has_magic(named):
        root = _without_wildcards(named)
        # The results of an earlier run are not inputs.
        own = os.path.realpath(output) + os.sep
        for match in sorted(glob.glob(named, recursive=True)):
            if os.path.isfile(match) and not os.path.realpath(match).startswith(own):
                yield Path(match), Path(os.path.relpath(match, root))
    else:
        raise FileNotFoundError(f"{named}: no such file or folder; give one, or a pattern in quotes")


def _walk(folder: Path, output: Path) -> Iterator[tuple[Path, Path]]:
    own = os.path.realpath(output)
    for root, folders, names in os.walk(folder):
        # The results of an earlier run are not inputs.
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and os.path.realpath(os.path.join(root, name)) != own
        )
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in SOUND | SHARDS.keys():
                path = Path(root, name)
                yield path, path.relative_to(folder)


def _without_wildcards(pattern: str) -> str:
    """The folder above the first wildcard."""
    parts = Path(pattern).parts
    fixed = next((index for index, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return str(Path(*parts[:fixed])) if fixed else "."


def is_manifest(path: str | os.PathLike[str]) -> bool:
    """Returns whether a file is a manifest by its name."""
    return Path(path).suffix.lower() in (".json", ".jsonl", ".ndjson")


def manifest_lines(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Reads the entries of a manifest: one object per line, each with `audio_filepath`."""
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                # A byte-order mark may stand at the start.
                entry = json.loads(line.decode("utf-8-sig"))
            except UnicodeDecodeError:
                raise ValueError(f"{path}, line {number}: not UTF-8; save it as UTF-8") from None
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}, line {number}: not JSON: {error.msg}") from None
            if not isinstance(entry, dict) or not isinstance(entry.get("audio_filepath"), str):
                raise ValueError(f"{path}, line {number}: has no `audio_filepath`, which names the sound file")
            yield entry


def listed_place(manifest: Path, listed: str) -> tuple[Path, Path]:
    """The file that a manifest lists, and its place below the output folder."""
    path = Path(listed)
    if not path.is_absolute():
        path = manifest.parent / path
    try:
        below = Path(os.path.abspath(path)).relative_to(os.path.abspath(manifest.parent))
    except ValueError:
        below = Path(path.name)
    return path, below


def _listed(manifest: Path) -> Iterator[tuple[Path, Path]]:
    seen = set()
    for entry in manifest_lines(manifest):
        path, below = listed_place(manifest, entry["audio_filepath"])
        # Several entries may be about parts of one file.
        if path not in seen:
            seen.add(path)
            yield path, below
