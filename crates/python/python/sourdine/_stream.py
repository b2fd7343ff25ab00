"""Sound block by block."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, overload

import numpy as np
import numpy.typing as npt

from . import _native
from ._audio import MOST_CHANNELS, AudioLike, Sample, as_array, as_count, as_planar, as_rate, like
from ._settings import ATTENUATION_LIMIT_DB, ChannelMode, find_model, settings


class BlockReport(NamedTuple):
    """The report on the newest 10 ms of a stream."""

    #: The model's voice probability, 0 to 1.
    voice_probability: float
    #: The decision made from it, with hysteresis and hangover.
    voice: bool
    #: Level before denoising in dBFS.
    input_dbfs: float
    #: Level after denoising in dBFS.
    output_dbfs: float


class Stream:
    """A stream of sound that is denoised block by block, with a constant delay.

    Blocks may have any length, 0 too, unless ``block`` says otherwise, and their lengths do not change the bits: joined, without
    the first :attr:`latency` frames and with those of :meth:`flush`, they are what :func:`denoise` returns. If the first block is
    of int16, the output is limited softly to full scale. A stream may be used by several threads, one block at a time; it cannot
    be pickled.

    Args:
        sample_rate: in Hz, 8000 to 192000.
        channels: 1 to 8.
        block: the length of every block in frames, or a divisor of it, where it is known: this saves up to 10 ms of delay. A
            recording's last block has to be filled up with zeros then.
        model, attenuation_limit_db, gate, channel_mode, residue: as for :func:`denoise` (``channel_mode`` is its ``channels``).

    >>> import numpy as np
    >>> with Stream(48000, block=480) as stream:
    ...     blocks = [stream.process(np.zeros(480, np.float32)) for _ in range(3)]
    ...     rest = stream.flush()
    >>> stream.latency, len(rest)
    (480, 480)
    """

    def __init__(
        self,
        sample_rate: float,
        channels: int = 1,
        *,
        block: int | None = None,
        model: str | os.PathLike[str] = "sourdine",
        attenuation_limit_db: float | None = ATTENUATION_LIMIT_DB,
        gate: bool = False,
        channel_mode: ChannelMode = "linked",
        residue: bool = False,
    ) -> None:
        chosen = settings(model, attenuation_limit_db, gate, channel_mode, residue)
        channels = as_count("channels", channels, MOST_CHANNELS)
        self._sample_rate, self._channels = as_rate(sample_rate), channels
        self._block = None if block is None else as_count("block", block, 1_000_000)
        self._native: _native.Stream | None = _native.Stream(
            self._sample_rate, channels, self._block, find_model(chosen.model), chosen
        )
        self._latency = self._native.latency
        self._last: npt.NDArray[Any] = np.empty(0 if channels == 1 else (channels, 0), np.float32)

    @property
    def latency(self) -> int:
        """The delay from input to output in frames. It never changes."""
        return self._latency

    @property
    def sample_rate(self) -> int:
        """The sample rate in Hz."""
        return self._sample_rate

    @property
    def channels(self) -> int:
        """The number of channels."""
        return self._channels

    @property
    def report(self) -> BlockReport:
        """The report on the newest 10 ms."""
        return BlockReport(*self._open().report())

    @overload
    def process(self, audio: npt.NDArray[Sample]) -> npt.NDArray[Sample]: ...
    @overload
    def process(self, audio: AudioLike) -> npt.NDArray[Any]: ...
    def process(self, audio: AudioLike) -> npt.NDArray[Any]:
        """Denoises a block of shape (n,) or (channels, n); the result has its shape and dtype, and is :attr:`latency` late."""
        array = as_array(audio)
        planar = as_planar(array)
        if planar.shape[0] != self._channels:
            raise ValueError(
                f"audio has shape {array.shape}, so {planar.shape[0]} channels; this stream has {self._channels}"
            )
        if self._block is not None and planar.shape[1] % self._block:
            raise ValueError(
                f"a block of {planar.shape[1]} frames for a stream made for blocks of {self._block}; fill the last one up "
                "with zeros, or make the stream without block"
            )
        out = self._open().process(planar)
        self._last = array[..., :0]
        return like(out, array)

    def flush(self) -> npt.NDArray[Any]:
        """Returns the :attr:`latency` frames that are still inside after the last block, in that block's dtype.

        Then only :meth:`reset` starts the stream again.
        """
        name = str(self._last.dtype.newbyteorder("="))
        return like(self._open().flush(name), self._last)

    def reset(self) -> None:
        """Forgets everything: what follows is as if the stream were new."""
        self._open().reset()

    def close(self) -> None:
        """Frees the stream's memory. Closing twice does nothing."""
        self._native = None

    def _open(self) -> _native.Stream:
        if self._native is None:
            raise ValueError("the stream is closed; make another")
        return self._native

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Stream cannot be pickled or copied, as its state belongs to one process; make it where it is used"
        )

    def __repr__(self) -> str:
        return f"<sourdine.Stream: {self._sample_rate} Hz, {self._channels} channels, latency {self._latency}>"


class VoiceReport(NamedTuple):
    """The report of a :class:`VoiceDetector` on its newest 10 ms."""

    #: Probability of voice, 0 to 1.
    probability: float
    #: The decision made from it, with hysteresis and hangover.
    voice: bool
    #: Level in dBFS.
    level_dbfs: float


class VoiceDetector:
    """Detects voice in a stream without changing it, and without a model: at a tenth of the cost of denoising.

    Args:
        sample_rate: in Hz, 8000 to 192000.
        channels: 1 to 8; several are analysed by their mean.
        on: voice starts at this probability or above.
        off: voice ends below this probability.
        hangover_ms: the time for which the decision holds after the voice has ended.

    >>> import numpy as np
    >>> VoiceDetector(16000).process(np.zeros(160, np.int16)).voice
    False
    """

    def __init__(
        self,
        sample_rate: float,
        channels: int = 1,
        *,
        on: float = 0.7,
        off: float = 0.5,
        hangover_ms: float = 20.0,
    ) -> None:
        channels = as_count("channels", channels, MOST_CHANNELS)
        self._native = _native.VoiceDetector(as_rate(sample_rate), channels, on, off, hangover_ms)

    def process(self, audio: AudioLike) -> VoiceReport:
        """Analyses a block of shape (n,) or (channels, n), of any length."""
        return VoiceReport(*self._native.process(as_planar(as_array(audio))))

    def reset(self) -> None:
        """Forgets everything, the estimate of the noise too."""
        self._native.reset()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a VoiceDetector cannot be pickled or copied, as its state belongs to one process; make it where it is used"
        )
