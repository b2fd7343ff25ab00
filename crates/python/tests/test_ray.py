"""Ray: clusters on this machine, workers and nodes that are lost, a driver that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sourdine
from sourdine.batch import COLUMNS, run
from test_batch import check_folder, leftovers, make_folder, make_parquet, make_tar, recording, rows

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")

FILES = 40


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    # Logical CPUs: two for the workers, others for what reads the data.
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def workers_of_ours() -> list[int]:
    """The processes of the actors."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if title.startswith("ray::") and ("_DoTasks" in title or "_CleanRows" in title or "MapWorker" in title):
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("kind", ["folder", "manifest", "parquet", "tar"])
def test_every_source(kind: str, cluster: None, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    names = make_folder(folder, FILES)
    given: Any = folder
    if kind == "manifest":
        given = folder / "train.jsonl"
        given.write_text("".join(f'{{"audio_filepath": "{name}"}}\n' for name in [*names, "a/broken.wav"]))
    elif kind != "folder":
        given = tmp_path / "shards"
        given.mkdir()
        for shard in range(4):
            (make_parquet if kind == "parquet" else make_tar)(given / f"{shard}.{kind}", folder, names[shard::4])
    summary = run(given, output, engine="ray", workers=2)
    broken = 4 if kind in ("parquet", "tar") else 1
    assert (summary.cleaned, summary.skipped, summary.failed) == (FILES, 0, broken)
    assert len(rows(output)) == FILES + broken
    if kind == "folder":
        check_folder(folder, output, names)
    again = run(given, output, engine="ray", workers=2)
    assert (again.cleaned, again.skipped, again.failed) == (0, FILES, broken)
    threads = run(given, tmp_path / "threads", workers=2)
    assert threads.cleaned == FILES
    for path in output.rglob("*.*"):
        if path.suffix in (".wav", ".parquet"):
            assert path.read_bytes() == (tmp_path / "threads" / path.relative_to(output)).read_bytes(), path


def test_a_killed_worker_is_replaced(cluster: None, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    names = make_folder(folder, FILES, seconds=5)
    killed: list[int] = []

    def kill(row: dict[str, Any], done: int, total: int) -> None:
        if not killed and done >= 5:
            pids = workers_of_ours()
            if pids:
                os.kill(pids[0], signal.SIGKILL)
                killed.append(pids[0])

    summary = run(folder, output, engine="ray", workers=2, progress=kill)
    assert killed, "no worker was found to be killed"
    assert summary.cleaned + summary.skipped == FILES and summary.failed == 1
    # A file that was complete when its worker died is told as skipped.
    check_folder(folder, output, names)


def test_a_killed_driver_is_resumed(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    names = make_folder(folder, FILES, seconds=5)
    code = (
        "import ray, sys\n"
        "ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)\n"
        "from sourdine.batch.__main__ import main\n"
        f"sys.exit(main(['clean', {str(folder)!r}, {str(output)!r}, '--engine', 'ray', '--workers', '2']))\n"
    )
    environment = {**os.environ, "RAY_ADDRESS": "local"}
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    until = time.monotonic() + 240
    while len(list(output.rglob("*.wav"))) < 6:
        assert child.poll() is None and time.monotonic() < until, "the run ended before it could be killed"
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert len(list(output.rglob("*.wav"))) < FILES, "the run was too fast to be killed"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 2, done.stderr
    check_folder(folder, output, names)


def test_datasets(cluster: None, samples: Path) -> None:
    from sourdine.batch.ray import clean_dataset

    content = (samples / "phone-8k.wav").read_bytes()
    files = [{"id": number, "audio": {"bytes": content, "path": "phone.wav"}} for number in range(8)]
    files.append({"id": 8, "audio": {"bytes": b"no sound", "path": "broken.wav"}})
    cleaned = {row["id"]: row for row in clean_dataset(ray.data.from_items(files), workers=2).take_all()}
    assert set(COLUMNS) <= set(cleaned[0]) and len(cleaned) == 9
    assert [cleaned[number]["status"] for number in range(9)] == ["cleaned"] * 8 + ["failed"]
    assert cleaned[8]["audio"]["bytes"] is None and cleaned[0]["audio"]["bytes"][:4] == b"RIFF"
    arrays = [{"audio": recording(number), "sample_rate": 16_000} for number in range(4)]
    out = clean_dataset(ray.data.from_items(arrays), workers=1).take_all()
    wanted = {sourdine.denoise(each["audio"], 16_000).tobytes() for each in arrays}
    assert {np.asarray(row["audio"], np.int16).tobytes() for row in out} == wanted


def test_a_lost_node(tmp_path: Path) -> None:
    """Three nodes, simulated on this machine; one goes in the middle of the work."""
    from ray.cluster_utils import Cluster

    folder, output = tmp_path / "in", tmp_path / "out"
    names = make_folder(folder, FILES, seconds=5)
    ray.shutdown()
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        lost = nodes.add_node(num_cpus=1)
        nodes.add_node(num_cpus=1)
        ray.init(address=nodes.address, log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        gone: list[int] = []

        def remove(row: dict[str, Any], done: int, total: int) -> None:
            if not gone and done >= 5:
                gone.append(done)
                nodes.remove_node(lost, allow_graceful=False)

        summary = run(folder, output, engine="ray", workers=2, progress=remove)
        assert gone and summary.cleaned + summary.skipped == FILES and summary.failed == 1
        for path in leftovers(output):
            path.unlink()
        check_folder(folder, output, names)
    finally:
        ray.shutdown()
        nodes.shutdown()
