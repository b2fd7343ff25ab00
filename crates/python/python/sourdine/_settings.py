"""The settings of a stream, and the models."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from . import _native
from ._audio import refuse_no_number

#: Ways in which channels share the denoiser.
ChannelMode: TypeAlias = Literal["linked", "separate"]

#: The default limit of the attenuation, in dB.
ATTENUATION_LIMIT_DB = 60.0


@dataclass(frozen=True)
class Settings:
    """The settings of a stream. Plain data: it can be pickled, compared and hashed.

    >>> Settings(attenuation_limit_db=24.0).attenuation_limit_db
    24.0
    >>> Settings(attenuation_limit_db=-1)
    Traceback (most recent call last):
    ValueError: attenuation_limit_db is -1; it must be 0 dB or more, or None for no limit
    """

    #: A built-in model (see :func:`sourdine.models`), or the path of a file of weights.
    model: str = "sourdine"
    #: The most that any sound is attenuated, in dB: 0 changes nothing, infinity is no limit. None becomes infinity.
    attenuation_limit_db: float = ATTENUATION_LIMIT_DB
    #: Whether pauses are turned down further.
    gate: bool = False
    #: One mask for all channels ("linked": a voice keeps its place), or each on its own ("separate").
    channels: ChannelMode = "linked"
    #: Gives the removed sound instead of the sound that is kept.
    residue: bool = False

    def __post_init__(self) -> None:
        limit: float | None = self.attenuation_limit_db
        if limit is None:
            object.__setattr__(self, "attenuation_limit_db", math.inf)
        else:
            refuse_no_number("attenuation_limit_db", limit, "dB, or None for no limit")
            if not limit >= 0:
                raise ValueError(f"attenuation_limit_db is {limit}; it must be 0 dB or more, or None for no limit")
        if self.channels not in ("linked", "separate"):
            raise ValueError(f'channels is {self.channels!r}; it must be "linked" or "separate"')
        for name in ("gate", "residue"):
            value = getattr(self, name)
            if not isinstance(value, (bool, np.bool_)):
                raise TypeError(f"{name} is {value!r}; give True or False")
            object.__setattr__(self, name, bool(value))
        object.__setattr__(self, "model", os.fspath(self.model))


def settings(
    model: str | os.PathLike[str],
    attenuation_limit_db: float | None,
    gate: bool,
    channels: ChannelMode,
    residue: bool,
) -> Settings:
    """Makes settings of the keywords that several functions share."""
    limit = math.inf if attenuation_limit_db is None else attenuation_limit_db
    return Settings(os.fspath(model), limit, gate, channels, residue)


@dataclass(frozen=True)
class ModelInfo:
    """Facts about a built-in model."""

    #: The name that selects it.
    name: str
    #: One line of description.
    description: str
    #: The rate that it works at in Hz; other rates are resampled.
    sample_rate: int
    #: Delay of one channel in ms, at 48 kHz in fixed blocks of 10 ms; see :attr:`sourdine.Stream.latency` for a stream's.
    latency_ms: float
    #: Delay of several channels under one mask in ms.
    linked_latency_ms: float
    #: Multiplications of the network per 10 ms.
    multiplications_per_frame: int
    #: Size of the weights in bytes.
    weight_bytes: int
    #: State of one mono stream in bytes.
    state_bytes: int
    #: Licence of the weights.
    licence: str


def models() -> list[ModelInfo]:
    """Lists the built-in models, the default first.

    >>> [model.name for model in models()]
    ['sourdine', 'sourdine-lite', 'rnnoise']
    """
    return [ModelInfo(**facts) for facts in _native.built_in_models()]


def find_model(name: str) -> _native.Model:
    """Returns a model by its name or path; those used before are kept."""
    try:
        about = os.stat(name)
    except OSError:
        return _kept(name, 0, 0)
    return _kept(name, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=8)
def _kept(name: str, _changed: int, _size: int) -> _native.Model:
    return _native.Model(name)
