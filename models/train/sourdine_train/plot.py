"""Pictures: the learning curve, scores against hours, spectrograms."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np


def _plt():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def curve(log: Path, out: Path, scores: Path | None = None) -> None:
    """Loss against audio-hours from log.csv; below it the scores of checkpoints (CSV: hours, pesq, estoi, sisdr, ovrl)."""
    plt = _plt()
    with open(log, newline="") as f:
        rows = [{k: float(v) for k, v in r.items() if v} for r in csv.DictReader(f)]
    hours = [r["hours"] for r in rows]
    marks: list[dict[str, float]] = []
    if scores and scores.exists():
        with open(scores, newline="") as f:
            marks = [{k: float(v) for k, v in r.items()} for r in csv.DictReader(f)]
    keys = [k for k in marks[0] if k != "hours"] if marks else []
    fig, axes = plt.subplots(1 + len(keys), 1, figsize=(8, 3 + 1.6 * len(keys)), sharex=True, squeeze=False)
    ax = axes[0][0]
    for k in ("spectral", "over"):
        ax.plot(hours, [r[k] for r in rows], label=k)
    ax.set_ylabel("loss")
    ax.set_ylim(0, np.percentile([r["spectral"] for r in rows], 97) * 1.1)
    ax.legend()
    ax.grid(alpha=0.3)
    for k, (a,) in zip(keys, axes[1:], strict=True):
        a.plot([m["hours"] for m in marks], [m[k] for m in marks], "o-")
        a.set_ylabel(k)
        a.grid(alpha=0.3)
    axes[-1][0].set_xlabel("audio-hours seen")
    fig.tight_layout()
    fig.savefig(out, dpi=90)


def spectrograms(signals: dict[str, np.ndarray], out: Path) -> None:
    """One panel per signal, 48 kHz, 80 dB of range."""
    plt = _plt()
    from .layout import HOP
    from .reference import stft

    fig, axes = plt.subplots(len(signals), 1, figsize=(9, 2.2 * len(signals)), sharex=True, squeeze=False)
    top = max(float(np.abs(stft(x)).max()) for x in signals.values())
    for (name, x), (ax,) in zip(signals.items(), axes, strict=True):
        db = 20 * np.log10(np.abs(stft(x.astype(np.float32))).T / top + 1e-6)
        ax.imshow(db, origin="lower", aspect="auto", vmin=-80, vmax=0, cmap="magma", extent=(0, len(x) // HOP / 100, 0, 24))
        ax.set_ylabel("kHz")
        ax.set_title(name, fontsize=9, loc="left")
    axes[-1][0].set_xlabel("s")
    fig.tight_layout()
    fig.savefig(out, dpi=80)
