"""Int8 packing, the weights file of FORMAT.md, and the de-quantised model behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from . import container
from .features import BANDS, EDGES, HOP, INPUTS, LONGEST, PHASES, SINGLE, WINDOW
from .model import SLOPE, TAPS, Net
from .refine import Refiner

FORMAT = "sourdine-3"
LANES = 16
# Low bands hold harmonics that go on, high ones breath and clicks that do not.
DECAY = np.concatenate([np.linspace(0.9, 0.54, SINGLE, endpoint=False), np.linspace(0.54, 0.3, BANDS - SINGLE)]).astype(np.float32)


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


def dense_layers(net: Net) -> dict[str, tuple[torch.nn.Parameter, torch.nn.Parameter]]:
    """Name -> (weight [rows, cols], bias) of every quantised layer."""
    d = {"conv": (net.conv.weight, net.conv.bias)}
    for i, g in enumerate(net.gru, 1):
        d[f"gru{i}_ih"] = (g.weight_ih_l0, g.bias_ih_l0)
        d[f"gru{i}_hh"] = (g.weight_hh_l0, g.bias_hh_l0)
    d["out"] = (net.out.weight, net.out.bias)
    return d


def save(net: Net, path: str | Path, name: str, licence: str = "MIT OR Apache-2.0", commit: str = "", hours: float = 0.0, sharpness: float = 0.0, comb: float = 0.0) -> None:
    """Quantises and writes the weights file."""
    t: dict[str, np.ndarray] = {
        "feat_mean": net.feat_mean.numpy().astype(np.float32),
        "feat_rstd": net.feat_rstd.numpy().astype(np.float32),
        "decay_limit": DECAY,
        "local.conv_w": net.local_conv.weight.detach().numpy().reshape(-1, 5).astype(np.float32),
        "local.conv_b": net.local_conv.bias.detach().numpy().astype(np.float32),
        "local.out_w": net.local_out.detach().numpy().astype(np.float32),
    }
    for key, (w, b) in dense_layers(net).items():
        q, s = quantise(w.detach().numpy())
        t[f"{key}.w_q"], t[f"{key}.w_s"], t[f"{key}.b"] = pack(q), _pad(s), _pad(b.detach().numpy())
    meta = {
        "format": FORMAT, "name": name, "hop": str(HOP), "window": str(WINDOW),
        "bands": ",".join(map(str, EDGES)), "phases": str(PHASES), "longest_period": str(LONGEST), "hidden": str(net.hidden), "layers": str(net.layers),
        "feature_floor": "1e-10", "leaky_slope": str(SLOPE), "sharpness": str(sharpness), "comb": str(comb), "licence": licence,
        "commit": commit, "hours": f"{hours:.1f}", "created": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    container.save(path, t, meta)


def refiner(meta: dict[str, str]) -> Refiner:
    """What a weights file says of the way from gains to sound."""
    return Refiner(DECAY, float(meta["sharpness"]), float(meta["comb"]))


def load(path: str | Path) -> tuple[Net, dict[str, str]]:
    """The de-quantised network of a weights file."""
    t, meta = container.load(path)
    if meta.get("format") != FORMAT:
        raise ValueError(f"{path}: format {meta.get('format')!r}, want {FORMAT!r}")
    if meta["bands"] != ",".join(map(str, EDGES)) or int(meta["phases"]) != PHASES:
        raise ValueError(f"{path}: other bands")
    if not np.array_equal(t["decay_limit"], DECAY):
        raise ValueError(f"{path}: other decay limits")
    net = Net(int(meta["hidden"]), int(meta["layers"]))
    with torch.no_grad():
        net.feat_mean.copy_(torch.from_numpy(t["feat_mean"]))
        net.feat_rstd.copy_(torch.from_numpy(t["feat_rstd"]))
        net.local_conv.weight.copy_(torch.from_numpy(t["local.conv_w"])[:, None])
        net.local_conv.bias.copy_(torch.from_numpy(t["local.conv_b"]))
        net.local_out.copy_(torch.from_numpy(t["local.out_w"]))
        for key, (w, b) in dense_layers(net).items():
            rows = w.shape[0]
            q = unpack(t[f"{key}.w_q"], rows).astype(np.float32)
            w.copy_(torch.from_numpy(q * t[f"{key}.w_s"][:rows, None]))
            b.copy_(torch.from_numpy(t[f"{key}.b"][:rows]))
    assert net.conv.weight.shape[1] == TAPS * INPUTS
    return net.eval(), meta
