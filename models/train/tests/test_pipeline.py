from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from sourdine_train import cli, container, data, pool, report
from sourdine_train.augment import Mixer, combine, reduce
from sourdine_train.cli import main
from sourdine_train.features import BAND_HZ, BANDS, INPUTS


@pytest.fixture(scope="module")
def corpus(corpus_dir, tmp_path_factory):
    return data.load(corpus_dir, tmp_path_factory.mktemp("cache"), data.read_split(corpus_dir / "split.txt"), log=False)


def test_split_keeps_the_development_set_apart(corpus, corpus_dir, tmp_path):
    dev = data.load(corpus_dir, tmp_path, data.read_split(corpus_dir / "split.txt"), dev=True, log=False)
    def paths(c):
        return {x.path for g in c.speech.values() for s in g.values() for x in s} | {x.path for g in c.noise.values() for x in g}
    assert paths(corpus) and paths(dev) and not paths(corpus) & paths(dev)


@pytest.mark.parametrize("unseen", ["none", "speech", "noise", "both"])
def test_a_probe_mixes_what_it_says(corpus_dir, tmp_path, unseen):
    c = cli._probe(Namespace(data=corpus_dir, cache=tmp_path, split=corpus_dir / "split.txt", unseen=unseen))
    speech = {x.path for g in c.speech.values() for s in g.values() for x in s}
    noise = {x.path for g in c.noise.values() for x in g}
    held = data.read_split(corpus_dir / "split.txt")
    assert len(speech) == 5 and len(noise) == 2 and len(c.rirs) == 1
    assert {data.held_out(p, held) for p in speech} == {unseen in ("speech", "both")}
    assert {data.held_out(p, held) for p in noise} == {unseen in ("noise", "both")}


def example(m, rng):
    return reduce(rng, *combine(rng, m.r, m.speech(rng), m.background(rng)))


def test_mixing_is_seeded_and_sane(corpus):
    m = Mixer(corpus, 1.5, seed=1)
    a, b = (example(m, np.random.default_rng(9)) for _ in range(2))
    assert (a.feat == b.feat).all() and (a.p == b.p).all()
    rng = np.random.default_rng(2)
    for _ in range(40):
        e = example(m, rng)
        assert np.isfinite(e.feat).all() and np.isfinite(e.p).all() and (e.a >= 0).all()
        assert (e.p <= np.sqrt(e.a * e.b) + 1e-3).all()
        masked = e.a.sum(0) == 0
        assert (e.p[:, masked] == 0).all() and not masked[:40].any()


def test_narrow_speech_says_nothing_about_the_upper_band(corpus):
    m = Mixer(corpus, 1.5, seed=1)
    rng = np.random.default_rng(3)
    limits = []
    for _ in range(60):
        limits.append(m.speech(rng).bandwidth)
    assert min(limits) < 10500 < max(limits)


def test_train_resume_export_and_score(corpus_dir, tmp_path):
    common = ["--data", str(corpus_dir), "--cache", str(tmp_path / "c"), "--split", str(corpus_dir / "split.txt")]
    main(["generate", *common, "--pool", str(tmp_path / "pool"), "--seconds", "1.5", "--clips", "6", "--stop", "3"])
    assert len(pool.shards(tmp_path / "pool")) == 3
    run = tmp_path / "run"
    train = ["train", "--pool", str(tmp_path / "pool"), "--run", str(run), "--hidden", "32", "--batch", "4"]
    main([*train, "--minutes", "0.05"])
    main([*train, "--resume", str(run / "last.pt"), "--minutes", "0.05", "--decay-minutes", "0.05"])
    small = tmp_path / "small.safetensors"
    main(["snapshot", str(run / "stable.pt"), str(small)])
    main([*train, "--resume", str(small), "--minutes", "0.03"])
    weights = tmp_path / "w.safetensors"
    moved = tmp_path / "moved.safetensors"
    main(["export", str(run / "final.pt"), str(weights)])
    main(["export", str(run / "final.pt"), str(moved), "--gain-offset", "0.5", "--offset-at", "0=-1", "1000=0"])
    more = container.load(moved)[0]["out.place"].ravel() - container.load(weights)[0]["out.place"].ravel()
    np.testing.assert_allclose(more, 0.5 - np.maximum(1 - BAND_HZ / 1000, 0), atol=1e-5)
    main(["golden", str(weights), str(tmp_path / "g.safetensors")])
    main(["devset", *common, "--out", str(tmp_path / "dev"), "--items", "4", "--near", "2"])
    noisy = tmp_path / "dev" / "mix" / "noisy" / "000.wav"
    main(["enhance", str(noisy), str(tmp_path / "o.wav"), "--weights", str(weights), "--vad", str(tmp_path / "v.txt")])
    assert len(sf.read(tmp_path / "o.wav")[0]) == len(sf.read(noisy)[0])


def test_same_seed_same_shard(corpus, tmp_path):
    for d in ("a", "b"):
        (tmp_path / d).mkdir()
        pool.write_shard(Mixer(corpus, 1.5, seed=4), tmp_path / d, 5, 3, 4)
    a, b = (np.load(pool.shards(tmp_path / d)[0]) for d in ("a", "b"))
    assert (a == b).all()


def test_what_was_stored_mixes_as_what_was_drawn(corpus, tmp_path):
    m = Mixer(corpus, 1.5, seed=4)
    pool.write_shard(m, tmp_path, 5, 6, 4)
    rng = np.random.default_rng([4, 5])
    for seed, row in enumerate(np.load(pool.shards(tmp_path)[0])):
        e = m.speech(rng), m.background(rng)
        draw = np.random.default_rng(seed)
        e = reduce(draw, *combine(draw, m.r, *e))
        got = pool.mixture(np.random.default_rng(seed), m.r, row, row)
        want = np.concatenate([e.feat, e.a, e.p, e.clean, e.heard, e.vad[:, None]], 1)
        loud = e.a > 1e-3 * e.a.max()
        used = np.concatenate([loud, np.zeros((len(got), INPUTS - BANDS), bool), *[loud] * 4, np.ones((len(got), 1), bool)], 1)
        assert np.median(np.abs(got - want)[used]) < 1e-3 and (got[:, -1] == want[:, -1]).mean() > 0.99


def test_a_batch_is_never_the_same_twice_and_a_probe_always(corpus, tmp_path):
    pool.write_shard(Mixer(corpus, 1.5, seed=4), tmp_path, 0, 1, 4)
    a, b = (x for x in pool.Pool(tmp_path, np.random.default_rng(1)).batch(2))
    assert np.abs(a - b).max() > 0.1
    (path,) = pool.shards(tmp_path)
    assert (pool.probe(path) == pool.probe(path)).all()


def test_auc():
    assert report.auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])) == 0.75
    assert report.auc(np.array([1.0, 1.0, 1.0]), np.array([0, 1, 1])) == 0.5


def test_no_machine_paths_in_the_package():
    here = Path(__file__).parent.parent / "sourdine_train"
    for f in here.glob("*.py"):
        assert "/tmp/" not in f.read_text() and "/home/" not in f.read_text()
