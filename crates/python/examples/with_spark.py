"""Cleans a folder of sound files with Spark, into a Parquet table, one row per file.

    python with_spark.py IN OUT.parquet

Each row holds the cleaned file as bytes and what :func:`sourdine.batch.clean_item` tells of it; a file that cannot be cleaned is a
row with its error. Needs `pip install sourdine "pyspark>=4" pandas pyarrow` and Java on each machine; `PYSPARK_PYTHON` names the
interpreter that has them.
"""

import sys
from collections.abc import Iterator

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from sourdine.batch import clean_item

SCHEMA = "path string, name string, audio binary, status string, error string, seconds double, voiced_share double"


def clean_frames(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Maps rows of Spark's `binaryFile` source to rows of `SCHEMA`."""
    for frame in frames:
        rows = []
        for path, content in zip(frame["path"], frame["content"], strict=True):
            item = clean_item(content, name=path)
            told = {name: item.columns[name] for name in ("status", "error", "seconds", "voiced_share")}
            rows.append({"path": path, "name": item.name, "audio": item.audio, **told})
        yield pd.DataFrame(rows, columns=[field.split()[0] for field in SCHEMA.split(", ")])


def cleaned(spark: SparkSession, folder: str) -> DataFrame:
    """Returns the cleaned files of a folder and its sub-folders; nothing is computed before the result is used."""
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(folder)
    return files.select("path", "content").mapInPandas(clean_frames, SCHEMA)


def main(folder: str, table: str) -> None:
    spark = (
        SparkSession.builder.appName("sourdine")
        # Whole files travel as rows: a few at a time are enough.
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "16")
        .getOrCreate()
    )
    cleaned(spark, folder).write.parquet(table)
    spark.read.parquet(table).groupBy("status").count().show()
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
