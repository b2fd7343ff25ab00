"""Arrays, streams and files give the bits of `sourdine clean`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sourdine

WAVS = ["fan-hum-48k", "keyboard-stereo-44k1", "babble-16k", "phone-8k", "near-clean-48k"]


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("name", WAVS)
def test_denoise_is_the_program(
    name: str, dtype: str, samples: Path, tmp_path: Path, by_program: Callable[..., Path]
) -> None:
    audio, rate = sourdine.read(samples / f"{name}.wav", dtype=dtype)  # type: ignore[call-overload]
    given = tmp_path / f"{name}.wav"
    sourdine.write(given, audio, rate)
    expected, _ = sourdine.read(by_program(given), dtype=dtype)  # type: ignore[call-overload]
    clean = sourdine.denoise(audio, rate)
    assert clean.dtype == audio.dtype and clean.shape == audio.shape
    assert not np.array_equal(clean, audio)
    assert np.array_equal(clean, expected)


@pytest.mark.parametrize(
    ("keywords", "options"),
    [
        ({"model": "sourdine-lite", "gate": True}, ["--model", "sourdine-lite", "--gate"]),
        ({"model": "rnnoise", "channels": "separate"}, ["--model", "rnnoise", "--channels", "separate"]),
        ({"attenuation_limit_db": 12, "residue": True}, ["--attenuation-limit", "12", "--residue"]),
        ({"attenuation_limit_db": None}, ["--attenuation-limit", "off"]),
    ],
)
def test_settings_are_those_of_the_program(
    keywords: dict[str, object], options: list[str], samples: Path, by_program: Callable[..., Path]
) -> None:
    path = samples / "keyboard-stereo-44k1.wav"
    audio, rate = sourdine.read(path, dtype="int16")
    expected, _ = sourdine.read(by_program(path, *options), dtype="int16")
    assert np.array_equal(sourdine.denoise(audio, rate, **keywords), expected)  # type: ignore[call-overload]


@pytest.mark.parametrize("name", [*WAVS, "hiss-48k-24bit", "onsets-16k"])
def test_clean_file_is_the_program(name: str, samples: Path, tmp_path: Path, by_program: Callable[..., Path]) -> None:
    path = samples / f"{name}.wav"
    output = tmp_path / "cleaned.wav"
    report = sourdine.clean_file(path, output)
    assert output.read_bytes() == by_program(path).read_bytes()
    assert report.frames > 0 and report.notices == [] and report.model == "sourdine"


@pytest.mark.parametrize("name", WAVS)
@pytest.mark.parametrize("block", [None, "fixed"])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_a_stream_in_random_blocks_is_the_whole(name: str, dtype: str, block: str | None, samples: Path) -> None:
    audio, rate = sourdine.read(samples / f"{name}.wav", dtype=dtype)  # type: ignore[call-overload]
    channels = 1 if audio.ndim == 1 else audio.shape[0]
    random = np.random.default_rng(len(name))
    stream = sourdine.Stream(rate, channels, block=rate // 100 if block else None)
    blocks, at, n = [], 0, audio.shape[-1] // (rate // 100) * (rate // 100)
    while at < n:
        length = int(random.integers(1, 5)) * rate // 100 if block else int(random.integers(0, 3000))
        blocks.append(stream.process(audio[..., at : min(at + length, n)]))
        at += length
    streamed = np.concatenate([*blocks, stream.flush()], axis=-1)[..., stream.latency :]
    assert np.array_equal(streamed, sourdine.denoise(audio[..., :n], rate))
    stream.reset()
    assert np.array_equal(stream.process(audio[..., : rate // 100 * 4]), streamed_start(audio, rate, channels, block))


def streamed_start(audio: np.ndarray, rate: int, channels: int, block: str | None) -> np.ndarray:
    new = sourdine.Stream(rate, channels, block=rate // 100 if block else None)
    return new.process(audio[..., : rate // 100 * 4])


def test_segments_and_report_are_those_of_the_program(samples: Path, program: Path, tmp_path: Path) -> None:
    import json
    import subprocess

    for name in WAVS:
        path = samples / f"{name}.wav"
        audio, rate = sourdine.read(path, dtype="int16")
        told = json.loads(subprocess.run([program, "vad", path], capture_output=True, check=True).stdout)
        expected = [(s["start_frame"], s["end_frame"]) for s in told["segments"]]
        found = sourdine.vad(audio, rate)
        assert [(s.start_frame, s.end_frame) for s in found] == expected and expected
        _, report = sourdine.denoise(audio, rate, return_report=True)
        assert list(report.segments) == found
        file = sourdine.clean_file(path, tmp_path / path.name)
        for field in ("frames", "sample_rate", "channels", "voiced_share", "mean_attenuation_db", "peak", "model"):
            assert getattr(report, field) == pytest.approx(getattr(file, field), abs=1e-4), field
