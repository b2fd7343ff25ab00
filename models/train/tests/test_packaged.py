"""Recordings of packages as a data folder."""

import numpy as np
import soundfile as sf

from sourdine_train.data import manifest
from sourdine_train.packaged import Voice, make


def test_recordings_are_joined_and_listed(tmp_path):
    rng = np.random.default_rng(1)
    for i in range(5):
        f = tmp_path / "package" / ("silence" if i == 4 else "words") / f"{i}.wav"
        f.parent.mkdir(parents=True, exist_ok=True)
        sf.write(f, 0.1 * rng.standard_normal(16000), 16000)
    voices = (
        Voice("set", "someone", "package", str(tmp_path / "package"), "**/*.wav", "CC0"),
        Voice("set", "nobody", "missing", str(tmp_path / "missing"), "*.wav", "CC0"),
    )
    assert make(tmp_path / "data", voices) == ["nobody: missing is not installed"]
    (row,) = manifest(tmp_path / "data")
    x, rate = sf.read(tmp_path / "data" / row["path"])
    assert rate == 16000 and row["speaker"] == "someone" and row["licence"] == "CC0" and float(row["bandwidth_hz"]) > 7000
    assert 4 < len(x) / rate < 8, "four words with pauses, and no silence"
