"""What arrays are taken, and what is said about the others."""

from __future__ import annotations

from typing import Any, get_type_hints

import numpy as np
import pytest
import sourdine


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.05, (2, 24_000)).astype(np.float32)


def test_shapes_and_dtypes_come_back(noise: np.ndarray) -> None:
    for dtype in (np.float32, np.float64, np.int16, ">f4", ">i2"):
        scale = 32768 if np.dtype(dtype).kind == "i" else 1
        for array in ((noise * scale).astype(dtype), (noise[0] * scale).astype(dtype)):
            before = array.copy()
            clean = sourdine.denoise(array, 48_000)
            assert clean.shape == array.shape and clean.dtype == array.dtype
            assert np.array_equal(array, before), "the input was written to"


def test_layout_does_not_matter(noise: np.ndarray) -> None:
    expected = sourdine.denoise(noise, 48_000)
    interleaved = np.ascontiguousarray(noise.T).T
    assert not interleaved.flags.c_contiguous
    assert np.array_equal(sourdine.denoise(interleaved, 48_000), expected)
    every_other = np.repeat(noise, 2, axis=1)[:, ::2]
    assert np.array_equal(sourdine.denoise(every_other, 48_000), expected)
    read_only = noise.copy()
    read_only.flags.writeable = False
    assert np.array_equal(sourdine.denoise(read_only, 48_000), expected)
    reversed_twice = noise[:, ::-1].copy()[:, ::-1]
    assert np.array_equal(sourdine.denoise(reversed_twice, 48_000), expected)


class OnlyDLPack:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **keywords: Any) -> Any:
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


class OnlyArray:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.array


def test_other_libraries_arrays(noise: np.ndarray) -> None:
    expected = sourdine.denoise(noise, 48_000)
    assert np.array_equal(sourdine.denoise(OnlyDLPack(noise), 48_000), expected)
    assert np.array_equal(sourdine.denoise(OnlyArray(noise), 48_000), expected)
    assert np.allclose(sourdine.denoise(noise.astype(float).tolist(), 48_000), expected)


def test_torch_tensors(noise: np.ndarray) -> None:
    torch = pytest.importorskip("torch")
    clean = sourdine.denoise(torch.from_numpy(noise), 48_000)
    assert np.array_equal(clean, sourdine.denoise(noise, 48_000))


def test_empty_short_and_invalid(noise: np.ndarray) -> None:
    assert sourdine.denoise(np.empty(0, np.int16), 48_000).shape == (0,)
    assert sourdine.denoise(np.empty((2, 0), np.float32), 44_100).shape == (2, 0)
    assert sourdine.vad(np.empty(0, np.float32), 16_000) == []
    for n in (1, 479, 480, 481, 960):
        assert sourdine.denoise(noise[0, :n], 48_000).shape == (n,)
    broken = noise.copy()
    broken[0, 5_000], broken[1, 5_001] = np.nan, np.inf
    clean, report = sourdine.denoise(broken, 48_000, return_report=True)
    assert np.isfinite(clean).all() and report.invalid_samples == 2
    assert np.isfinite(report.input_dbfs)


def test_no_attenuation_changes_nothing(noise: np.ndarray) -> None:
    assert np.array_equal(sourdine.denoise(noise, 44_100, attenuation_limit_db=0), noise)
    residue = sourdine.denoise(noise, 48_000, residue=True)
    assert np.allclose(sourdine.denoise(noise, 48_000) + residue, noise, atol=1e-6)


