"""Checkpoints, and the int8 weights file of FORMAT.md: writing, reading, averaging, widening.

Every file carries its history: a line for each command that led to it, with the start of the digests of its parents.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save
from torch import Tensor

from . import recipe as recipes
from .layout import BAND_HZ, DECAY, EDGES, FILTERED, GROUPS, HOP, LONGEST, PHASES, WINDOW
from .model import BROADCAST, LEAK, UNITS, Net
from .recipe import Recipe

FORMAT = "sourdine-7"
LANES = 16

State = dict[str, Tensor]


@dataclass
class Checkpoint:
    """What training goes on from. `net` are the last weights, `average` their running average."""

    recipe: Recipe
    net: State
    average: State
    steps: int = 0
    seconds: float = 0.0
    history: list[str] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)
    """Optimizers and random states; empty in a snapshot."""

    @property
    def hours(self) -> float:
        """Audio-hours seen."""
        return self.seconds / 3600

    def model(self, *, last: bool = False) -> Net:
        """The network with the averaged (or the last) weights."""
        net = Net(self.recipe.network.hidden, self.recipe.network.layers)
        net.load_state_dict(self.net if last else self.average)
        return net.eval()


def named(path: str | Path) -> str:
    """A file's name with the start of its digest, for histories."""
    return f"{Path(path).name} ({hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]})"


def save_checkpoint(c: Checkpoint, path: Path) -> None:
    """Everything (.pt), or a snapshot (.safetensors) of weights in float16, small enough to keep in a repository."""
    part = path.with_suffix(".part")
    if path.suffix == ".safetensors":
        def small(k: str, v: Tensor) -> np.ndarray:
            return v.numpy().astype(np.float16 if v.ndim and k not in ("mean", "rstd") else np.float32)

        tensors = {f"{name}.{k}": small(k, v) for name, state in (("net", c.net), ("average", c.average)) for k, v in state.items()}
        meta = {"recipe": json.dumps(c.recipe.asdict()), "steps": str(c.steps), "seconds": str(c.seconds), "history": "\n".join(c.history)}
        part.write_bytes(save(tensors, meta))
    else:
        torch.save({**vars(c), "recipe": c.recipe.asdict()}, part)
    os.replace(part, path)


