"""Takes the noise out of voice.

* :func:`denoise` a recording in memory, and :func:`vad` to find the voice in it;
* :class:`Stream` for sound block by block, :class:`VoiceDetector` for voice only;
* :func:`clean_file` and :func:`clean_files` for sound files, as the program `sourdine clean` does; :func:`read` and
  :func:`write`;
* :mod:`sourdine.batch` for folders, manifests, Parquet and WebDataset, on threads or on Ray.

Samples are float32, float64 (full scale ±1.0) or int16, of shape (n,) or (channels, n).
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import _native
from ._audio import AudioLike
from ._denoise import Report, Segment, denoise, vad
from ._files import FileReport, FileResult, clean_file, clean_files, read, write
from ._settings import ATTENUATION_LIMIT_DB, ChannelMode, ModelInfo, Settings, models
from ._stream import BlockReport, Stream, VoiceDetector, VoiceReport

if TYPE_CHECKING:
    from . import batch as batch
else:
    # Type checkers would take any name for one of the module's.
    def __getattr__(name: str) -> Any:
        """Imports :mod:`sourdine.batch` when it is used first."""
        if name == "batch":
            return importlib.import_module("sourdine.batch")
        raise AttributeError(f"module 'sourdine' has no attribute {name!r}")


__version__: str = _native.VERSION

__all__ = [
    "ATTENUATION_LIMIT_DB",
    "AudioLike",
    "BlockReport",
    "ChannelMode",
    "FileReport",
    "FileResult",
    "ModelInfo",
    "Report",
    "Segment",
    "Settings",
    "Stream",
    "VoiceDetector",
    "VoiceReport",
    "__version__",
    "clean_file",
    "clean_files",
    "denoise",
    "models",
    "read",
    "vad",
    "write",
]
