"""Minutes of a GPU, used up: data in parts small enough to carry, and one command that trains until its time is over.

`pack` writes what training draws from into tar files; on the machine with the GPU `unpack` brings them back, and `run` decodes
once, trains by a recipe and leaves checkpoint, log and weights file before the time is up.
"""

from __future__ import annotations

import csv
import io
import tarfile
import time
from pathlib import Path

import torch

from . import corpus, recipe, train, weights
from .train import Trainer

END_S = 12.0
"""Kept back for the last checkpoint and the export."""
PROFILED = 20
"""Steps that are measured part by part before the run."""


def pack(data: Path, out: Path, most: int) -> list[Path]:
    """Tar files of at most `most` bytes with all files that are not held out, each with its part of the manifest."""
    held = corpus.all_held_out()
    rows = [r for r in corpus.manifest(data) if not corpus.held_out(r["path"], held)]
    parts: list[list[dict[str, str]]] = [[]]
    room = most
    for r in rows:
        size = (data / r["path"]).stat().st_size + 2048
        if size + 65536 > room and parts[-1]:
            parts.append([])
            room = most
        parts[-1].append(r)
        room -= size + 256
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for i, part in enumerate(parts):
        file = out / f"part_{i}.tar"
        with tarfile.open(file, "w") as tar:
            for r in part:
                tar.add(data / r["path"], r["path"])
            text = io.StringIO()
            table = csv.DictWriter(text, list(part[0]))
            table.writeheader()
            table.writerows(part)
            info = tarfile.TarInfo(f"manifest_{i}.csv")
            info.size = len(text.getvalue().encode())
            tar.addfile(info, io.BytesIO(text.getvalue().encode()))
        files.append(file)
    return files


def unpack(parts: list[Path], data: Path) -> int:
    """Unpacks parts into a data folder, one after the other or at once; how many recordings are there by now."""
    data.mkdir(parents=True, exist_ok=True)
    for part in parts:
        with tarfile.open(part) as tar:
            tar.extractall(data, filter="data")
    tables = [list(csv.DictReader(open(f, newline=""))) for f in sorted(data.glob("manifest_*.csv"))]
    rows = [r for t in tables for r in t]
    with open(data / "MANIFEST.csv", "w", newline="") as f:
        table = csv.DictWriter(f, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return len(rows)


def profile(t: Trainer, steps: int) -> str:
    """What a step waits for: seconds of its parts, each with the device idle before and after."""
    def now() -> float:
        if t.device.type == "cuda":
            torch.cuda.synchronize()
        return time.monotonic()

    spent = dict.fromkeys(("mixing", "forward", "loss", "backward"), 0.0)
    for _ in range(steps):
        at = [now()]
        batch = t.short.batch(t.recipe.batches.clips)
        at.append(now())
        out = t.forward(batch.features)
        at.append(now())
        loss, _terms = t.criterion(out, batch, t.recipe.loss[0])
        at.append(now())
        t.net.zero_grad(set_to_none=True)
        loss.backward()
        at.append(now())
        for k, a, b in zip(spent, at, at[1:], strict=False):
            spent[k] += (b - a) / steps
    t.net.zero_grad(set_to_none=True)
    return ", ".join(f"{k} {1000 * v:.1f} ms" for k, v in spent.items())


def run(
    data: Path, cache: Path, out: Path, name: str, start: Path | None, *, minutes: float, decay: float, device: str,
    synthesised: int, commit: str = "",
) -> None:
    """All of it within `minutes` from the call; `decay` is the share of the training in which the rates fall."""
    begun = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    r = recipe.read(name)
    torch.set_float32_matmul_precision("high")
    sound = corpus.load(data, cache, synthesised=synthesised)
    print(f"{len(sound.sound) / 48000 / 3600:.2f} h of sound after {time.monotonic() - begun:.0f} s", flush=True)
    first = weights.read_checkpoint(start) if start else None
    how = f"train {Path(name).stem}" + (f" from {weights.named(start)}" if start else "")
    t = Trainer(out / "run", sound, r, first, device, how)
    t.short.batch(2)
    print(f"ready after {time.monotonic() - begun:.0f} s; a step: {profile(t, PROFILED if device == 'cuda' else 1)}", flush=True)
    left = (minutes * 60 - END_S - (time.monotonic() - begun)) / 60
    hours, steps = t.hours, t.steps
    end = train.fit(t, minutes=max(left, 0.02), decay_minutes=max(left, 0.02) * decay)
    print(f"{(t.hours - hours) / max(left, 0.02):.1f} audio-hours and {(t.steps - steps) / max(left, 0.02):.0f} steps a minute", flush=True)
    weights.save_checkpoint(end, out / "final.safetensors")
    weights.export(end, out / "weights.safetensors", "sourdine", sharpness=r.sharpness, smoothing=r.smoothing, pitch_filter=r.pitch_filter, commit=commit)
    print(f"done after {time.monotonic() - begun:.0f} s", flush=True)
