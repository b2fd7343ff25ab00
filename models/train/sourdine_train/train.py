"""The trainer: warm-up, constant rate, decay; averaged weights; checkpoints to go on from."""

from __future__ import annotations

import copy
import csv
import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from . import mixing, weights
from .corpus import Corpus
from .layout import FEATURES, HOP, RATE
from .loss import Criterion
from .mixing import Batch
from .model import Net
from .muon import Muon
from .recipe import Loss, Optimizer, Recipe
from .weights import Checkpoint

STOP = -1.0
"""Instead of a share of the learning rate: the other processes end."""


def optimizers(net: Net, o: Optimizer) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """AdamW for the layers next to the groups and for all biases; Muon for the hidden matrices, gate by gate."""
    gates = [p for n, p in net.named_parameters() if n.startswith(("gru.", "group_")) and p.ndim > 1]
    whole = [net.gather.weight, net.spread.weight]
    hidden = {id(p) for p in (*gates, *whole)}
    rest = [p for p in net.parameters() if id(p) not in hidden]
    adam = torch.optim.AdamW(
        [
            {"params": [p for p in rest if p.ndim > 1], "weight_decay": o.weight_decay},
            {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=o.lr, betas=(0.9, 0.98),
    )
    return adam, Muon([{"params": gates, "stacks": 3}, {"params": whole}], lr=o.muon_lr, weight_decay=o.muon_decay)


def rate(step: int, warmup: int, decayed: float | None) -> float:
    """Share of the full learning rates: warm-up, then 1; `decayed` runs 0..1 through the decay, which ends at 1 % (1 - sqrt)."""
    share = min(1.0, (step + 1) / warmup)
    return share if decayed is None else share * max(0.01, 1 - math.sqrt(min(1.0, decayed)))


class Trainer:
    """Network, average, optimizers and counters of one run in one folder."""

    def __init__(self, run: Path, corpus: Corpus, recipe: Recipe, start: Checkpoint | None = None, device: str = "cpu", how: str = "") -> None:
        self.run, self.recipe, self.device = run, recipe, torch.device(device)
        run.mkdir(parents=True, exist_ok=True)
        self.rank, self.ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        torch.manual_seed(recipe.seed)
        self.steps, self.seconds, self.history = 0, 0.0, [how] if how else []
        net = Net(recipe.network.hidden, recipe.network.layers)
        average = copy.deepcopy(net)
        if start:
            net.load_state_dict(weights.widened(start.net, net))
            average.load_state_dict(weights.widened(start.average, average))
            self.steps, self.seconds, self.history = start.steps, start.seconds, [*start.history, *self.history]
        self.net, self.average = net.to(self.device), average.to(self.device)
        self.optimizers = optimizers(self.net, recipe.optimizer)
        self.warm_from = self.steps
        seed = recipe.seed + self.steps * 7 + self.rank
        corpus = corpus.to(self.device)
        self.short = mixing.kept(corpus, recipe, self.device, seed)
        self.long = mixing.kept(corpus, recipe, self.device, seed, long=True) if recipe.batches.long_share else None
        if not start:
            self._standardise()
        elif start.training and start.recipe.network == recipe.network:
            for opt, state in zip(self.optimizers, start.training["optimizers"], strict=True):
                rates = [{k: g[k] for k in ("lr", "weight_decay")} for g in opt.param_groups]
                opt.load_state_dict(state)
                for g, r in zip(opt.param_groups, rates, strict=True):
                    g.update(r)
            self.warm_from = self.steps - recipe.optimizer.warmup
        self.criterion = Criterion(recipe.sharpness, recipe.smoothing, self.device)
        self.forward = self._graphed()
        self.stop = False

    def _standardise(self) -> None:
        """Mean and deviation of the levels of bands that count."""
        batch = Batch.cat([self.short.batch(32) for _ in range(8)])
        bands = self.net.mean.shape[0]
        x, w = batch.features[..., :bands], batch.counts.expand(-1, batch.features.shape[1], -1)
        mean = (x * w).sum((0, 1)) / w.sum((0, 1))
        var = ((x - mean).square() * w).sum((0, 1)) / w.sum((0, 1))
        for net in (self.net, self.average):
            net.mean.copy_(mean)
            net.rstd.copy_((var + 1e-4).rsqrt())

    def _graphed(self):
        """The network as CUDA graphs, one for short and one for long clips: a step waits for kernel launches otherwise."""
        b = self.recipe.batches
        graphs = {}
        if self.device.type != "cuda":
            return self.net
        for clips, seconds in {(b.clips, b.seconds), (b.long_clips, b.long_seconds)}:
            sample = torch.randn(clips, round(seconds * RATE / HOP), FEATURES, device=self.device)
            try:
                graphs[sample.shape] = torch.cuda.make_graphed_callables(nn.Sequential(self.net), (sample,))
            except RuntimeError as e:
                print(f"no CUDA graphs: {e}", flush=True)
                return self.net
        return lambda x: graphs[x.shape](x)

    @property
    def hours(self) -> float:
        """Audio-hours seen."""
        return self.seconds / 3600

    def checkpoint(self, *, training: bool = True) -> Checkpoint:
        """Everything needed to go on."""
        def cpu(net: Net) -> weights.State:
            return {k: v.detach().cpu().clone() for k, v in net.state_dict().items()}

        more = {"optimizers": [o.state_dict() for o in self.optimizers]} if training else {}
        return Checkpoint(self.recipe, cpu(self.net), cpu(self.average), self.steps, self.seconds, self.history, more)

    def step(self, share: float) -> dict[str, Tensor]:
        """One update at a share of the full learning rates."""
        o = self.recipe.optimizer
        for opt, lr in zip(self.optimizers, (o.lr, o.muon_lr), strict=True):
            for g in opt.param_groups:
                g["lr"] = lr * share
        b = self.recipe.batches
        # Every process draws the same here: one with short clips would wait for one with long ones.
        if self.long and np.random.default_rng([self.recipe.seed, self.steps]).random() < b.long_share:
            batch = self.long.batch(b.long_clips)
        else:
            batch = self.short.batch(b.clips)
        losses = self.recipe.loss
        self.net.zero_grad(set_to_none=True)
        with weights.rounded(self.net, self.recipe.weight_steps):
            loss, terms = self.criterion(self.forward(batch.features), batch, losses[self.steps % len(losses)])
            loss.backward()
        if self.ranks > 1:
            self._mean_gradient()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), o.grad_clip)
        if torch.isfinite(norm):
            for opt in self.optimizers:
                opt.step()
        self.steps += 1
        self.seconds += self.ranks * batch.seconds
        k = min(o.ema, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), 1 - k)
        return {"loss": loss.detach(), **terms, "gradient": norm}

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


