"""A small made-up corpus: no recordings are needed to run the tests."""

import os

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_v, "1")

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from sourdine_train import corpus as corpora
from sourdine_train import recipe as recipes
from sourdine_train.corpus import Corpus
from sourdine_train.layout import RATE
from sourdine_train.recipe import Recipe


def voice(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """A buzz with syllables and pauses."""
    t = np.arange(int(seconds * RATE)) / RATE
    f0 = 100 + 80 * rng.random() + 20 * np.sin(2 * np.pi * 0.7 * t)
    x = sum(np.sin(k * 2 * np.pi * np.cumsum(f0) / RATE) / k for k in range(1, 20))
    return 0.1 * x * (np.sin(2 * np.pi * 2.5 * t) > -0.3) * (t % 2 < 1.5)


@pytest.fixture(scope="session")
def corpus_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """speech/, noise/, rir/ and MANIFEST.csv; the last speaker and noise are for the development set."""
    root = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    rows = []

    def add(rel: str, x: np.ndarray, speaker: str = "", bandwidth: int = 20000) -> None:
        (root / rel).parent.mkdir(parents=True, exist_ok=True)
        sf.write(root / rel, x, RATE)
        rows.append({"path": rel, "set": rel.split("/")[1], "speaker": speaker, "class": "", "seconds": len(x) / RATE, "sample_rate": RATE, "bandwidth_hz": bandwidth})

    for group, bw in (("alnum_en", 20000), ("picovoice_s2i_en", 8000), ("picovoice_wake_en", 8000), ("mycroft_pcd", 8000), ("kerstin_de", 20000)):
        for i in range(2):
            add(f"speech/{group}/{i}.wav", voice(rng, 9), f"{group}{i}", bw)
    for kind in ("hiss", "rumble"):
        for i in range(2):
            add(f"noise/{kind}/{i}.wav", 0.1 * rng.standard_normal(6 * RATE))
    for i in range(2):
        h = rng.standard_normal(RATE // 5) * np.exp(-np.arange(RATE // 5) / 1500) * 0.1
        h[0] = 1
        add(f"rir/{i}.wav", h)
    with open(root / "MANIFEST.csv", "w", newline="") as f:
        w = csv.DictWriter(f, list(rows[0]))
        w.writeheader()
        w.writerows(rows)
    return root


HELD = ["speech/*/1.wav", "noise/*/1.wav", "rir/1.wav"]


@pytest.fixture(scope="session")
def corpus(corpus_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """What is left for training, with a few synthesised noises."""
    return corpora.load(corpus_dir, tmp_path_factory.mktemp("cache"), without=HELD, synthesised=4)


@pytest.fixture
def small() -> Recipe:
    """A recipe that takes a second."""
    return recipes.of(
        {
            "network": {"hidden": 32},
            "batches": {"clips": 4, "seconds": 1.5, "long_clips": 2, "long_seconds": 7.5, "long_share": 0.3, "fresh": 1, "kept": 8},
            "loss": [{"annoyance": 0.2, "distance": 0.2, "distortion": 0.05}, {"intelligibility": 1.0, "attenuation": 0.01, "refined": True}],
        }
    )
