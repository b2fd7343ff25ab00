"""A GRU of few units over very many sequences, for training on a GPU.

The groups' GRUs have 16 units and 34 sequences per clip. cuDNN starts kernels for every time step and goes through memory
for every gate. Here one program keeps the state of a block of sequences in registers from the first step to the last, and
reads and writes nothing but inputs and outputs. Same equations as `nn.GRU`; what backward needs of the gates it computes
again.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

BLOCK = 32
"""Sequences of one program."""


@triton.jit
def _matrix(at, rows, columns, wide: tl.constexpr):
    """[columns, rows] of a matrix of `wide` columns, transposed; columns beyond it are 0."""
    return tl.load(at + rows[None, :] * wide + columns[:, None], mask=columns[:, None] < wide, other=0.0)


@triton.jit
def _weights(wi, wh, bi, bh, u, i, wide: tl.constexpr, units: tl.constexpr):
    """Of the gates r, z, n: matrices for the input, then for the memory; biases, which only the candidate has apart."""
    size: tl.constexpr = units * wide
    square: tl.constexpr = units * units
    wir, wiz, win = _matrix(wi, u, i, wide), _matrix(wi + size, u, i, wide), _matrix(wi + 2 * size, u, i, wide)
    whr, whz, whn = _matrix(wh, u, u, units), _matrix(wh + square, u, u, units), _matrix(wh + 2 * square, u, u, units)
    br = (tl.load(bi + u) + tl.load(bh + u))[None, :]
    bz = (tl.load(bi + units + u) + tl.load(bh + units + u))[None, :]
    bin_, bhn = tl.load(bi + 2 * units + u)[None, :], tl.load(bh + 2 * units + u)[None, :]
    return wir, wiz, win, whr, whz, whn, br, bz, bin_, bhn


@triton.jit
def _product(a, b):
    return tl.dot(a, b, input_precision="ieee")


@triton.jit
def _tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def _forward(x, wi, wh, bi, bh, out, steps, count, wide: tl.constexpr, padded: tl.constexpr, units: tl.constexpr, block: tl.constexpr):
    m = tl.program_id(0) * block + tl.arange(0, block)
    u, i = tl.arange(0, units), tl.arange(0, padded)
    wir, wiz, win, whr, whz, whn, br, bz, bin_, bhn = _weights(wi, wh, bi, bh, u, i, wide, units)
    h = tl.zeros([block, units], tl.float32)
    there = m[:, None] < count
    for t in range(steps):
        row = t * count + m[:, None]
        xt = tl.load(x + row * wide + i[None, :], mask=there & (i[None, :] < wide), other=0.0)
        r = tl.sigmoid(_product(xt, wir) + _product(h, whr) + br)
        z = tl.sigmoid(_product(xt, wiz) + _product(h, whz) + bz)
        n = _tanh(_product(xt, win) + bin_ + r * (_product(h, whn) + bhn))
        h = n + z * (h - n)
        tl.store(out + row * units + u[None, :], h, mask=there)


@triton.jit
def _backward(
    x, wi, wh, bi, bh, out, dout, dx, dwi, dwh, dbi, dbh, steps, count,
    wide: tl.constexpr, padded: tl.constexpr, units: tl.constexpr, block: tl.constexpr,
):
    pid = tl.program_id(0)
    m = pid * block + tl.arange(0, block)
    u, i = tl.arange(0, units), tl.arange(0, padded)
    size: tl.constexpr = units * wide
    square: tl.constexpr = units * units
    wir, wiz, win, whr, whz, whn, br, bz, bin_, bhn = _weights(wi, wh, bi, bh, u, i, wide, units)
    there = m[:, None] < count
    dh = tl.zeros([block, units], tl.float32)
    dwir, dwiz, dwin = tl.zeros([units, padded], tl.float32), tl.zeros([units, padded], tl.float32), tl.zeros([units, padded], tl.float32)
    dwhr, dwhz, dwhn = tl.zeros([units, units], tl.float32), tl.zeros([units, units], tl.float32), tl.zeros([units, units], tl.float32)
    dbr, dbz, dbn, dbm = tl.zeros([units], tl.float32), tl.zeros([units], tl.float32), tl.zeros([units], tl.float32), tl.zeros([units], tl.float32)
    for back in range(steps):
        t = steps - 1 - back
        row = t * count + m[:, None]
        xt = tl.load(x + row * wide + i[None, :], mask=there & (i[None, :] < wide), other=0.0)
        h = tl.load(out + (row - count) * units + u[None, :], mask=there & (t > 0), other=0.0)
        dh += tl.load(dout + row * units + u[None, :], mask=there, other=0.0)
        r = tl.sigmoid(_product(xt, wir) + _product(h, whr) + br)
        z = tl.sigmoid(_product(xt, wiz) + _product(h, whz) + bz)
        hn = _product(h, whn) + bhn
        n = _tanh(_product(xt, win) + bin_ + r * hn)
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (h - n) * z * (1 - z)
        dr = dn * hn * r * (1 - r)
        dm = dn * r
        dh = dh * z + _product(dr, tl.trans(whr)) + _product(dz, tl.trans(whz)) + _product(dm, tl.trans(whn))
        got = _product(dr, tl.trans(wir)) + _product(dz, tl.trans(wiz)) + _product(dn, tl.trans(win))
        tl.store(dx + row * wide + i[None, :], got, mask=there & (i[None, :] < wide))
        dwir += _product(tl.trans(dr), xt)
        dwiz += _product(tl.trans(dz), xt)
        dwin += _product(tl.trans(dn), xt)
        dwhr += _product(tl.trans(dr), h)
        dwhz += _product(tl.trans(dz), h)
        dwhn += _product(tl.trans(dm), h)
        dbr += tl.sum(dr, 0)
        dbz += tl.sum(dz, 0)
        dbn += tl.sum(dn, 0)
        dbm += tl.sum(dm, 0)
    # One part of the sums for each program.
    within = i[None, :] < wide
    at = dwi + pid * 3 * size + u[:, None] * wide + i[None, :]
    tl.store(at, dwir, mask=within)
    tl.store(at + size, dwiz, mask=within)
    tl.store(at + 2 * size, dwin, mask=within)
    at = dwh + pid * 3 * square + u[:, None] * units + u[None, :]
    tl.store(at, dwhr)
    tl.store(at + square, dwhz)
    tl.store(at + 2 * square, dwhn)
    at = dbi + pid * 3 * units + u
    tl.store(at, dbr)
    tl.store(at + units, dbz)
    tl.store(at + 2 * units, dbn)
    at = dbh + pid * 3 * units + u
    tl.store(at, dbr)
    tl.store(at + units, dbz)
    tl.store(at + 2 * units, dbm)


class _Gru(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, wi: Tensor, wh: Tensor, bi: Tensor, bh: Tensor) -> Tensor:
        """X [T, M, I] to hidden states [T, M, H], from a zero state."""
        x = x.contiguous()
        steps, count, wide = x.shape
        units = wh.shape[1]
        out = x.new_empty(steps, count, units)
        shape = {"wide": wide, "padded": max(16, triton.next_power_of_2(wide)), "units": units, "block": BLOCK}
        _forward[(triton.cdiv(count, BLOCK),)](x, wi, wh, bi, bh, out, steps, count, **shape)
        ctx.save_for_backward(x, wi, wh, bi, bh, out)
        ctx.shape = shape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, dout: Tensor):  # type: ignore[override]
        """Gradients of all five inputs."""
        x, wi, wh, bi, bh, out = ctx.saved_tensors
        steps, count, _ = x.shape
        programs = triton.cdiv(count, BLOCK)
        dx = torch.empty_like(x)
        parts = [w.new_empty(programs, *w.shape) for w in (wi, wh, bi, bh)]
        _backward[(programs,)](x, wi, wh, bi, bh, out, dout.contiguous(), dx, *parts, steps, count, **ctx.shape)
        return (dx, *(p.sum(0) for p in parts))


def run(layer: torch.nn.GRU, x: Tensor) -> Tensor:
    """`layer` (one layer, time first, a power of two of at least 16 units) over x [T, M, I] from a zero state."""
    return _Gru.apply(x, layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0)
