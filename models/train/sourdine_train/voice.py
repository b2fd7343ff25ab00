"""How well a voice probability, and the decision made of it, follow the clean signal.

Frames are 10 ms. Labels come from the energy of the clean signal; a pause is what lies more than 0.1 s away from voice.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.optimize
import scipy.special
import soundfile as sf
import torch

from .layout import HOP
from .mixing import voice_labels

MARGIN = 10
"""Frames next to voice that count neither as voice nor as pause."""


@dataclass(frozen=True)
class Decision:
    """Voice from `on` up until the probability has been below `off` for `hangover` frames more (`VoiceShape` in the engine)."""

    on: float
    off: float
    hangover: int

    def run(self, probability: np.ndarray) -> np.ndarray:
        """True where there is voice."""
        out, voice, left = np.zeros(len(probability), bool), False, 0
        for t, p in enumerate(probability):
            if p >= (self.off if voice else self.on):
                voice, left = True, self.hangover
            elif left:
                left -= 1
            else:
                voice = False
            out[t] = voice
        return out


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """Area under the ROC curve by ranks (Mann and Whitney), ties counted half."""
    order = np.argsort(score, kind="stable")
    s = score[order]
    rank = np.empty(len(s))
    group = np.cumsum(np.concatenate([[True], s[1:] != s[:-1]])) - 1
    count = np.bincount(group)
    mid = np.cumsum(count) - (count - 1) / 2
    rank[order] = mid[group]
    positive = label.astype(bool)
    n1, n0 = positive.sum(), (~positive).sum()
    return float((rank[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def labels(clean: np.ndarray) -> np.ndarray:
    """1 voice, 0 pause, -1 neither, for every frame."""
    x = torch.from_numpy(clean[: len(clean) // HOP * HOP].astype(np.float32))[None]
    voice = voice_labels(x)[0].numpy() > 0
    wide = scipy.ndimage.binary_dilation(voice, iterations=MARGIN)
    return np.where(voice, 1, np.where(wide, -1, 0))


def probabilities(folder: Path, cmd: str) -> list[np.ndarray]:
    """Of every file in folder/noisy, by a command with {in}, {out} and {vad}, a text file with one number a frame."""
    out = []
    with tempfile.TemporaryDirectory() as t:
        for f in sorted((folder / "noisy").glob("*.wav")):
            words = {"{in}": str(f), "{out}": f"{t}/o.wav", "{vad}": f"{t}/v.txt"}
            subprocess.run([words.get(w, w) for w in shlex.split(cmd)], check=True, capture_output=True)
            out.append(np.loadtxt(f"{t}/v.txt"))
    return out


def _pairs(probability: list[np.ndarray], label: list[np.ndarray], later: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Probabilities `later` frames after their labels, of equal lengths."""
    p = [x[later:] for x in probability]
    n = [min(len(a), len(b)) for a, b in zip(p, label, strict=True)]
    return [a[:k] for a, k in zip(p, n, strict=True)], [b[:k] for b, k in zip(label, n, strict=True)]


def area(probability: list[np.ndarray], label: list[np.ndarray], later: int = 1) -> float:
    """Area under the ROC curve, voice against everything else."""
    p, v = (np.concatenate(x) for x in _pairs(probability, label, later))
    return auc(p, v == 1)


def judged(decision: list[np.ndarray], label: list[np.ndarray], later: int = 1) -> dict[str, float]:
    """Share of voice found, share of pauses taken for voice, and the balanced accuracy."""
    d, v = (np.concatenate(x) for x in _pairs(decision, label, later))
    found, false = float(d[v == 1].mean()), float(d[v == 0].mean())
    return {"voice": found, "pauses": false, "balanced": (found + 1 - false) / 2}


def calibration(probability: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the logit after which the probability is the share of voice (Platt, 1999)."""
    x = scipy.special.logit(np.clip(probability, 1e-6, 1 - 1e-6))

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = w[0] * x + w[1]
        apart = scipy.special.expit(z) - label
        return float((np.logaddexp(0, z) - label * z).mean()), np.array([(apart * x).mean(), apart.mean()])

    slope, offset = scipy.optimize.minimize(loss, np.array([1.0, 0.0]), jac=True).x
    return float(slope), float(offset)


def table(folder: Path, cmds: dict[str, str], decisions: dict[str, Decision]) -> str:
    """Markdown: every command's area under the curve and every decision made of its probabilities."""
    label = [labels(sf.read(f)[0]) for f in sorted((folder / "clean").glob("*.wav"))]
    text = ["| probability | decision | AUC | voice found | pauses on | balanced |", "|---|---|---|---|---|---|"]
    for name, cmd in cmds.items():
        p = probabilities(folder, cmd)
        for kind, d in decisions.items():
            j = judged([d.run(x) for x in p], label)
            text.append(f"| {name} | {kind} | {area(p, label):.3f} | {j['voice']:.3f} | {j['pauses']:.3f} | {j['balanced']:.3f} |")
    return "\n".join(text)
