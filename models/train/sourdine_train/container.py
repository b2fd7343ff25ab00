"""A reader and a writer of the safetensors container (8-byte header length, JSON, raw little-endian tensors)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

_TYPES = {"F32": "<f4", "F16": "<f2", "I8": "i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "U8": "u1"}
_NAMES = {np.dtype(v): k for k, v in _TYPES.items()}


def save(path: str | Path, tensors: dict[str, np.ndarray], meta: dict[str, str]) -> None:
    """Writes the tensors, widest element type first so that every offset is aligned."""
    head: dict[str, object] = {"__metadata__": meta}
    blobs, at = [], 0
    for name, t in sorted(tensors.items(), key=lambda kv: (-kv[1].dtype.itemsize, kv[0])):
        raw = np.ascontiguousarray(t).tobytes()
        head[name] = {"dtype": _NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        blobs.append(raw)
        at += len(raw)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    tmp = f"{path}.tmp"
    with open(tmp, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))
    os.replace(tmp, path)


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Reads all tensors and the metadata."""
    data = Path(path).read_bytes()
    n = int.from_bytes(data[:8], "little")
    if n > len(data) - 8:
        raise ValueError(f"{path}: header longer than the file")
    head = json.loads(data[8 : 8 + n])
    meta = head.pop("__metadata__", {})
    body = memoryview(data)[8 + n :]
    out = {}
    for name, d in head.items():
        lo, hi = d["data_offsets"]
        out[name] = np.frombuffer(body[lo:hi], dtype=_TYPES[d["dtype"]]).reshape(d["shape"]).copy()
    return out, meta
