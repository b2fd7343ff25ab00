"""Sound files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sourdine


@pytest.mark.parametrize("ending", ["wav", "flac"])
@pytest.mark.parametrize("shape", [(1000,), (2, 1000), (6, 500)])
def test_what_is_written_is_read(ending: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    integers = random.integers(-32768, 32768, shape).astype(np.int16)
    path = tmp_path / f"a.{ending}"
    assert sourdine.write(path, integers, 44_100) == []
    back, rate = sourdine.read(path, dtype="int16")
    assert rate == 44_100 and np.array_equal(back, integers)
    floats, _ = sourdine.read(path)
    assert floats.dtype == np.float32 and np.array_equal(floats, integers / np.float32(32768))
    with pytest.raises(FileExistsError, match="overwrite=True"):
        sourdine.write(path, integers, 44_100)
    sourdine.write(path, integers[..., :10], 44_100, overwrite=True)
    assert sourdine.read(path)[0].shape == (*shape[:-1], 10)


def test_floats_keep_their_bits_in_wav(tmp_path: Path) -> None:
    floats = np.random.default_rng(4).normal(0, 2, (2, 999)).astype(np.float32)
    sourdine.write(tmp_path / "a.wav", floats, 48_000)
    assert np.array_equal(sourdine.read(tmp_path / "a.wav")[0], floats)
    doubles = floats.astype(np.float64)
    sourdine.write(tmp_path / "b.wav", doubles, 48_000)
    back, _ = sourdine.read(tmp_path / "b.wav", dtype="float64")
    assert back.dtype == np.float64 and np.array_equal(back, doubles)


def test_errors_are_those_of_python(samples: Path, tmp_path: Path) -> None:
    talk = samples / "phone-8k.wav"
    with pytest.raises(FileNotFoundError):
        sourdine.read(tmp_path / "none.wav")
    with pytest.raises(IsADirectoryError):
        sourdine.read(tmp_path)
    (tmp_path / "text.wav").write_text("no sound at all")
    with pytest.raises(ValueError, match="text.wav"):
        sourdine.read(tmp_path / "text.wav")
    with pytest.raises(ValueError, match="WAV or FLAC"):
        sourdine.clean_file(talk, tmp_path / "a.mp3")
    with pytest.raises(FileNotFoundError, match="folder"):
        sourdine.clean_file(talk, tmp_path / "none" / "a.wav")
    with pytest.raises(ValueError, match="both the input and the output"):
        sourdine.clean_file(talk, talk, overwrite=True)
    with pytest.raises(ValueError, match='dtype is "?.int8'):
        sourdine.read(talk, dtype="int8")  # type: ignore[call-overload]
    cut = tmp_path / "cut.wav"
    cut.write_bytes(talk.read_bytes()[:-1000])
    assert "cut off" in sourdine.clean_file(cut, tmp_path / "cut.clean.wav").notices[0]
    with pytest.raises(ValueError, match="cut off"):
        sourdine.clean_file(cut, tmp_path / "strict.wav", strict=True)
    assert not (tmp_path / "strict.wav").exists()


def test_progress_reaches_the_end_and_its_errors_stop(samples: Path, tmp_path: Path) -> None:
    shares: list[float | None] = []
    sourdine.clean_file(samples / "fan-hum-48k.wav", tmp_path / "a.wav", progress=shares.append)
    assert len(shares) > 3 and shares[-1] == 1.0 and shares == sorted(shares, key=lambda share: share or 0)

    def fail(share: float | None) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        sourdine.clean_file(samples / "fan-hum-48k.wav", tmp_path / "b.wav", progress=fail)
    assert os.listdir(tmp_path) == ["a.wav"]


def test_several_files(two_files: Path) -> None:
    (two_files / "broken.wav").write_bytes(b"RIFF")
    told = []
    inputs = ["talk.wav", "broken.wav", "other.flac", "stereo.wav"]
    results = sourdine.clean_files(inputs, "clean", workers=2, progress=lambda *all: told.append(all))
    assert [result.status for result in results] == ["cleaned", "failed", "cleaned", "cleaned"]
    assert "broken.wav" in (results[1].error or "") and results[0].report is not None
    assert sorted(os.listdir("clean")) == ["other.flac", "stereo.wav", "talk.wav"]
    assert [done for _, done, _ in told] == [1, 2, 3, 4] and told[0][2] == 4
    again = sourdine.clean_files(inputs, "clean", skip_existing=True)
    assert [result.status for result in again] == ["skipped", "failed", "skipped", "skipped"]
    refused = sourdine.clean_files(inputs[:1], "clean")
    assert refused[0].status == "failed" and "overwrite" in (refused[0].error or "")
    os.mkdir("more")
    with pytest.raises(ValueError, match="both"):
        sourdine.clean_files(["talk.wav", "more/talk.wav"], "clean")
    with pytest.raises(ValueError, match="neither built in"):
        sourdine.clean_files(inputs, "clean", model="none")


@pytest.mark.parametrize(
    "call",
    [
        "clean_file('long.wav', 'out.wav')",
        "clean_files(['long.wav'] , 'out')",
        "denoise(__import__('numpy').zeros((2, 48000 * 1200), 'f4'), 48000)",
    ],
)
def test_ctrl_c_stops_and_leaves_nothing(call: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(5).normal(0, 3000, (2, 48_000 * 60)).astype(np.int16)
    sourdine.write(tmp_path / "long.wav", np.tile(noise, 10), 48_000)
    code = f"import sourdine\nprint('ready', flush=True)\nsourdine.{call}\n"
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=60)
    assert child.returncode != 0 and "KeyboardInterrupt" in error
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [tmp_path / "long.wav"]


def test_flac_says_what_it_cannot_hold(tmp_path: Path) -> None:
    loud = np.array([0.5, 2.0, -3.0, np.nan, np.inf], np.float32)
    notices = sourdine.write(tmp_path / "a.flac", loud, 48_000)
    assert (
        len(notices) == 2 and notices[0].startswith("2 samples are NaN") and notices[1].startswith("2 samples exceed")
    )
    assert sourdine.write(tmp_path / "b.flac", loud[:1], 48_000) == []
    assert sourdine.write(tmp_path / "a.wav", loud, 48_000) == []


def test_reading_a_damaged_file_warns(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.wav").write_bytes((samples / "phone-8k.wav").read_bytes()[:30_000])
    with pytest.warns(UserWarning, match="cut off"):
        audio, _ = sourdine.read(tmp_path / "cut.wav", dtype=np.dtype("float32"))  # type: ignore[call-overload]
    assert 14_000 < len(audio) < 15_000


def test_batch_needs_no_import_of_its_own() -> None:
    command = [sys.executable, "-c", "import sourdine; print(sourdine.batch.run.__name__)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "run\n"
