"""The native module: what the other modules of the package call. Not for use from outside."""

from collections.abc import Callable
from os import PathLike
from typing import Any, Protocol, TypeAlias, final

import numpy as np
import numpy.typing as npt

__all__ = [
    "VERSION",
    "Model",
    "StopFlag",
    "Stream",
    "VoiceDetector",
    "built_in_models",
    "clean_file",
    "denoise",
    "find_speech",
    "read",
    "remove_abandoned",
    "write",
]

VERSION: str

_Planar: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.int16]
_Shape: TypeAlias = tuple[int, int, int]
_Facts: TypeAlias = dict[str, Any]

class _Options(Protocol):
    @property
    def attenuation_limit_db(self) -> float: ...
    @property
    def gate(self) -> bool: ...
    @property
    def channels(self) -> str: ...
    @property
    def residue(self) -> bool: ...

@final
class Model:
    def __new__(cls, name_or_path: str) -> Model: ...
    @property
    def name(self) -> str: ...

@final
class StopFlag:
    def __new__(cls) -> StopFlag: ...
    def set(self) -> None: ...
    def is_set(self) -> bool: ...

@final
class Stream:
    def __new__(cls, sample_rate: int, channels: int, block: int | None, model: Model, options: _Options) -> Stream: ...
    @property
    def latency(self) -> int: ...
    def report(self) -> tuple[float, bool, float, float]: ...
    def process(self, audio: _Planar) -> npt.NDArray[Any]: ...
    def flush(self, dtype: str) -> npt.NDArray[Any]: ...
    def reset(self) -> None: ...

@final
class VoiceDetector:
    def __new__(cls, sample_rate: int, channels: int, on: float, off: float, hangover_ms: float) -> VoiceDetector: ...
    def process(self, audio: _Planar) -> tuple[float, bool, float]: ...
    def reset(self) -> None: ...

def built_in_models() -> list[_Facts]: ...
def denoise(
    audio: _Planar, sample_rate: int, model: Model, options: _Options, shape: _Shape
) -> tuple[npt.NDArray[Any], _Facts]: ...
def find_speech(audio: _Planar, sample_rate: int, model: Model, shape: _Shape) -> list[tuple[int, int]]: ...
def clean_file(
    input: str | PathLike[str],
    output: str | PathLike[str],
    overwrite: bool,
    strict: bool,
    model: Model,
    options: _Options,
    stop: StopFlag,
    progress: Callable[[float | None], object] | None,
) -> _Facts: ...
def read(path: str | PathLike[str], dtype: str) -> tuple[npt.NDArray[Any], int, list[str]]: ...
def write(path: str | PathLike[str], audio: _Planar, sample_rate: int, overwrite: bool) -> list[str]: ...
def remove_abandoned(folder: str | PathLike[str]) -> None: ...