def read_tensors(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors and metadata of a safetensors file."""
    with safe_open(path, "numpy") as f:
        return {k: f.get_tensor(k) for k in f.keys()}, f.metadata() or {}


def read_checkpoint(path: Path) -> Checkpoint:
    """A checkpoint or a snapshot."""
    if path.suffix != ".safetensors":
        c = torch.load(path, weights_only=False, map_location="cpu")
        return Checkpoint(**{**c, "recipe": recipes.of(c["recipe"])})
    tensors, meta = read_tensors(path)
    parts = {p: {k.split(".", 1)[1]: torch.from_numpy(v.astype(np.float32)) for k, v in tensors.items() if k.startswith(p)} for p in ("net", "average")}
    history = [line for line in meta.get("history", "").split("\n") if line]
    return Checkpoint(recipes.of(json.loads(meta["recipe"])), **parts, steps=int(meta["steps"]), seconds=float(meta["seconds"]), history=history)


def average(parts: list[tuple[Path, float]]) -> Checkpoint:
    """The weighted mean of several checkpoints' averages; recipe and counters are those of the one that weighs most."""
    read = [(read_checkpoint(p), w) for p, w in parts]
    first = max(read, key=lambda x: x[1])[0]
    total = sum(w for _, w in read)
    mean = {k: sum(w / total * c.average[k] for c, w in read) for k in first.average}
    how = " ".join(f"{named(p)}={w}" for p, w in parts)
    return replace(first, net=mean, average=dict(mean), history=[*first.history, f"average {how}"], training={})


def shifted(c: Checkpoint, offset: float, at: dict[float, float]) -> Checkpoint:
    """All gain logits moved by `offset`, and by more at the frequencies in `at` (Hz: logit, straight lines between them)."""
    more = np.interp(BAND_HZ, *zip(*sorted(at.items()), strict=True)) if at else 0.0
    move = torch.from_numpy(np.broadcast_to(offset + more, len(BAND_HZ)).astype(np.float32).copy()).view(GROUPS, -1)
    net, mean = ({**s, "out_biases": s["out_biases"] + move} for s in (c.net, c.average))
    return replace(c, net=net, average=mean, training={})


def widened(state: State, net: Net) -> State:
    """The weights of `net` made from those of a narrower network, so that both compute the same.

    The inputs of a new unit keep the small random weights of `net`; the weights of its output are zero.
    """
    fresh = net.state_dict()
    old, new = state["gather.weight"].shape[0], fresh["gather.weight"].shape[0]
    if old > new:
        raise ValueError(f"{old} units do not fit into {new}")

    def into(k: str, v: Tensor) -> Tensor:
        mine = fresh[k].clone()
        if v.shape == mine.shape:
            return v.clone()
        if v.ndim > 1:
            v = _columns(v, mine.shape[1], old, new)
        rows = old if mine.shape[0] % new == 0 else mine.shape[0]
        for gate in range(3 if k.startswith("gru.") else 1):  # The three gates of a GRU lie one below the other.
            mine[gate * new : gate * new + rows] = v[gate * old : gate * old + rows]
        return mine

    return {k: into(k, state[k]) if k in state else v.clone() for k, v in fresh.items()}


def _columns(v: Tensor, count: int, old: int, new: int) -> Tensor:
    """Rows whose inputs are blocks of `old` columns, with `new` columns a block, the added ones zero."""
    if v.shape[1] == count:
        return v
    blocks = v.view(v.shape[0], -1, old)
    return torch.cat([blocks, blocks.new_zeros(*blocks.shape[:2], new - old)], 2).flatten(1)


# The weights file.


def short(v: Tensor) -> Tensor:
    """float32 of which the lower half is zero: half as many bytes in a compressed file."""
    return v.bfloat16().float()


def quantise(w: Tensor, steps: float = 0.0) -> tuple[Tensor, Tensor]:
    """Symmetric int8 per row: (q, scale) with w ~ scale[:, None] * q.

    Of a row's largest weight 127 steps are made, or where that is coarser, `steps` of its root mean square: small numbers that
    compress well, at an error of 1 / (12 steps^2) of the row's power.
    """
    scale = w.abs().amax(1) / 127
    if steps:
        scale = torch.maximum(scale, w.square().mean(1).sqrt() / steps)
    scale = short(scale)
    q = torch.round(w / torch.where(scale > 0, scale, 1.0)[:, None])
    return q.clamp(-127, 127), scale


@contextmanager
def rounded(net: Net, steps: float) -> Iterator[None]:
    """Rounds the weights as `export` does, for a forward and a backward pass: the gradients are those at the rounded weights.

    With `steps` 0 nothing is rounded.
    """
    layers = [(w.data, grain(name, steps)) for name, parts in dense_layers(net).items() for w, _ in parts] if steps else []
    exact = [w.clone() for w, _ in layers]
    for w, n in layers:
        q, scale = quantise(w, n)
        w.copy_(q * scale[:, None])
    try:
        yield
    finally:
        for (w, _), kept in zip(layers, exact, strict=True):
            w.copy_(kept)


def grain(name: str, steps: float) -> float:
    """The `steps` of a layer: those that all groups share keep all eight bits, since they are small."""
    return steps if name.startswith(("gather", "gru", "spread")) else 0.0


def pack(q: np.ndarray) -> np.ndarray:
    """[rows, cols] to [ceil(rows / 16), cols, 16], rows zero-padded."""
    rows, cols = q.shape
    full = np.zeros((-(-rows // LANES) * LANES, cols), q.dtype)
    full[:rows] = q
    return np.ascontiguousarray(full.reshape(-1, LANES, cols).transpose(0, 2, 1))


def unpack(p: np.ndarray, rows: int) -> np.ndarray:
    """The inverse of `pack`."""
    return p.transpose(0, 2, 1).reshape(-1, p.shape[1])[:rows]


def _padded(v: Tensor) -> np.ndarray:
    return np.pad(short(v).numpy(), (0, -len(v) % LANES))


def dense_layers(net: Net) -> dict[str, list[tuple[Tensor, Tensor | None]]]:
    """Name -> (weight [rows, cols], bias) of every quantised layer; several stand one below the other."""
    d: dict[str, list[tuple[Tensor, Tensor | None]]] = {}
    for name, g in {"group_in": net.group_in, "group_out": net.group_out, **{f"gru{i}": g for i, g in enumerate(net.gru, 1)}}.items():
        d[f"{name}_ih"] = [(g.weight_ih_l0, g.bias_ih_l0)]
        d[f"{name}_hh"] = [(g.weight_hh_l0, g.bias_hh_l0)]
    d["gather"] = [(net.gather.weight, net.gather.bias)]
    d["spread"] = [(net.spread.weight, net.spread.bias), (net.voice.weight, net.voice.bias)]
    for name in group_biases(net):
        d[name] = [(getattr(net, name).weight, None)]
    return d


def group_biases(net: Net) -> dict[str, Tensor]:
    """The biases of the layers that all groups share: each group has its own."""
    return {"context": net.context_biases, "mix": net.mix_biases, "out": net.out_biases, "filter": net.filter_biases}


@torch.no_grad()
def export(
    c: Checkpoint, path: str | Path, name: str, *, sharpness: float, smoothing: float, pitch_filter: float, commit: str = "", last: bool = False
) -> None:
    """Quantises and writes the weights file."""
    net, steps = c.model(last=last), c.recipe.weight_steps
    t: dict[str, np.ndarray] = {"feat_mean": net.mean.numpy(), "feat_rstd": net.rstd.numpy(), "decay_limit": DECAY}
    for key, parts in dense_layers(net).items():
        q, s = quantise(torch.cat([w for w, _ in parts]), grain(key, steps))
        t[f"{key}.w_q"], t[f"{key}.w_s"] = pack(q.numpy().astype(np.int8)), _padded(s)
        if parts[0][1] is not None:
            t[f"{key}.b"] = _padded(torch.cat([b for _, b in parts]))
    for key, biases in group_biases(net).items():
        t[f"{key}.biases"] = short(biases).numpy()
    meta = {
        "format": FORMAT, "name": name, "hop": str(HOP), "window": str(WINDOW),
        "bands": ",".join(map(str, EDGES)), "phases": str(PHASES), "filtered": str(FILTERED), "longest_period": str(LONGEST),
        "hidden": str(net.hidden), "layers": str(net.layers), "units": str(UNITS), "broadcast": str(BROADCAST),
        "feature_floor": "1e-10", "leaky_slope": str(LEAK),
        "sharpness": str(sharpness), "smoothing": str(smoothing), "pitch_filter": str(pitch_filter),
        "licence": "MIT OR Apache-2.0", "commit": commit, "hours": f"{c.hours:.1f}", "history": "\n".join(c.history),
        "created": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    part = Path(f"{path}.part")
    part.write_bytes(save({k: np.ascontiguousarray(v) for k, v in t.items()}, meta))
    os.replace(part, path)


@torch.no_grad()
def load(path: str | Path) -> tuple[Net, dict[str, np.ndarray], dict[str, str]]:
    """The de-quantised network of a weights file, its tensors and its metadata."""
    t, meta = read_tensors(path)
    if meta.get("format") != FORMAT:
        raise ValueError(f"{path}: format {meta.get('format')!r}, want {FORMAT!r}")
    sizes = {"phases": PHASES, "filtered": FILTERED, "units": UNITS, "broadcast": BROADCAST}
    if meta["bands"] != ",".join(map(str, EDGES)) or any(int(meta[k]) != v for k, v in sizes.items()):
        raise ValueError(f"{path}: other bands or groups")
    net = Net(int(meta["hidden"]), int(meta["layers"]))
    net.mean.copy_(torch.from_numpy(t["feat_mean"]))
    net.rstd.copy_(torch.from_numpy(t["feat_rstd"]))
    for key, biases in group_biases(net).items():
        biases.copy_(torch.from_numpy(t[f"{key}.biases"]))
    for key, parts in dense_layers(net).items():
        at = 0
        for w, b in parts:
            rows = slice(at, at + w.shape[0])
            at = rows.stop
            w.copy_(torch.from_numpy(unpack(t[f"{key}.w_q"], at)[rows].astype(np.float32) * t[f"{key}.w_s"][rows, None]))
            if b is not None:
                b.copy_(torch.from_numpy(t[f"{key}.b"][rows]))
    return net.eval(), t, meta
