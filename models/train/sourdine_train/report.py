"""Tables from the score files of the development set, and the voice decision's area under the ROC curve."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile as sf

from .augment import voice_labels

COLUMNS = ("pesq", "estoi", "sisdr", "sig", "bak", "ovrl", "satt", "natt")


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """Area under the ROC curve by ranks (Mann and Whitney), ties counted half."""
    order = np.argsort(score, kind="stable")
    s = score[order]
    rank = np.empty(len(s))
    first = np.concatenate([[True], s[1:] != s[:-1]])
    group = np.cumsum(first) - 1
    count = np.bincount(group)
    mid = np.cumsum(count) - (count - 1) / 2
    rank[order] = mid[group]
    pos = label.astype(bool)
    n1, n0 = pos.sum(), (~pos).sum()
    return float((rank[pos].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def voice_auc(folder: Path, cmd: str, shifts: tuple[int, ...] = (0, 1, 2)) -> dict[int, float]:
    """AUC over all frames of folder/noisy against labels from folder/clean.

    `cmd` has {in}, {out} and {vad} (a text file, one probability a line). A shift of one means that the probability of
    frame t + 1 is compared with the label of t.
    """
    probs, labels = [], []
    with tempfile.TemporaryDirectory() as t:
        for f in sorted((folder / "noisy").glob("*.wav")):
            out, vad = Path(t) / "o.wav", Path(t) / "v.txt"
            words = {"{in}": str(f), "{out}": str(out), "{vad}": str(vad)}
            subprocess.run([words.get(w, w) for w in shlex.split(cmd)], check=True, capture_output=True)
            probs.append(np.loadtxt(vad))
            clean, _ = sf.read(folder / "clean" / f.name)
            labels.append(voice_labels(clean))
    r = {}
    for s in shifts:
        pairs = [(p[s : s + len(v)], v[: len(p) - s]) for p, v in zip(probs, labels, strict=True)]
        pairs = [(p[: min(len(p), len(v))], v[: min(len(p), len(v))]) for p, v in pairs]
        r[s] = auc(np.concatenate([p for p, _ in pairs]), np.concatenate([v for _, v in pairs]))
    return r


def _read(path: Path) -> dict[str, dict[str, float]]:
    return {r["id"].removesuffix(".wav"): r for r in map(json.loads, path.read_text().splitlines())}


def tables(folder: Path, scores: dict[str, Path]) -> str:
    """Markdown: all items, by SNR, by room, by speech set and by noise class, one row per system."""
    with open(folder / "items.csv", newline="") as f:
        items = list(csv.DictReader(f))
    data = {k: _read(v) for k, v in scores.items()}
    text: list[str] = []

    def table(title: str, key: Callable[[dict[str, str]], str]) -> None:
        groups: dict[str, list[str]] = {}
        for it in items:
            if all(it["id"] in d for d in data.values()):
                groups.setdefault(key(it), []).append(it["id"])
        text.append(f"\n| {title} | n | system | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 3))
        for g in sorted(groups):
            for name, d in data.items():
                m = [np.nanmean([float(d[i].get(c, np.nan)) for i in groups[g]]) for c in COLUMNS]
                text.append(f"| {g} | {len(groups[g])} | {name} | " + " | ".join(f"{v:.3f}" if c in ("pesq", "estoi") else f"{v:.2f}" for v, c in zip(m, COLUMNS, strict=True)) + " |")

    def snr(it: dict[str, str]) -> str:
        v = float(it["snr"])
        return "1: below 0 dB" if v < 0 else "2: 0 to 5 dB" if v < 5 else "3: 5 to 10 dB" if v < 10 else "4: above 10 dB"

    table("all", lambda _: "all")
    table("SNR", snr)
    table("room", lambda it: "reverberant" if it["rir"] else "dry")
    table("speech", lambda it: it["speech"].split("/")[1])
    table("noise", lambda it: it["class"])
    return "\n".join(text)
