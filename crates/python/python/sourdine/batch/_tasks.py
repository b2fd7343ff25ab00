"""Does one task: a file becomes a file, a shard of many items becomes a shard."""

from __future__ import annotations

import io
import json
import os
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .. import _native
from .._files import clean_one
from .._settings import Settings
from ._item import COLUMNS, clean_item, told
from ._sources import SOUND, Task

#: The name of the list of results in the output folder: one JSON object a line for each item.
RESULTS = "sourdine-results.jsonl"

#: The name of the file that holds the settings of the results, in the same folder.
SETTINGS = "sourdine-settings.json"

#: A row of that list: `input`, `item` (its row in Parquet, its key in a tar, or null), `output` and the columns of the item.
Row = dict[str, Any]

#: The ending of a tar's members with an item's columns.
COLUMNS_ENDING = ".sourdine.json"

#: Rows of a Parquet file in memory at a time.
ROWS_AT_A_TIME = 64


def do(task: Task, settings: Settings, stop: _native.StopFlag | None = None) -> list[Row]:
    """Does a task whose output does not exist yet, and returns a row for each of its items. Never raises for an item's sake."""
    if os.path.exists(task.output):
        return written_rows(task)
    try:
        os.makedirs(os.path.dirname(task.output) or ".", exist_ok=True)
        if task.kind == "file":
            result = clean_one(task.input, task.output, settings, skip_existing=True, stop=stop)
            return [row(task, None, told(result.status, result.report, result.error))]
        shard = _parquet if task.kind == "parquet" else _tar
        with replacing(task.output) as file:
            return list(_until(stop, task, shard(task, settings, file)))
    except Exception as error:  # A shard that cannot be read at all is a row as well.
        return [row(task, None, told("failed", error=f"{task.input}: {error}"))]


def _until(stop: _native.StopFlag | None, task: Task, rows: Iterator[Row]) -> Iterator[Row]:
    """Stops between two items."""
    for each in rows:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt(f"{task.input}: interrupted; nothing was written")
        yield each


def row(task: Task, item: str | None, columns: dict[str, Any]) -> Row:
    return {"input": task.input, "item": item, "output": task.output, **columns}


@contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """A file that has its name only when it is complete. What a killed writer leaves behind has the name and the lock of the native
    module's temporary files, so that the next run removes it."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:48]}.sourdine-{secrets.token_hex(3)}.tmp")
    file = open(temporary, "xb")
    try:
        with file:
            _lock(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _lock(file: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows, where leftovers stay.
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # A file system without locks.
        pass


def _parquet(task: Task, settings: Settings, file: IO[bytes]) -> Iterator[Row]:
    """Rewrites the audio column of a Parquet file; the columns of the items become a struct column `sourdine`."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ImportError("Parquet needs pyarrow: pip install sourdine[parquet]") from None

    kind = pa.struct([(name, {"notices": pa.list_(pa.string())}.get(name, _arrow_type(pa, name))) for name in COLUMNS])
    with pq.ParquetFile(task.input) as source:
        schema = source.schema_arrow
        column = _audio_column(schema, pa)
        # Keeps the metadata, in which Hugging Face's features are.
        written = schema.append(pa.field("sourdine", kind))
        with pq.ParquetWriter(file, written) as writer:
            number = 0
            for batch in source.iter_batches(batch_size=ROWS_AT_A_TIME):
                cleaned, columns = [], []
                for audio in batch.column(column).to_pylist():
                    name = (audio or {}).get("path") or f"{number}.wav"
                    given = (audio or {}).get("bytes")
                    item = clean_item(b"" if given is None else given, name=name, settings=settings)
                    told_of = item.columns
                    if given is None:
                        told_of = told("failed", error=f"{name}: the row holds no bytes; embed the files first")
                    cleaned.append({"bytes": item.audio, "path": item.name})
                    columns.append(told_of)
                    yield row(task, str(number), told_of)
                    number += 1
                arrays = list(batch.columns)
                place = schema.get_field_index(column)
                arrays[place] = pa.array(cleaned, schema.field(place).type)
                arrays.append(pa.array(columns, kind))
                writer.write_batch(pa.record_batch(arrays, schema=written))


def _arrow_type(pa: Any, name: str) -> Any:
    if name in ("status", "error"):
        return pa.string()
    whole = ("frames", "sample_rate", "channels", "clipped_samples", "invalid_samples")
    return pa.int64() if name in whole else pa.float64()


def _audio_column(schema: Any, pa: Any) -> str:
    """The column of `{bytes, path}`; `audio` if there are several."""
    structs = [
        field.name
        for field in schema
        if pa.types.is_struct(field.type) and {"bytes", "path"} <= {part.name for part in field.type}
    ]
    if "sourdine" in schema.names:
        raise ValueError("has a column `sourdine` already; it was cleaned before")
    if "audio" in structs:
        return "audio"
    if len(structs) != 1:
        raise ValueError("has no column `audio` of {bytes, path}; write the files' bytes into one")
    return str(structs[0])


def _tar(task: Task, settings: Settings, file: IO[bytes]) -> Iterator[Row]:
    """Rewrites the sound of a WebDataset tar; all other members are copied. Each sound is followed by `KEY.sourdine.json`, its columns:
    for one that failed there is no sound."""
    names: set[str] = set()
    with tarfile.open(task.input, "r|*") as source, tarfile.open(fileobj=file, mode="w|") as written:
        for member in source:
            if member.name.endswith(COLUMNS_ENDING):
                raise ValueError(f"has a member {member.name} already; it was cleaned before")
            content = source.extractfile(member) if member.isfile() else None
            if content is None or Path(member.name).suffix.lower() not in SOUND:
                written.addfile(member, content)
                continue
            item = clean_item(content.read(), name=member.name, settings=settings)
            # Of two sounds with one key, `a.wav` and `a.mp3`, the second keeps its whole name.
            key = os.path.splitext(member.name)[0]
            key = member.name if key + COLUMNS_ENDING in names else key
            names.add(key + COLUMNS_ENDING)
            if isinstance(item.audio, bytes):
                ending = os.path.splitext(item.name)[1]
                # `a.mp3` before it may have become `a.wav`.
                name = key if key.endswith(ending) and key not in names else key + ending
                names.add(name)
                _add(written, member, name, item.audio)
            columns = json.dumps(item.columns, ensure_ascii=False).encode()
            _add(written, member, key + COLUMNS_ENDING, columns)
            yield row(task, key, item.columns)


def written_rows(task: Task) -> list[Row]:
    """Returns the rows of a task whose output exists, as far as the output holds them."""
    try:
        if task.kind == "parquet":
            import pyarrow.parquet as pq

            columns = pq.read_table(task.output, columns=["sourdine"]).column(0).to_pylist()
            return [row(task, str(number), each) for number, each in enumerate(columns)]
        if task.kind == "tar":
            with tarfile.open(task.output, "r|") as written:
                return [
                    row(task, member.name.removesuffix(COLUMNS_ENDING), json.loads(content.read()))
                    for member in written
                    if member.name.endswith(COLUMNS_ENDING) and (content := written.extractfile(member))
                ]
    except Exception as error:  # Another program's file, for instance.
        why = f"{task.output} exists and was not written by sourdine.batch: {error}"
        return [row(task, None, told("failed", error=why))]
    return [row(task, None, told("skipped"))]


def _add(written: tarfile.TarFile, like: tarfile.TarInfo, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mtime, about.mode = len(content), like.mtime, like.mode
    written.addfile(about, io.BytesIO(content))