class Log:
    """Means of every term over a number of steps, as CSV and on the terminal."""

    COLUMNS = ("loss", "spectral", "over", "voice", "annoyance", "intelligibility", "attenuation", "distance", "distortion", "gradient")

    def __init__(self, path: Path, every: int = 100) -> None:
        fresh = not path.exists()
        self.file = open(path, "a", newline="")
        self.out, self.every = csv.writer(self.file), every
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        if fresh:
            self.out.writerow(["steps", "hours", "rate", *self.COLUMNS, "wall_s"])

    def add(self, steps: int, hours: float, share: float, terms: dict[str, Tensor], wall: float) -> None:
        """One step; writes a line when there are enough."""
        for k, v in terms.items():
            self.sums[k] = self.sums.get(k, 0) + v
            self.counts[k] = self.counts.get(k, 0) + 1
        if steps % self.every:
            return
        mean = {k: float(v) / self.counts[k] for k, v in self.sums.items()}
        self.out.writerow([steps, f"{hours:.3f}", f"{share:.4f}", *(f"{mean[k]:.5f}" if k in mean else "" for k in self.COLUMNS), f"{wall:.0f}"])
        self.file.flush()
        print(f"step {steps} {hours:.2f} h rate {share:.3f} " + " ".join(f"{k} {v:.4f}" for k, v in mean.items()), flush=True)
        self.sums, self.counts = {}, {}


