"""Arrays as the engine takes them: shape (channels, n), contiguous, in the machine's byte order."""

from __future__ import annotations

import operator
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
AudioLike: TypeAlias = "npt.ArrayLike | SupportsDLPack"


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
            raise TypeError(f"audio has dtype {dtype}; give float32 or float64 with full scale ±1.0, or int16")
    if array.ndim not in (1, 2):
        raise ValueError(f"audio has shape {array.shape}; give (n,) for mono or (channels, n)")
    if array.ndim == 2 and not 1 <= array.shape[0] <= MOST_CHANNELS:
        if 1 <= array.shape[1] <= MOST_CHANNELS:
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


def as_rate(sample_rate: float) -> int:
    """Returns a sample rate in Hz as an integer."""
    try:
        return operator.index(cast(Any, sample_rate))
    except TypeError:
        pass
    if isinstance(sample_rate, float) and sample_rate.is_integer() and 0 < sample_rate < 2**31:
        return int(sample_rate)
    raise TypeError(f"sample_rate is {sample_rate!r}; give whole Hz, 48000 for instance")
