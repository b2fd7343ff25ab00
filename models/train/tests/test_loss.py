"""The loss is least where it should be, and says what it says it does."""

import torch

from sourdine_train import mixing
from sourdine_train.layout import BANDS, FILTERED
from sourdine_train.loss import Criterion
from sourdine_train.mixing import COMPRESS, Batch
from sourdine_train.model import Output
from sourdine_train.recipe import Loss


def output(batch: Batch, gains: torch.Tensor, filters: torch.Tensor | None = None) -> Output:
    n, t = batch.voice.shape
    filters = torch.zeros(n, t, FILTERED, 3, dtype=torch.complex64) if filters is None else filters
    return Output(torch.logit(gains, 1e-6), torch.zeros(n, t), filters)


def batch_of(corpus, small) -> Batch:
    return mixing.kept(corpus, small, "cpu", 3).batch(6)


def test_without_a_filter_the_best_gain_is_that_of_the_closed_form(corpus, small):
    batch = batch_of(corpus, small)
    best = (batch.p / (batch.a + 1e-6)).clamp(0.02, 0.98) ** (1 / COMPRESS)
    criterion, kind = Criterion(1.0, 0.9), Loss(beta=0.0, voice=0.0)
    losses = [float(criterion(output(batch, g), batch, kind)[0]) for g in (best, best.sqrt(), best.square(), torch.ones_like(best))]
    assert losses[0] == min(losses) and losses[0] >= 0
    over = [float(criterion(output(batch, g), batch, kind)[1]["over"]) for g in (best.square(), best, best.sqrt())]
    assert over[0] > over[1] >= 0 and over[2] < over[0]


def test_a_filter_that_gives_the_target_beats_every_gain(corpus, small):
    batch = batch_of(corpus, small)
    x = batch.taps[..., 0]
    wanted = (batch.target - batch.low) / torch.where(x.abs() > 1e-6, x, torch.ones_like(x))
    filters = torch.zeros(*batch.voice.shape, FILTERED, 3, dtype=torch.complex64)
    filters[..., 0] = wanted
    ones = torch.ones(*batch.voice.shape, BANDS)
    kind = Loss(beta=0.0, voice=0.0, tilt=0.0)
    batch.counts = batch.counts.clone()
    batch.counts[..., FILTERED:] = 0
    assert float(Criterion(1.0, 0.9)(output(batch, ones, filters), batch, kind)[1]["spectral"]) < 0.02
    assert float(Criterion(1.0, 0.9)(output(batch, ones), batch, kind)[1]["spectral"]) > 0.05


def test_distortion_is_the_ratio_of_energies(corpus, small):
    batch = batch_of(corpus, small)
    batch.voice[:] = 1
    batch.noisy, batch.clean, batch.cross = (torch.full_like(batch.noisy, v) for v in (1.1, 1.0, 1.0))
    batch.low = torch.full_like(batch.low, 1 + 0j)
    batch.target = torch.full_like(batch.target, 1 + 0j)
    batch.counts = torch.ones_like(batch.counts)
    batch.counts[..., :FILTERED] = 0
    kind = Loss(distortion=1.0)
    terms = Criterion(1.0, 0.9)(output(batch, torch.ones_like(batch.noisy)), batch, kind)[1]
    assert abs(float(terms["distortion"]) + 1.0) < 0.01, "error energy a tenth of the target's: one bel"


def test_every_term_has_a_finite_gradient(corpus, small):
    batch = batch_of(corpus, small)
    n, t = batch.voice.shape
    for refined in (False, True):
        leaves = [torch.zeros(n, t, BANDS), torch.zeros(n, t), torch.zeros(n, t, FILTERED, 3, 2)]
        for x in leaves:
            x.requires_grad_()
        out = Output(leaves[0], leaves[1], torch.view_as_complex(leaves[2]))
        kind = Loss(annoyance=1, intelligibility=1, attenuation=1, distance=1, distortion=1, refined=refined)
        Criterion(1.0, 0.9)(out, batch, kind)[0].backward()
        assert all(torch.isfinite(x.grad).all() and x.grad.any() for x in leaves)