def train(run: Path, corpus: Corpus, recipe: Recipe, start: Checkpoint | None = None, *, device: str = "cpu", how: str = "", **limits: float) -> Checkpoint:
    """Makes a trainer and lets it run; `limits` are those of `fit`.

    Under `torchrun --nproc-per-node 2 -m --` two processes share every step, each with a batch of its own; the first one writes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        dist.init_process_group("gloo")
    if device == "cpu":
        torch.set_num_threads(1)
    t = Trainer(run, corpus, recipe, start, device, how)
    if not t.rank:
        return fit(t, **limits)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # The first process says when to end.
    while (share := t.together(STOP)) != STOP:
        t.step(share)
    _part()
    return t.checkpoint()


def fit(t: Trainer, *, minutes: float = 0, decay_minutes: float = 0, steps: int = 0, every: float = 10.0, log_every: int = 100) -> Checkpoint:
    """Trains for `minutes` of wall time (0: until SIGTERM) or so many `steps`; with `decay_minutes` the rates fall in the last of them.

    A file named `decay` in the run folder with a number of minutes in it starts the decay at once. `every` is the time in
    minutes between checkpoints, `log_every` that in steps between lines of the log.
    """
    signal.signal(signal.SIGTERM, lambda *_: setattr(t, "stop", True))
    begun = saved = time.monotonic()
    decay_from: float | None = None
    decay_for = decay_minutes * 60
    last = t.steps + steps
    log = Log(t.run / "log.csv", log_every)
    while not t.stop and not (steps and t.steps >= last):
        now = time.monotonic()
        if decay_from is None:
            flag = t.run / "decay"
            if flag.exists():
                decay_for = float(flag.read_text()) * 60
                flag.unlink()
                decay_from = now
            elif minutes and decay_minutes and now - begun > minutes * 60 - decay_for:
                decay_from = now
            if decay_from is not None:
                weights.save_checkpoint(t.checkpoint(), t.run / "stable.pt")
                print(f"decay begins at {t.hours:.1f} h", flush=True)
        decayed = None if decay_from is None else (now - decay_from) / decay_for
        if (decayed is not None and decayed >= 1) or (minutes and not decay_minutes and now - begun > minutes * 60):
            break
        share = rate(t.steps - t.warm_from, t.recipe.optimizer.warmup, decayed)
        log.add(t.steps + 1, t.hours, share, t.step(t.together(share)), now - begun)
        if now - saved > every * 60:
            weights.save_checkpoint(t.checkpoint(), t.run / "last.pt")
            saved = now
    t.together(STOP)
    if t.ranks > 1:
        _part()
    end = t.checkpoint()
    weights.save_checkpoint(end, t.run / "last.pt")
    if decay_from is not None:
        weights.save_checkpoint(end, t.run / "final.pt")
    print(f"stopped at {t.hours:.2f} h", flush=True)
    return end


def _part() -> None:
    """Ends the group of processes, together: left to the interpreter's end, gloo's threads sometimes abort it."""
    dist.barrier()
    dist.destroy_process_group()


@torch.no_grad()
def held_out_loss(checkpoint: Checkpoint, batches: list[Batch], beta: float) -> dict[str, float]:
    """Mean terms of a checkpoint's averaged weights over batches."""
    net, criterion = checkpoint.model(), Criterion(1.0, 0.0)
    kind = Loss(beta=beta)
    sums: dict[str, float] = {}
    for batch in batches:
        total, terms = criterion(net(batch.features), batch, kind)
        for k, v in {"loss": total, **terms}.items():
            sums[k] = sums.get(k, 0.0) + float(v) / len(batches)
    return sums
