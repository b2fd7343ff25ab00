"""Threads, forks and pickles."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sourdine


def denoise(audio: np.ndarray) -> np.ndarray:
    return sourdine.denoise(audio, 16_000)


@pytest.fixture(scope="module")
def recordings() -> list[np.ndarray]:
    random = np.random.default_rng(6)
    return [random.normal(0, 2000, 32_000).astype(np.int16) for _ in range(8)]


def test_threads_give_the_same(recordings: list[np.ndarray]) -> None:
    expected = [denoise(audio) for audio in recordings]
    with ThreadPoolExecutor(4) as pool:
        assert all(map(np.array_equal, pool.map(denoise, recordings), expected))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_give_the_same(method: str, recordings: list[np.ndarray]) -> None:
    expected = [denoise(audio) for audio in recordings]
    with multiprocessing.get_context(method).Pool(2) as pool:
        results = pool.map_async(denoise, recordings).get(timeout=120)
    assert all(map(np.array_equal, results, expected))


def test_a_stream_lives_on_in_a_fork(recordings: list[np.ndarray]) -> None:
    stream = sourdine.Stream(16_000)
    stream.process(recordings[0])
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=lambda: send.send(stream.process(recordings[1])))
    child.start()
    assert receive.poll(60)
    there = receive.recv()
    child.join(60)
    assert child.exitcode == 0
    assert np.array_equal(there, stream.process(recordings[1]))


def test_other_threads_run_meanwhile() -> None:
    audio = np.zeros(48_000 * 60, np.float32)
    done = threading.Event()
    ticks = 0
    worker = threading.Thread(target=lambda: (sourdine.denoise(audio, 48_000), done.set()))
    worker.start()
    while not done.is_set():
        time.sleep(0.001)
        ticks += 1
    worker.join()
    # With the interpreter's lock held, there would be one.
    assert ticks > 10


def test_two_threads_may_share_a_stream() -> None:
    stream = sourdine.Stream(48_000, block=480)

    def feed() -> int:
        return sum(stream.process(np.zeros(480, np.float32)).size for _ in range(200))

    with ThreadPoolExecutor(4) as pool:
        assert [done.result() for done in [pool.submit(feed) for _ in range(4)]] == [200 * 480] * 4


def test_pickles(samples: Path, tmp_path: Path) -> None:
    audio, rate = sourdine.read(samples / "phone-8k.wav")
    _, report = sourdine.denoise(audio, rate, return_report=True)
    settings = sourdine.Settings("sourdine-lite", attenuation_limit_db=12)
    result = sourdine.clean_files([samples / "phone-8k.wav"], tmp_path)[0]
    for thing in (report, settings, result, sourdine.models()[0], sourdine.vad(audio, rate)):
        assert pickle.loads(pickle.dumps(thing)) == thing
    assert hash(settings) == hash(pickle.loads(pickle.dumps(settings)))
    for stateful in (sourdine.Stream(48_000), sourdine.VoiceDetector(48_000)):
        with pytest.raises(TypeError, match="make it where it is used"):
            pickle.dumps(stateful)


def test_importing_is_light() -> None:
    code = "import sys, sourdine, sourdine.batch; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "sourdine._native" in loaded
    assert not {"pyarrow", "ray", "torch"} & set(loaded)
