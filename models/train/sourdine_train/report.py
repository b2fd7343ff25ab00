"""Tables from the score files of a development set."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

COLUMNS = ("pesq", "estoi", "sisdr", "sig", "bak", "ovrl", "satt", "natt")


def interval(x: np.ndarray, draws: int = 4000) -> tuple[float, float]:
    """The middle 95 % of means of resampled items (bootstrap)."""
    x = x[~np.isnan(x)]
    means = x[np.random.default_rng(0).integers(len(x), size=(draws, len(x)))].mean(1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


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
    first, *others = data
    text.append(f"\n| {first} less | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1))
    for name in others:
        cells = []
        for c in COLUMNS:
            apart = np.array([float(data[first][i].get(c, np.nan)) - float(data[name][i].get(c, np.nan)) for i in data[first] if i in data[name]])
            low, high = interval(apart)
            cells.append(f"{np.nanmean(apart):+.3f} ({low:+.3f} to {high:+.3f})")
        text.append(f"| {name} | " + " | ".join(cells) + " |")
    table("SNR", snr)
    table("room", lambda it: "reverberant" if it["rir"] else "dry")
    table("speech", lambda it: it["speech"].split("/")[1])
    table("noise", lambda it: it["class"])
    return "\n".join(text)
