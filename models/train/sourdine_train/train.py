"""The trainer: closed-form band loss, AdamW, warm-up / stable / decay schedule, weight averaging, resumable checkpoints."""

from __future__ import annotations

import copy
import csv
import json
import math
import os
import signal
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as nnf
from torch import Tensor

from . import container
from .augment import COMPRESS
from .device import Mixing, Ring
from .features import BANDS, HOP, INPUTS, RATE, WIDTH
from .model import Net
from .muon import Muon
from .perceptual import Ear
from .pool import Pool, probe, shards

A_AT, P_AT, CLEAN_AT, HEARD_AT = (slice(INPUTS + k * BANDS, INPUTS + (k + 1) * BANDS) for k in range(4))
"""Where the loss coefficients and the levels of what is clean and of what the gains are for lie in a batch."""

RING_SHARE = 0.5
"""Of a GPU's memory that the pools fill."""

REFINED = {"sharpness": 1.0, "intelligibility": 3.0, "attenuation": 0.008, "distance": 0.1}
"""What every second step of an alternating run hears: the gains as the engine leaves them, by how alike envelopes are."""

STOP = -1.0
"""Instead of a share of the learning rate: the other processes end."""


@dataclass
class Config:
    """What a run is made of; written into every checkpoint."""

    hidden: int = 192
    layers: int = 2
    batch: int = 16
    lr: float = 2e-3
    muon_lr: float = 0.02
    weight_decay: float = 1e-3
    muon_decay: float = 0.2
    dropout: float = 0.15
    vary: float = 1.0
    warmup: int = 80
    beta: float = 0.4
    vad: float = 0.05
    annoyance: float = 0.0
    intelligibility: float = 0.0
    attenuation: float = 0.0
    distance: float = 0.0
    tilt: float = 0.5
    ema: float = 0.999
    grad_clip: float = 1.0
    comb: float = 0.0
    sharpness: float | None = None
    alternate: bool = False
    long_batch: int = 6
    long_share: float = 0.25
    seed: int = 1


def band_weights(tilt: float) -> Tensor:
    """width^-tilt: with 0 every bin counts alike (most bins lie above 3 kHz), with 1 every band."""
    return torch.from_numpy(WIDTH**-tilt).float()


