"""How long 2 000 files of 5 s take, in each of the four formats, by threads and by Ray.

    python crates/python/benches/batch.py [--files 2000] [--workers 2] [--engines threads,ray] [--folder FOLDER]

The last column leaves out what passes until the first file is done: Ray starts its workers anew for every run.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import sourdine
from sourdine.batch import run

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
FILES_A_SHARD = 50


def make(folder: Path, files: int) -> dict[str, Path]:
    """Makes the same sound in four formats."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    audio, rate = sourdine.read(SAMPLES / "fan-hum-48k.wav", dtype="int16")
    audio = np.resize(audio, 5 * rate)
    wavs, parquet, tars = folder / "wavs", folder / "parquet", folder / "tars"
    for each in (wavs, parquet, tars):
        each.mkdir(parents=True)
    for number in range(files):
        sourdine.write(wavs / f"{number:05}.wav", np.roll(audio, 997 * number), rate)
    names = sorted(path.name for path in wavs.iterdir())
    manifest = folder / "train.jsonl"
    manifest.write_text(
        "".join(json.dumps({"audio_filepath": f"wavs/{name}", "duration": 5.0}) + "\n" for name in names)
    )
    for shard, start in enumerate(range(0, files, FILES_A_SHARD)):
        part = [(name, (wavs / name).read_bytes()) for name in names[start : start + FILES_A_SHARD]]
        table = pa.table({"audio": [{"bytes": content, "path": name} for name, content in part]})
        pq.write_table(table, parquet / f"{shard:03}.parquet")
        with tarfile.open(tars / f"{shard:03}.tar", "w") as tar:
            for name, content in part:
                about = tarfile.TarInfo(name)
                about.size = len(content)
                tar.addfile(about, io.BytesIO(content))
    return {"folder": wavs, "manifest": manifest, "Parquet": parquet, "WebDataset": tars}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engines", default="threads,ray")
    parser.add_argument("--sources", default="folder,manifest,Parquet,WebDataset")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        sources = make(Path(folder, "in"), options.files)
        print(
            f"{options.files} files of 5 s, {options.workers} workers\n| source | engine | s | files a second | once started |\n|---|---|---|---|---|"
        )
        for engine in options.engines.split(","):
            if engine == "ray":
                import ray

                # Ray's workers run at niceness 15 otherwise: on a machine with other work that would be measured.
                os.environ.setdefault("RAY_worker_niceness", "0")
                start = time.perf_counter()
                ray.init(num_cpus=options.workers + 2, include_dashboard=False, log_to_driver=False)
                ray.data.DataContext.get_current().enable_progress_bars = False
                print(f"| (starting Ray) | ray | {time.perf_counter() - start:.1f} | | |", flush=True)
            for name in options.sources.split(","):
                source = sources[name]
                start = time.perf_counter()
                done = list[float]()
                summary = run(
                    source,
                    Path(folder, engine, name),
                    engine=engine,
                    workers=options.workers,
                    progress=lambda row, files, of, done=done: done.append(time.perf_counter()),
                )
                took = time.perf_counter() - start
                assert summary.cleaned == options.files, summary
                # Rows come in groups: those of the first one count as the start.
                later = sum(at > done[0] + 0.1 for at in done)
                steady = later / (done[-1] - done[0])
                print(f"| {name} | {engine} | {took:.1f} | {options.files / took:.1f} | {steady:.1f} |", flush=True)


if __name__ == "__main__":
    main()
