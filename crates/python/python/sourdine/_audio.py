"""Arrays as the engine takes them: shape (channels, n), contiguous, in the machine's byte order."""

from __future__ import annotations

import operator
import warnings
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

#: The kinds of sample: float32 and float64 with full scale ±1.0, int16.
Sample = TypeVar("Sample", np.float32, np.float64, np.int16)

MOST_CHANNELS = 8

_DTYPES = frozenset(map(np.dtype, (np.float32, np.float64, np.int16)))


class SupportsDLPack(Protocol):
    """An array of another library in the memory of the CPU, a ``torch.Tensor`` for instance."""

    def __dlpack__(self, *, stream: Any = ...) -> Any: ...
    def __dlpack_device__(self) -> Any: ...


#: A NumPy array, anything with ``__array__`` or DLPack, or nested lists of numbers.
AudioLike: TypeAlias = npt.ArrayLike | SupportsDLPack

#: The magnitude beyond which a sample is clipped on its way to a model: 42 dB above full scale.
LOUDEST = 128.0

#: The rates that sound files have, in Hz.
RATES = range(1, 1_000_001)


def as_array(audio: AudioLike) -> npt.NDArray[Any]:
    """Returns the samples as a NumPy array, without a copy where that can be."""
    if isinstance(audio, np.ndarray):
        return audio
    if not hasattr(audio, "__array__") and hasattr(audio, "__dlpack__"):
        return cast("npt.NDArray[Any]", np.from_dlpack(cast(Any, audio)))
    return np.asarray(audio)


def as_planar(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns samples of shape (n,) or (channels, n) as (channels, n), C-contiguous."""
    dtype = array.dtype
    if dtype not in _DTYPES:
        dtype = dtype.newbyteorder("=")
        if dtype not in _DTYPES:
            read = "read a file with sourdine.read, and " if dtype.kind in "OUS" else ""
            raise TypeError(f"audio has dtype {dtype}; {read}give float32 or float64 with full scale ±1.0, or int16")
    if array.ndim not in (1, 2):
        raise ValueError(f"audio has shape {array.shape}; give (n,) for mono or (channels, n)")
    if array.ndim == 2 and not 1 <= array.shape[0] <= MOST_CHANNELS:
        if array.shape[0] > 0 and 1 <= array.shape[1] <= MOST_CHANNELS:
            raise ValueError(
                f"audio has shape {array.shape}, which looks like (n, channels); give (channels, n): audio.T"
            )
        raise ValueError(
            f"audio has shape {array.shape}, so {array.shape[0]} channels; 1 to {MOST_CHANNELS} are supported"
        )
    planar = array if array.ndim == 2 else array[np.newaxis]
    # A foreign byte order becomes the machine's here.
    return np.ascontiguousarray(planar, dtype=dtype)


def like(result: npt.NDArray[Any], array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns a result of shape (channels, m) with the number of dimensions and the dtype of ``array``."""
    shaped = result if array.ndim == 2 else result[0]
    return shaped if array.dtype == shaped.dtype else shaped.astype(array.dtype)


def warn_of_scale(planar: npt.NDArray[Any]) -> None:
    """Warns of floats that were meant to be integers: beyond :data:`LOUDEST` nothing of them would be left."""
    if planar.dtype == np.int16 or planar.size == 0:
        return
    peak = max(float(planar.max()), -float(planar.min()))
    if peak > LOUDEST:
        warnings.warn(
            f"audio has a peak of {peak:.6g}, and full scale is ±1.0: what exceeds ±{LOUDEST:g} is clipped; "
            "divide samples of 16 bits by 32768, or give them as int16",
            stacklevel=3,
        )


def as_rate(sample_rate: float) -> int:
    """Returns a sample rate in Hz as an integer."""
    rate: int | None = None
    if not isinstance(sample_rate, (bool, np.bool_)):
        try:
            rate = operator.index(cast(Any, sample_rate))
        except TypeError:
            if isinstance(sample_rate, (float, np.floating)) and float(sample_rate).is_integer():
                rate = int(sample_rate)
    if rate is None:
        raise TypeError(f"sample_rate is {sample_rate!r}; give whole Hz, 48000 for instance")
    if rate not in RATES:
        raise ValueError(f"sample_rate is {rate}; give Hz, {RATES[0]} to {RATES[-1]}")
    return rate


def refuse_no_number(name: str, value: object, wanted: str) -> None:
    """Raises TypeError for what is no number; text is none, although NumPy would convert it."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} is {value!r}; give a number of {wanted}")


def as_count(name: str, value: int, most: int) -> int:
    """Returns a number of channels or frames."""
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; give a whole number") from None
    if not 1 <= count <= most:
        raise ValueError(f"{name} is {count}; give 1 to {most}")
    return count
