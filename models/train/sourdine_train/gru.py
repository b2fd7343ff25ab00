"""A GRU layer for training on a CPU, with backpropagation through time written out.

`nn.GRU` on the CPU accumulates the gradient of the recurrent weights at every time step. Here everything that does not
depend on the recurrence (all weight gradients, the derivatives of the gates) is one large operation over the sequence;
what stays in the loop is one small matrix product and three elementwise operations. Same equations, same parameters.
On a GPU cuDNN does all that better, and `gru_cuda` where the layer is small.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


class _Gru(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, wi: Tensor, wh: Tensor, bi: Tensor, bh: Tensor) -> Tensor:
        """X [T, N, I] to hidden states [T, N, H], from a zero state."""
        t, n, _ = x.shape
        h3 = wi.shape[0]
        h = h3 // 3
        gi = torch.addmm(bi, x.reshape(t * n, -1), wi.T).view(t, n, h3)
        gi[..., : 2 * h] += bh[: 2 * h]
        bhn = bh[2 * h :]
        rz = x.new_empty(t, n, 2 * h)
        new = x.new_empty(t, n, h)
        ghn = x.new_empty(t, n, h)
        hs = x.new_zeros(t + 1, n, h)
        wt = wh.T.contiguous()
        wt_rz, wt_n = wt[:, : 2 * h].contiguous(), wt[:, 2 * h :].contiguous()
        for i in range(t):
            prev = hs[i]
            a = rz[i]
            torch.addmm(gi[i, :, : 2 * h], prev, wt_rz, out=a)
            a.sigmoid_()
            g = ghn[i]
            torch.addmm(bhn, prev, wt_n, out=g)
            c = new[i]
            torch.addcmul(gi[i, :, 2 * h :], a[:, :h], g, out=c)
            c.tanh_()
            torch.lerp(c, prev, a[:, h:], out=hs[i + 1])
        ctx.save_for_backward(x, wi, wh, rz, new, ghn, hs)
        return hs[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, dout: Tensor):  # type: ignore[override]
        """Gradients of all five inputs."""
        x, wi, wh, rz, new, ghn, hs = ctx.saved_tensors
        t, n, h = new.shape
        r, z = rz[..., :h], rz[..., h:].contiguous()
        kn = (1 - z) * (1 - new * new)
        k = x.new_empty(t, n, 3, h)
        torch.mul(kn * ghn, r * (1 - r), out=k[:, :, 0])
        torch.mul(hs[:-1] - new, z * (1 - z), out=k[:, :, 1])
        torch.mul(kn, r, out=k[:, :, 2])
        dgh = torch.empty_like(k)
        dhs = torch.empty_like(new)
        dh = dout[t - 1].clone()
        for i in range(t - 1, -1, -1):
            dhs[i] = dh
            torch.mul(dh.unsqueeze(1), k[i], out=dgh[i])
            dh = dh * z[i]
            if i:
                dh += dout[i - 1]
            dh.addmm_(dgh[i].view(n, 3 * h), wh)
        flat = dgh.view(t * n, 3 * h)
        dwh = flat.T @ hs[:-1].reshape(t * n, h)
        dbh = flat.sum(0)
        torch.mul(dhs, kn, out=dgh[:, :, 2])
        dwi = flat.T @ x.reshape(t * n, -1)
        dx = (flat @ wi).view_as(x) if ctx.needs_input_grad[0] else None
        return dx, dwi, dwh, flat.sum(0), dbh


def run(layer: torch.nn.GRU, x: Tensor) -> Tensor:
    """`layer` (one layer, time first) over x [T, N, I] from a zero state."""
    if x.is_cuda:
        if layer.hidden_size > 32:
            return layer(x)[0]
        from . import gru_cuda

        return gru_cuda.run(layer, x)
    return _Gru.apply(x, layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0)
