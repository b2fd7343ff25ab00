"""Int8 packing, the weights file of FORMAT.md, and the de-quantised model behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from . import container
from .features import EDGES, HOP, LONGEST, PHASES, WINDOW
from .model import COUNT, SENT, SLOPE, UNITS, Net
from .refine import DECAY, Refiner

FORMAT = "sourdine-5"
LANES = 16


def quantise(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 per row: (q, scale) with w ~ scale[:, None] * q."""
    w = w.astype(np.float32)
    scale = (np.abs(w).max(1) / np.float32(127)).astype(np.float32)
    safe = np.where(scale > 0, scale, np.float32(1))
    q = np.clip(np.rint(w / safe[:, None]), -127, 127).astype(np.int8)
    return q, scale


def pack(q: np.ndarray) -> np.ndarray:
    """[rows, cols] to [ceil(rows / 16), cols, 16], rows zero-padded."""
    rows, cols = q.shape
    full = np.zeros((-(-rows // LANES) * LANES, cols), q.dtype)
    full[:rows] = q
    return np.ascontiguousarray(full.reshape(-1, LANES, cols).transpose(0, 2, 1))


def unpack(p: np.ndarray, rows: int) -> np.ndarray:
    """The inverse of `pack`."""
    return p.transpose(0, 2, 1).reshape(-1, p.shape[1])[:rows]


def _pad(v: np.ndarray) -> np.ndarray:
    return np.pad(v.astype(np.float32), (0, -len(v) % LANES))


def dense_layers(net: Net) -> dict[str, list[tuple[torch.nn.Parameter, torch.nn.Parameter | None]]]:
    """Name -> (weight [rows, cols], bias) of every quantised layer; several stand one below the other."""
    d: dict[str, list[tuple[torch.nn.Parameter, torch.nn.Parameter | None]]] = {}
    named = {"group_in": net.group_in, "group_out": net.group_out, **{f"gru{i}": g for i, g in enumerate(net.gru, 1)}}
    for name, g in named.items():
        d[f"{name}_ih"] = [(g.weight_ih_l0, g.bias_ih_l0)]
        d[f"{name}_hh"] = [(g.weight_hh_l0, g.bias_hh_l0)]
    d["gather"] = [(net.gather.weight, net.gather.bias)]
    d["spread"] = [(net.spread.weight, net.spread.bias), (net.voice.weight, net.voice.bias)]
    for name in places(net):
        d[name] = [(getattr(net, name).weight, None)]
    return d


def places(net: Net) -> dict[str, torch.nn.Parameter]:
    """The biases of the layers that are the same for every group: each group has its own."""
    return {"near": net.near_place, "mix": net.mix_place, "out": net.out_bias}


def save(net: Net, path: str | Path, name: str, licence: str = "MIT OR Apache-2.0", commit: str = "", hours: float = 0.0, sharpness: float = 0.0, comb: float = 0.0) -> None:
    """Quantises and writes the weights file."""
    t: dict[str, np.ndarray] = {
        "feat_mean": net.feat_mean.numpy().astype(np.float32),
        "feat_rstd": net.feat_rstd.numpy().astype(np.float32),
        "decay_limit": DECAY,
    }
    for key, parts in dense_layers(net).items():
        q, s = quantise(np.concatenate([w.detach().numpy() for w, _ in parts]))
        t[f"{key}.w_q"], t[f"{key}.w_s"] = pack(q), _pad(s)
        if parts[0][1] is not None:
            t[f"{key}.b"] = _pad(np.concatenate([b.detach().numpy() for _, b in parts]))
    for key, place in places(net).items():
        t[f"{key}.place"] = place.detach().numpy().astype(np.float32).reshape(COUNT, -1)
    meta = {
        "format": FORMAT, "name": name, "hop": str(HOP), "window": str(WINDOW),
        "bands": ",".join(map(str, EDGES)), "phases": str(PHASES), "longest_period": str(LONGEST),
        "hidden": str(net.hidden), "layers": str(net.layers), "units": str(UNITS), "sent": str(SENT),
        "feature_floor": "1e-10", "leaky_slope": str(SLOPE), "sharpness": str(sharpness), "comb": str(comb), "licence": licence,
        "commit": commit, "hours": f"{hours:.1f}", "created": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    container.save(path, t, meta)


def load(path: str | Path) -> tuple[Net, Refiner, dict[str, str]]:
    """The de-quantised network of a weights file, its way from gains to sound, its metadata."""
    t, meta = container.load(path)
    if meta.get("format") != FORMAT:
        raise ValueError(f"{path}: format {meta.get('format')!r}, want {FORMAT!r}")
    if meta["bands"] != ",".join(map(str, EDGES)) or [int(meta[k]) for k in ("phases", "units", "sent")] != [PHASES, UNITS, SENT]:
        raise ValueError(f"{path}: other bands or groups")
    net = Net(int(meta["hidden"]), int(meta["layers"]))
    with torch.no_grad():
        net.feat_mean.copy_(torch.from_numpy(t["feat_mean"]))
        net.feat_rstd.copy_(torch.from_numpy(t["feat_rstd"]))
        for key, place in places(net).items():
            place.copy_(torch.from_numpy(t[f"{key}.place"]).view_as(place))
        for key, parts in dense_layers(net).items():
            at = 0
            for w, b in parts:
                rows = slice(at, at + w.shape[0])
                at = rows.stop
                w.copy_(torch.from_numpy(unpack(t[f"{key}.w_q"], at)[rows].astype(np.float32) * t[f"{key}.w_s"][rows, None]))
                if b is not None:
                    b.copy_(torch.from_numpy(t[f"{key}.b"][rows]))
    return net.eval(), Refiner.of(t, meta), meta
