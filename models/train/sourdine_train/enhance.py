"""A weights file in PyTorch: whole signals from a fresh state."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from . import weights
from .frontend import FrontEnd
from .postfilter import PostFilter


class Enhanced(NamedTuple):
    """Of one signal: features [T, 268], raw and final gains [T, 136], filter [T, 32, 3], pitch filter [T, 34], voice [T], sound, layers."""

    features: Tensor
    raw: Tensor
    gains: Tensor
    filter: Tensor
    pitch: Tensor
    voice: Tensor
    sound: Tensor
    layers: list[Tensor]


class Enhancer:
    """The de-quantised network with its front end and post-filter."""

    def __init__(self, path: str | Path) -> None:
        self.net, tensors, self.meta = weights.load(path)
        self.front = FrontEnd()
        self.post = PostFilter(self.front, self.meta, tensors["decay_limit"])

    @torch.no_grad()
    def run(self, x: np.ndarray) -> Enhanced:
        """Denoises `x` (48 kHz, mono, whole frames); the output lags by 480 samples."""
        analysis = self.front.analyse(torch.from_numpy(np.asarray(x, np.float32))[None])
        output, layers = self.net.layer_outputs(analysis.features)
        spec, gains, pitch = self.post.run(analysis, output)
        raw, voice = torch.sigmoid(output.gains), torch.sigmoid(output.voice)
        parts = (analysis.features, raw, gains, output.filter, pitch, voice, self.front.istft(spec))
        return Enhanced(*(p[0] for p in parts), [h[0] for h in layers])
