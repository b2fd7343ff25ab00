"""Many files on a Ray cluster: `pip install sourdine[ray]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._settings import Settings, find_model
from ._item import COLUMNS, clean_item, told
from ._sources import Task
from ._tasks import Row, do

if TYPE_CHECKING:
    from ray.data import Dataset

#: Files that a worker takes at a time, at most: each time costs Ray some milliseconds. Of those that a lost worker had done, none is
#: done again.
FILES_AT_A_TIME = 32

#: Times that each worker takes some, at least: the last to be done leaves few others idle.
TIMES_A_WORKER = 8


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError:
        raise ImportError("the engine `ray` needs Ray: pip install sourdine[ray]") from None
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    return ray


class _CleanRows:
    """Cleans the audio column of a batch; one for each worker."""

    def __init__(self, settings: Settings, column: str, rate_column: str) -> None:
        self.settings, self.column, self.rate_column = settings, column, rate_column
        find_model(settings.model)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        audio = row.get(self.column)
        rate = row.get(self.rate_column)
        given, name = (audio.get("bytes"), audio.get("path")) if isinstance(audio, dict) else (audio, None)
        out = dict(row)
        if given is None:
            out[self.column] = None
            return {**out, **told("failed", error=f"the row has no sound in column `{self.column}`")}
        item = clean_item(given, name=name or "audio.wav", sample_rate=rate, settings=self.settings)
        out[self.column] = {"bytes": item.audio, "path": item.name} if isinstance(audio, dict) else item.audio
        for name in COLUMNS:
            # An array's rate is a column of its own already.
            if not (name == self.rate_column and rate is not None):
                out[name] = item.columns[name]
        return out


def clean_dataset(
    dataset: Dataset,
    *,
    column: str = "audio",
    rate_column: str = "sample_rate",
    workers: int | None = None,
    num_cpus: float = 1.0,
    settings: Settings = Settings(),
) -> Dataset:
    """Cleans a column of a Ray Dataset as it streams by, and adds :data:`sourdine.batch.COLUMNS`.

    A row that fails has its sound replaced by None and says why in `error`; it never fails the job. Ray starts a lost worker anew
    and gives it the same rows again.

    Args:
        dataset: rows whose ``column`` holds the bytes of a file, `{bytes, path}`, or an array with its rate in ``rate_column``.
        column: the column of the sound.
        rate_column: the column of the rate in Hz, for arrays.
        workers: actors; as many as the cluster has CPUs if None, but one for what reads the data.
        num_cpus: Ray's logical CPUs of an actor. They, and whatever reads the data, have to fit into the cluster: two actors of 1
            on a cluster of 2 CPUs would wait forever for a reader.
        settings: the settings of the stream.
    """
    ray = _ray()
    count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)) - 1)
    worker: Any = _CleanRows  # Ray's types know of functions only.
    return dataset.map(
        worker,
        fn_constructor_args=(settings, column, rate_column),
        compute=ray.data.ActorPoolStrategy(size=count),
        num_cpus=num_cpus,
    )


class _DoTasks:
    """Does the tasks of a batch; one for each worker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        find_model(settings.model)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        import json

        tasks = [Task(*fields) for fields in zip(batch["kind"], batch["input"], batch["output"], strict=True)]
        # As text, so that rows of any columns fit into one block.
        return {"rows": [json.dumps(do(task, self.settings)) for task in tasks]}


def do_tasks(tasks: list[Task], settings: Settings, workers: int | None) -> Iterator[list[Row]]:
    """Does tasks on the cluster, and gives the rows of each as they come."""
    import json

    if not tasks:
        return
    ray = _ray()
    count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    at_a_time = 1
    if all(task.kind == "file" for task in tasks):
        at_a_time = max(1, min(FILES_AT_A_TIME, len(tasks) // (TIMES_A_WORKER * count)))
    rows = [{"kind": task.kind, "input": task.input, "output": task.output} for task in tasks]
    dataset = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // at_a_time))
    done = dataset.map_batches(
        _DoTasks,
        fn_constructor_args=(settings,),
        batch_size=at_a_time,
        compute=ray.data.ActorPoolStrategy(size=min(count, len(rows))),
        num_cpus=1,
    )
    for row in done.iter_rows():
        yield json.loads(row["rows"])
