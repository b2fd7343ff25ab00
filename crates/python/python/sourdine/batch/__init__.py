"""Many files: folders, manifests, Parquet and WebDataset, on threads or on Ray.

From the command line::

    python -m sourdine.batch clean IN OUT                  # on the cores of this machine
    python -m sourdine.batch clean IN OUT --engine ray     # on a Ray cluster: pip install sourdine[ray]

``IN`` is a folder, a glob pattern, a JSONL manifest with `audio_filepath` as NeMo has it, a Parquet file with an `audio` column of
`{bytes, path}` as Hugging Face's `Audio` has it, a WebDataset tar, or a sound file. From Python: :func:`run`.

The smallest piece is :func:`clean_item`, a function of bytes or arrays that never raises. It can be pickled, so that every engine that
maps functions can run it; :func:`sourdine.batch.ray.clean_dataset` maps it over a Ray Dataset.
"""

from ._item import COLUMNS, Item, clean_item
from ._run import Summary, run
from ._sources import Task, plan
from ._tasks import RESULTS, Row

__all__ = ["COLUMNS", "RESULTS", "Item", "Row", "Summary", "Task", "clean_item", "plan", "run"]