def loss_terms(logits: Tensor, batch: Tensor, weights: Tensor, cfg: Config, ear: Ear | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch [N, T, 813] as `Pool.batch` draws it.

    Spectral part: u^2 A - 2 u P with u = g^0.3 (B is constant), plus beta * relu(P / A - u)^2 A, which makes a gain
    below the best one dearer than a gain above it. Each clip is divided by its own weighted energy. With an `ear`, what is
    heard of the difference is added (`perceptual`), with a `sharpness` of the gains as `refine` leaves them.
    """
    a, p = batch[..., A_AT] * weights, batch[..., P_AT] * weights
    u = torch.exp(COMPRESS * nnf.logsigmoid(logits[..., :BANDS]))
    norm = a.sum((1, 2), keepdim=True) + 1e-3
    best = p / (a + 1e-6)
    excess = (u - best).square() * a
    under = (best - u).clamp(min=0).square() * a
    spec = (excess / norm).sum((1, 2)).mean()
    over = (under / norm).sum((1, 2)).mean()
    vad = nnf.binary_cross_entropy_with_logits(logits[..., BANDS], batch[..., -1])
    total = spec + cfg.beta * over + cfg.vad * vad
    terms = {"spec": spec.detach(), "over": over.detach(), "vad": vad.detach()}
    speech = batch[..., -1].amax(1) > 0
    if ear and speech.any():
        noisy, clean, combed = (100 ** batch[speech, :, at] for at in (slice(BANDS), CLEAN_AT, HEARD_AT))
        there = (batch[speech, :, A_AT] > 0).float()
        gain, clean = logits[speech, :, :BANDS], clean * there
        gain = torch.sigmoid(gain) if cfg.sharpness is None else ear.refined(gain, noisy, cfg.sharpness)
        heard = gain.square() * combed * there
        annoyance = ear.annoyance(heard, clean).mean()
        intelligibility = ear.intelligibility(heard, clean).mean()
        attenuation = ear.attenuation(gain, clean).mean()
        distance = ear.distance(heard, clean).mean()
        total = total + cfg.annoyance * annoyance - cfg.intelligibility * intelligibility + cfg.attenuation * attenuation + cfg.distance * distance
        measures = {"annoyance": annoyance, "intelligibility": intelligibility, "attenuation": attenuation, "distance": distance}
        terms |= {k: v.detach() for k, v in measures.items()}
    return total, terms


SMOOTH = np.stack([np.interp(np.linspace(0, 6, BANDS), np.arange(7), row) for row in np.eye(7)])
"""Seven points, evenly spread, to a value for every band."""


def vary(batch: Tensor, rng: np.random.Generator, amount: float) -> None:
    """Gives every clip another level and another smooth response, in place: one more way in which a clip is not the same twice.

    A gain h on speech and noise alike adds log10(h) to the levels and multiplies A and P (powers of 0.6) by h^0.6;
    bands that are masked stay so. Up to 8 dB of level, 6 dB of response with `amount` 1.
    """
    n = batch.shape[0]
    db = rng.normal(0, 3, (n, 7)) @ SMOOTH + rng.uniform(-8, 8, (n, 1))
    log_h = torch.from_numpy(db * (amount / 20)).float().to(batch.device)[:, None, :]
    batch[..., :BANDS] += log_h
    batch[..., CLEAN_AT] += log_h
    batch[..., HEARD_AT] += log_h
    scale = 10 ** (2 * COMPRESS * log_h)
    batch[..., A_AT] *= scale
    batch[..., P_AT] *= scale


def statistics(pool: Pool | Ring, clips: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """Mean and 1 / deviation of every feature over unmasked bands."""
    x = np.asarray(torch.as_tensor(pool.batch(clips)).cpu())
    f, ok = x[..., :BANDS], x[..., A_AT] > 0
    n = ok.sum((0, 1))
    mean = (f * ok).sum((0, 1)) / n
    var = (((f - mean) * ok) ** 2).sum((0, 1)) / n
    return mean.astype(np.float32), (1 / np.sqrt(var + 1e-4)).astype(np.float32)


def loss_over(checkpoint: Path, folder: Path, beta: float) -> dict[str, float]:
    """Mean loss terms of a checkpoint's averaged weights over a pool, every speech in it with one background, always the same."""
    s = read(checkpoint)
    cfg = Config(**{**s["config"], "beta": beta})
    net = Net(cfg.hidden, cfg.layers)
    net.load_state_dict(s["avg"])
    weights = band_weights(cfg.tilt)
    sums: dict[str, float] = {}
    paths = shards(folder)
    with torch.no_grad():
        for path in paths:
            batch = torch.from_numpy(probe(path))
            total, terms = loss_terms(net(batch[..., :INPUTS]), batch, weights, cfg)
            for k, v in {"loss": total, **terms}.items():
                sums[k] = sums.get(k, 0.0) + float(v) / len(paths)
    return sums


def snapshot(checkpoint: Path, out: Path) -> None:
    """Writes the weights and their average as float16, without the optimizer: small enough to keep in a repository."""
    s = read(checkpoint)
    tensors = {f"{part}.{k}": v.numpy().astype(np.float16 if v.ndim and "feat_" not in k else np.float32) for part in ("net", "avg") for k, v in s[part].items()}
    container.save(out, tensors, {"config": json.dumps(s["config"]), "steps": str(s["steps"]), "seconds": str(s["seconds"])})


def read(path: Path) -> dict[str, Any]:
    """A checkpoint (.pt) or what `snapshot` makes of one (.safetensors)."""
    if path.suffix != ".safetensors":
        return torch.load(path, weights_only=False, map_location="cpu")
    t, meta = container.load(path)
    parts = {p: {k.split(".", 1)[1]: torch.from_numpy(v.astype(np.float32)) for k, v in t.items() if k.startswith(p)} for p in ("net", "avg")}
    return {"config": json.loads(meta["config"]), "steps": int(meta["steps"]), "seconds": float(meta["seconds"]), **parts}


class Trainer:
    """Model, average, optimizer and counters of one run in one folder."""

    def __init__(self, run: Path, pool: Path, cfg: Config, resume: Path | None = None, long_pool: Path | None = None, device: str = "cpu") -> None:
        torch.set_num_threads(1)
        torch.manual_seed(cfg.seed)
        self.run, self.cfg = run, cfg
        self.rank, self.ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        run.mkdir(parents=True, exist_ok=True)
        self.device = torch.device(device)
        state = read(resume) if resume else None
        if state:
            self.cfg = cfg = Config(**{**state["config"], **{k: v for k, v in asdict(cfg).items() if k not in ("hidden", "layers")}})
        self.rng = np.random.default_rng(cfg.seed)
        self.pool, self.long = self._pools(pool, long_pool)
        self.net = Net(cfg.hidden, cfg.layers, cfg.dropout).to(self.device)
        self.steps, self.seconds, self.warm_from = 0, 0.0, 0
        self.opts = optimizers(self.net, cfg)
        if state:
            self.net.load_state_dict(state["net"])
            self.steps, self.seconds = state["steps"], state["seconds"]
            if "opts" in state:
                for opt, old in zip(self.opts, state["opts"], strict=True):
                    decays = [g["weight_decay"] for g in opt.param_groups]
                    opt.load_state_dict(old)
                    for g, decay in zip(opt.param_groups, decays, strict=True):
                        g["weight_decay"] = decay
                self.rng.bit_generator.state = state["rng"]
                torch.set_rng_state(state["torch_rng"])
            else:
                self.warm_from = self.steps
        else:
            mean, rstd = statistics(self.pool)
            self.net.feat_mean.copy_(torch.from_numpy(mean))
            self.net.feat_rstd.copy_(torch.from_numpy(rstd))
        self.avg = copy.deepcopy(self.net)
        if state:
            self.avg.load_state_dict(state["avg"])
        self.weights = band_weights(cfg.tilt).to(self.device)
        self.ear = Ear(self.device) if cfg.annoyance or cfg.intelligibility or cfg.attenuation or cfg.distance or cfg.alternate else None
        self.stop = False
        if self.rank:
            self.rng.bit_generator.state = np.random.default_rng([cfg.seed, self.steps, self.rank]).bit_generator.state
            torch.manual_seed(int(self.rng.integers(2**31)))

    def _pools(self, pool: Path, long_pool: Path | None) -> tuple[Pool | Ring, Pool | Ring | None]:
        """The pools of short and of long clips; on a GPU in its memory."""
        if self.device.type == "cpu":
            return Pool(pool, self.rng, self.cfg.comb), Pool(long_pool, self.rng, self.cfg.comb) if long_pool else None
        mixing = Mixing(self.device, int(self.rng.integers(2**31)), comb=self.cfg.comb)
        room = torch.cuda.get_device_properties(self.device).total_memory * RING_SHARE
        if not long_pool:
            return Ring(pool, mixing, room), None
        return Ring(pool, mixing, room * 0.7), Ring(long_pool, mixing, room * 0.3)

    @property
    def hours(self) -> float:
        """Audio-hours seen."""
        return self.seconds / 3600

    def save(self, name: str = "last.pt") -> None:
        """Everything needed to go on."""
        state = {
            "config": asdict(self.cfg), "net": self.net.state_dict(), "avg": self.avg.state_dict(), "opts": [o.state_dict() for o in self.opts],
            "steps": self.steps, "seconds": self.seconds, "rng": self.rng.bit_generator.state,
            "torch_rng": torch.get_rng_state(),
        }
        tmp = self.run / f"{name}.tmp"
        torch.save(state, tmp)
        os.replace(tmp, self.run / name)

    def step(self, share: float) -> dict[str, Tensor]:
        """One update at a share of the full learning rates."""
        for opt, lr in zip(self.opts, (self.cfg.lr, self.cfg.muon_lr), strict=True):
            for g in opt.param_groups:
                g["lr"] = lr * share
        # Every process draws the same here: one with a short batch would wait for one with a long batch.
        if self.long and np.random.default_rng([self.cfg.seed, self.steps]).random() < self.cfg.long_share:
            batch = torch.as_tensor(self.long.batch(self.cfg.long_batch))
        else:
            batch = torch.as_tensor(self.pool.batch(self.cfg.batch))
        vary(batch, self.rng, self.cfg.vary)
        cfg = replace(self.cfg, **REFINED) if self.cfg.alternate and self.steps % 2 == 0 else self.cfg
        loss, terms = loss_terms(self.net(batch[..., :INPUTS]), batch, self.weights, cfg, self.ear)
        self.net.zero_grad(set_to_none=True)
        loss.backward()
        if self.ranks > 1:
            self._mean_gradient()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.cfg.grad_clip)
        if torch.isfinite(norm):
            for opt in self.opts:
                opt.step()
        self.steps += 1
        self.seconds += self.ranks * batch.shape[0] * batch.shape[1] * HOP / RATE
        k = min(self.cfg.ema, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for a, b in zip(self.avg.parameters(), self.net.parameters(), strict=True):
                a.lerp_(b, 1 - k)
        return {"loss": loss.detach(), **terms, "grad": norm}

    def _mean_gradient(self) -> None:
        grads = [p.grad for p in self.net.parameters() if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in grads])
        dist.all_reduce(flat)
        for g, part in zip(grads, flat.div_(self.ranks).split([g.numel() for g in grads]), strict=True):
            g.copy_(part.view_as(g))

    def together(self, share: float) -> float:
        """The first process's value, in all of them: their clocks differ."""
        if self.ranks == 1:
            return share
        t = torch.tensor([share], dtype=torch.float64)
        dist.broadcast(t, 0)
        return float(t)