@pytest.mark.parametrize(
    ("audio", "rate", "keywords", "error", "words"),
    [
        (np.zeros((48_000, 2), np.float32), 48_000, {}, ValueError, "shape (48000, 2), which looks like (n, channels)"),
        (np.zeros((9, 100), np.float32), 48_000, {}, ValueError, "9 channels; 1 to 8"),
        (np.zeros((0, 100), np.float32), 48_000, {}, ValueError, "shape (0, 100)"),
        (np.zeros((1, 2, 3), np.float32), 48_000, {}, ValueError, "shape (1, 2, 3); give (n,)"),
        (np.float32(1), 48_000, {}, ValueError, "shape ()"),
        (np.zeros(9, np.int32), 48_000, {}, TypeError, "dtype int32; give float32"),
        (np.zeros(9, np.complex64), 48_000, {}, TypeError, "dtype complex64"),
        ([1, 2, 3], 48_000, {}, TypeError, "dtype int64"),
        (np.zeros(9, np.float32), 44_056, {}, ValueError, "44056 Hz is not supported"),
        (np.zeros(9, np.float32), 4_000, {}, ValueError, "outside 8000–192000 Hz"),
        (np.zeros(9, np.float32), 16_000.5, {}, TypeError, "sample_rate is 16000.5"),
        (np.zeros(9, np.float32), "48k", {}, TypeError, "sample_rate is '48k'"),
        (np.zeros(9, np.float32), 48_000, {"model": "nothing"}, ValueError, "neither built in (sourdine,"),
        (np.zeros(9, np.float32), 48_000, {"attenuation_limit_db": -1}, ValueError, "attenuation_limit_db is -1"),
        (np.zeros(9, np.float32), 48_000, {"attenuation_limit_db": float("nan")}, ValueError, "is nan"),
        (np.zeros(9, np.float32), 48_000, {"channels": "both"}, ValueError, "channels is 'both'"),
    ],
)
def test_mistakes_are_named(
    audio: Any, rate: Any, keywords: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as raised:
        sourdine.denoise(audio, rate, **keywords)
    assert words in str(raised.value)


def test_a_negative_rate_is_refused() -> None:
    for rate in (-1, 0, 2**40):
        with pytest.raises((ValueError, OverflowError)):
            sourdine.denoise(np.zeros(9, np.float32), rate)


def test_a_model_from_a_file(samples: Any, tmp_path: Any, noise: np.ndarray) -> None:
    weights = samples.parent / "crates/core/models/sourdine-lite.safetensors"
    by_path = sourdine.denoise(noise, 48_000, model=weights)
    assert np.array_equal(by_path, sourdine.denoise(noise, 48_000, model="sourdine-lite"))
    (tmp_path / "no.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="no.safetensors"):
        sourdine.denoise(noise, 48_000, model=tmp_path / "no.safetensors")


def test_streams_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="this stream has 1"):
        sourdine.Stream(48_000).process(np.zeros((2, 480), np.float32))
    with pytest.raises(ValueError, match="made for blocks of 480"):
        sourdine.Stream(48_000, block=480).process(np.zeros(441, np.float32))
    with pytest.raises(ValueError, match="channels is 0"):
        sourdine.Stream(48_000, 0)
    with sourdine.Stream(48_000) as stream:
        assert stream.flush().shape == (stream.latency,)
        assert stream.flush().shape == (0,), "all frames are out"
        with pytest.raises(ValueError, match="reset"):
            stream.process(np.zeros(480, np.float32))
        stream.reset()
        assert stream.process(np.zeros(480, np.int16)).dtype == np.int16
        assert stream.flush().dtype == np.int16
    with pytest.raises(ValueError, match="closed"):
        stream.process(np.zeros(480, np.float32))
    with pytest.raises(ValueError, match="a block of 2 channels"):
        sourdine.VoiceDetector(16_000).process(np.zeros((2, 160), np.float32))


def test_the_detector_hears_a_voice(samples: Any) -> None:
    audio, rate = sourdine.read(samples / "near-clean-48k.wav")
    detector = sourdine.VoiceDetector(rate)
    heard = [detector.process(audio[at : at + 480]).voice for at in range(0, len(audio) - 480, 480)]
    assert 0.2 < np.mean(heard) < 0.95
    detector.reset()
    again = [detector.process(audio[at : at + 480]).voice for at in range(0, len(audio) - 480, 480)]
    assert heard == again


def test_integers_as_floats_are_warned_of(noise: np.ndarray) -> None:
    with pytest.warns(UserWarning, match="divide samples of 16 bits by 32768"):
        sourdine.denoise(noise[0] * 32768, 48_000)


def test_huge_doubles_are_bounded_and_not_invalid(noise: np.ndarray) -> None:
    huge = noise[0].astype(np.float64)
    huge[100] = 1e300
    with pytest.warns(UserWarning):
        clean, report = sourdine.denoise(huge, 48_000, attenuation_limit_db=0, return_report=True)
    assert report.invalid_samples == 0 and np.isfinite(clean).all() and clean[100] > 1e38


@pytest.mark.parametrize("rate", [np.float32(48_000), np.float64(48_000), np.int64(48_000), 48_000.0])
def test_whole_rates_of_any_kind(rate: Any, noise: np.ndarray) -> None:
    assert sourdine.denoise(noise[0], rate).shape == noise[0].shape


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: sourdine.denoise([0.0], 2**40), ValueError, "sample_rate is 1099511627776"),
        (lambda: sourdine.denoise([0.0], True), TypeError, "sample_rate is True"),
        (lambda: sourdine.Stream(48_000, -1), ValueError, "channels is -1; give 1 to 8"),
        (lambda: sourdine.Stream(48_000, block=-1), ValueError, "block is -1"),
        (lambda: sourdine.VoiceDetector(48_000, 9), ValueError, "channels is 9"),
        (lambda: sourdine.denoise([0.0], 48_000, gate=1), TypeError, "gate is 1; give True or False"),  # type: ignore[call-overload]
        (lambda: sourdine.Settings(residue="no"), TypeError, "residue is 'no'"),  # type: ignore[arg-type]
        (lambda: sourdine.Settings(attenuation_limit_db="12"), TypeError, "attenuation_limit_db is '12'"),  # type: ignore[arg-type]
        (lambda: sourdine.vad([0.0], 48_000, pad="1"), TypeError, "pad is '1'"),  # type: ignore[arg-type]
        (lambda: sourdine.denoise("talk.wav", 48_000), TypeError, "sourdine.read"),
        (lambda: sourdine.clean_files("talk.wav", "out"), TypeError, "give a list of paths"),
        (lambda: sourdine.clean_files([], "never-made", workers=0), ValueError, "workers is 0"),
    ],
)
def test_more_mistakes_are_named(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_a_block_that_does_not_fit_and_a_stream_that_is_over() -> None:
    stream = sourdine.Stream(48_000, block=480)
    with pytest.raises(ValueError, match="fill the last one up with zeros"):
        stream.process(np.zeros(320, np.float32))
    assert "48000 Hz" in repr(stream) and stream.sample_rate == 48_000
    stream.flush()
    with pytest.raises(ValueError, match="call reset"):
        stream.process(np.zeros(480, np.float32))


def test_type_hints_can_be_read() -> None:
    for function in (sourdine.denoise, sourdine.vad, sourdine.read, sourdine.write, sourdine.Stream.process):
        assert get_type_hints(function)
