"""Cleans a folder of sound files with Daft, into Parquet files, one row per sound file.

    python with_daft.py IN OUT

Each row holds the cleaned file as bytes and what :func:`sourdine.batch.clean_item` tells of it; a file that cannot be cleaned is a
row with its error. Needs `pip install sourdine "daft>=0.7"`; `daft.set_runner_ray()` before it takes a cluster.
"""

import sys
from typing import Any

import daft
from daft import DataType, col
from daft.functions import download
from sourdine.batch import clean_item

COLUMNS = DataType.struct(
    {
        "name": DataType.string(),
        "audio": DataType.binary(),
        "status": DataType.string(),
        "error": DataType.string(),
        "seconds": DataType.float64(),
        "voiced_share": DataType.float64(),
    }
)


@daft.func(return_dtype=COLUMNS, unnest=True)
def clean(path: str, content: bytes) -> dict[str, Any]:
    """Maps a file to a row of `COLUMNS`."""
    item = clean_item(content, name=path)
    told = {name: item.columns[name] for name in ("status", "error", "seconds", "voiced_share")}
    return {"name": item.name, "audio": item.audio, **told}


def cleaned(pattern: str) -> daft.DataFrame:
    """Returns the cleaned files that match a pattern; nothing is computed before the result is used."""
    files = daft.from_glob_path(pattern)
    return files.select(col("path"), clean(col("path"), download(col("path"))))


def main(folder: str, output: str) -> None:
    cleaned(f"{folder}/**/*.*").write_parquet(output)
    daft.read_parquet(f"{output}/*.parquet").groupby("status").agg(col("path").count()).show()


if __name__ == "__main__":
    main(*sys.argv[1:])