def optimizers(net: Net, cfg: Config) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """AdamW for the layers next to the groups and for all biases; Muon for the hidden matrices, gate by gate."""
    gates = [p for n, p in net.named_parameters() if n.startswith(("gru.", "group_")) and p.ndim > 1]
    whole = [net.gather.weight, net.spread.weight]
    hidden = {id(p) for p in (*gates, *whole)}
    rest = [p for p in net.parameters() if id(p) not in hidden]
    adam = torch.optim.AdamW(
        [
            {"params": [p for p in rest if p.ndim > 1], "weight_decay": cfg.weight_decay},
            {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=cfg.lr,
        betas=(0.9, 0.98),
    )
    return adam, Muon([{"params": gates, "stacks": 3}, {"params": whole}], lr=cfg.muon_lr, weight_decay=cfg.muon_decay)


def rate(step: int, warmup: int, fade: float | None) -> float:
    """The share of the full learning rate: warm-up, then 1; `fade` runs 0..1 through the decay, which ends at 1 % (1 - sqrt)."""
    share = min(1.0, (step + 1) / warmup)
    return share if fade is None else share * max(0.01, 1 - math.sqrt(min(1.0, fade)))


def _part() -> None:
    """Ends the group of processes, together: left to the interpreter's end, gloo's threads sometimes abort it."""
    dist.barrier()
    dist.destroy_process_group()


def train(
    run: Path, pool: Path, cfg: Config, resume: Path | None, minutes: float, decay_minutes: float, every: float = 10.0,
    long_pool: Path | None = None, device: str = "cpu", steps: int = 0,
) -> None:
    """Trains for `minutes` of wall time (0: until stopped by SIGTERM) or up to so many `steps`; with `decay_minutes` the last of them anneal.

    Under `torchrun --nproc-per-node 2 -m --` two processes share every step, each with a batch of its own; the first one writes.
    A file named `decay` in the run folder with a number of minutes in it starts the decay at once.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        dist.init_process_group("gloo")
    t = Trainer(run, pool, cfg, resume, long_pool, device)
    if t.rank:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # The first process says when to end.
        while (share := t.together(STOP)) != STOP:
            t.step(share)
        _part()
        return
    signal.signal(signal.SIGTERM, lambda *_: setattr(t, "stop", True))
    start = saved = time.monotonic()
    fade_from: float | None = None
    fade_for = decay_minutes * 60
    log = run / "log.csv"
    fresh = not log.exists()
    acc: dict[str, Tensor] = {}
    count = 0
    with open(log, "a", newline="") as f:
        out = csv.writer(f)
        if fresh:
            out.writerow(["steps", "hours", "rate", "loss", "spec", "over", "vad", "grad", "wall_s"])
        while not t.stop and not (steps and t.steps >= steps):
            now = time.monotonic()
            if fade_from is None:
                flag = run / "decay"
                if flag.exists():
                    fade_for = float(flag.read_text()) * 60
                    flag.unlink()
                    fade_from = now
                elif minutes and decay_minutes and now - start > minutes * 60 - fade_for:
                    fade_from = now
                if fade_from is not None:
                    t.save("stable.pt")
                    print(f"decay begins at {t.hours:.1f} h", flush=True)
            fade = None if fade_from is None else (now - fade_from) / fade_for
            if (fade is not None and fade >= 1) or (minutes and not decay_minutes and now - start > minutes * 60):
                break
            share = rate(t.steps - t.warm_from, t.cfg.warmup, fade)
            for k, v in t.step(t.together(share)).items():
                acc[k] = acc.get(k, 0) + v
            count += 1
            if t.steps % 100 == 0:
                m = {k: float(v) / count for k, v in acc.items()}
                wall = now - start
                out.writerow([t.steps, f"{t.hours:.3f}", f"{share:.4f}"] + [f"{m[k]:.5f}" for k in ("loss", "spec", "over", "vad", "grad")] + [f"{wall:.0f}"])
                f.flush()
                print(f"step {t.steps} {t.hours:.2f} h rate {share:.3f} " + " ".join(f"{k} {v:.4f}" for k, v in m.items()), flush=True)
                acc, count = {}, 0
            if now - saved > every * 60:
                t.save()
                t.save(f"at_{t.hours:06.1f}h.pt")
                saved = now
    t.together(STOP)
    if t.ranks > 1:
        _part()
    t.save()
    if fade_from is not None:
        t.save("final.pt")
    (run / "config.json").write_text(json.dumps(asdict(t.cfg), indent=1))
    print(f"stopped at {t.hours:.2f} h", flush=True)
