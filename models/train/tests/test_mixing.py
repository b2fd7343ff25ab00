"""Corpus, augmentation, mixing and the loss's coefficients."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sourdine_train import corpus as corpora
from sourdine_train import mixing, recipe
from sourdine_train.augment import Augment, rms_active, rms_top
from sourdine_train.corpus import Corpus
from sourdine_train.frontend import FrontEnd
from sourdine_train.layout import BAND_BINS, BANDS, BINS, RATE
from sourdine_train.mixing import COMPRESS, Batch, Mixer, coefficients, voice_labels
from sourdine_train.recipe import Mixing, Recipe

from .conftest import HELD


def paths(c: Corpus) -> set[str]:
    speech = {x.path for s in c.speech.values() for p in s.values() for x in p}
    return speech | {x.path for n in c.noise.values() for x in n}


def test_what_is_held_out_is_never_drawn(corpus: Corpus, corpus_dir: Path, tmp_path: Path):
    held = corpora.load(corpus_dir, tmp_path, only=HELD)
    assert paths(corpus) and paths(held) and not paths(corpus) & paths(held)
    assert len(corpus.noise["synth"]) == 4 and len(corpus.rooms) == len(held.rooms) == 1


def test_the_splits_of_the_project_share_nothing():
    old, new = (corpora.read_split(corpora.SPLITS / f"{k}.txt") for k in ("old", "new"))
    assert old and new and not set(old) & set(new)


def test_a_second_load_reads_the_same(corpus: Corpus, corpus_dir: Path, tmp_path: Path):
    a, b = (corpora.load(corpus_dir, tmp_path, without=HELD) for _ in range(2))
    assert torch.equal(a.sound, b.sound) and paths(a) == paths(b)


def test_augmentation_is_seeded_and_of_unit_level(corpus: Corpus):
    made = [Augment(corpus, Mixing(whisper=0.2, formants=0.5), 1.5, seed=s) for s in (1, 1, 2)]
    voices = [a.voices(12) for a in made]
    assert torch.equal(voices[0].wet, voices[1].wet) and not torch.equal(voices[0].wet, voices[2].wet)
    level = rms_active(voices[0].target)
    assert ((level > 0.9) & (level < 1.1)).all() and (voices[0].bandwidth > 3000).all()
    noises = [a.backgrounds(24) for a in made]
    assert torch.equal(noises[0].sound, noises[1].sound)
    assert (rms_top(noises[0].sound) - 1).abs().max() < 0.01 and torch.isfinite(noises[0].sound).all()


def test_long_clips_are_of_joined_pieces(corpus: Corpus):
    assert Augment(corpus, Mixing(), 7.5, seed=1).voices(2).wet.shape == (2, 7.5 * RATE)


def test_formants_move_and_pitch_stays(corpus: Corpus):
    f0 = 120.0
    t = torch.arange(72000) / 48000
    harmonics = torch.arange(1, 60) * f0
    level = torch.exp(-0.5 * ((harmonics - 1500) / 300) ** 2) + 1e-2
    x = (level[:, None] * torch.sin(2 * torch.pi * harmonics[:, None] * t)).sum(0)[None] * 0.05
    y = Augment(corpus, Mixing(), 1.5)._reshaped(x, torch.tensor([1.2]))
    assert y.shape == x.shape
    spectrum = torch.fft.rfft(y[0, 12000:36000] * torch.hann_window(24000)).abs()
    peaks = spectrum[(harmonics / 2).long()]
    assert abs(float(harmonics[peaks.argmax()]) - 1.2 * 1500) < 200, "the formant moved"
    assert spectrum[((harmonics[5:30] + 60) / 2).long()].max() < 0.05 * peaks.max(), "the harmonics did not"


def test_a_whisper_has_no_pitch(corpus: Corpus):
    t = torch.arange(72000) / 48000
    x = sum(torch.sin(2 * torch.pi * 120 * k * t) / k for k in range(1, 40))[None] * 0.05
    a = Augment(corpus, Mixing(), 1.5)
    def correlation(x: torch.Tensor) -> float:
        return float(FrontEnd().analyse(x).correlation[0, 20:, 4:12].mean())
    assert correlation(x) > 0.9 and correlation(a._whispered(x)) < 0.5


def test_noise_lies_where_the_recipe_says():
    g = torch.Generator().manual_seed(1)
    s, v = torch.randn(64, RATE, generator=g), torch.randn(64, RATE, generator=g)
    target, noisy = Mixer(Recipe(), seed=5).combine(s, s, v, torch.zeros(64))
    assert noisy.abs().max() <= 1.15
    assert 0.8 < (target.abs().amax(1) > 0).float().mean() < 1


@pytest.fixture
def batch(corpus: Corpus, small: Recipe) -> Batch:
    return mixing.kept(corpus, small, "cpu", 3).batch(24)


def test_batches_are_sane(batch: Batch):
    for name, x in vars(batch).items():
        assert torch.isfinite(torch.view_as_real(x) if x.is_complex() else x).all(), name
    assert (batch.a >= 0).all() and (batch.p <= (batch.a * batch.b).sqrt() + 1e-3).all()
    np.testing.assert_allclose(batch.a.sum(2).mean(1).numpy(), 100, rtol=0.01)
    assert (batch.counts[:, 0, :60] == 1).all() and (batch.counts[:, 0, -1] == 0).any(), "narrow voices say nothing about the top"
    assert not (batch.a * (1 - batch.counts)).any()
    assert batch.seconds == 24 * 1.5


def test_no_two_batches_are_alike(corpus: Corpus, small: Recipe):
    a, b = (mixing.kept(corpus, small, "cpu", 3) for _ in range(2))
    first, same, second = a.batch(2), b.batch(2), a.batch(2)
    assert torch.equal(first.features, same.features) and not torch.equal(first.features, second.features)


def test_closed_form_equals_spectral_loss():
    rng = np.random.default_rng(3)
    x, s = ((rng.standard_normal((1, 7, BINS)) + 1j * rng.standard_normal((1, 7, BINS))).astype(np.complex64) for _ in range(2))
    a, p, b = (v.numpy() for v in coefficients(FrontEnd(), torch.from_numpy(x), torch.from_numpy(s), 0.3))
    g = rng.uniform(0, 1, (1, 7, BANDS))
    u = g**COMPRESS
    closed = (u * u * a - 2 * u * p + b).sum()

    def compressed(z):
        return np.abs(z) ** COMPRESS * np.exp(1j * np.angle(z))

    y = np.repeat(g, BAND_BINS, axis=2) * x
    whole = 0.3 * np.abs(compressed(y) - compressed(s)) ** 2 + 0.7 * (np.abs(compressed(y)) - np.abs(compressed(s))) ** 2
    assert abs(closed - whole.sum()) < 1e-3 * whole.sum()


def test_voice_labels():
    x = torch.zeros(1, 48000)
    assert not voice_labels(x).any()
    x[0, 9600:19200] = torch.randn(9600, generator=torch.Generator().manual_seed(4))
    v = voice_labels(x)[0]
    assert v[20:40].all() and not v[:17].any() and not v[43:].any()


def test_recipes_refuse_what_they_do_not_know():
    for file in recipe.RECIPES.glob("*.toml"):
        assert recipe.of(recipe.read(file).asdict()) == recipe.read(file)
    with pytest.raises(ValueError, match=r"\[mixing\]: no such setting: revreb"):
        recipe.of({"mixing": {"revreb": 1}})
    lite, settle = recipe.read("lite").asdict(), recipe.read("settle").asdict()
    assert lite.pop("network") == {"hidden": 144, "layers": 2} and settle.pop("network")["hidden"] == 256
    assert lite == settle
