import csv

import numpy as np
import pytest
import soundfile as sf

from sourdine_train import data, voices
from sourdine_train.augment import Recipe

RATE = 16000


def talk(v, text):
    """Noise below 5 kHz with silence around it; the text sets its length."""
    if v.voice == "broken":
        raise ValueError("no such voice")
    rng = np.random.default_rng(len(text))
    spec = np.fft.rfft(rng.standard_normal(len(text) * RATE // 15))
    spec[np.fft.rfftfreq(len(text) * RATE // 15, 1 / RATE) > 5000] = 0
    return np.concatenate([np.zeros(RATE), 0.1 * np.fft.irfft(spec), np.zeros(RATE)]).astype(np.float32), RATE


def test_folder_is_what_the_loader_reads(tmp_path):
    made = (voices.Voice("tts_a", "x", "one", "en", "MIT"), voices.Voice("tts_a", "x", "broken", "de", "MIT"), voices.Voice("tts_b", "x", "two", "ru", "MIT"))
    voices.record(tmp_path, [dict.fromkeys(voices.COLUMNS, "") | {"path": "noise/hiss/0.wav", "bandwidth_hz": 24000}])
    (tmp_path / "noise/hiss").mkdir(parents=True)
    sf.write(tmp_path / "noise/hiss/0.wav", 0.1 * np.random.default_rng(0).standard_normal(RATE), RATE)
    for _ in range(2):  # made again, it is the same folder
        assert voices.make(tmp_path, 70, made, talk) == ["x broken: no such voice"]
    with open(tmp_path / "MANIFEST.csv", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["path"].startswith("speech")]
    assert {r["speaker"] for r in rows} == {"x_one", "x_two"}
    assert all(5000 <= int(r["bandwidth_hz"]) <= 5250 for r in rows)
    length = {s: sum(float(r["seconds"]) for r in rows if r["speaker"] == s) for s in ("x_one", "x_two")}
    assert 50 < length["x_one"] <= 70 and all(float(r["seconds"]) <= 60 for r in rows)
    c = data.load(tmp_path, tmp_path / "cache", [], log=False)
    assert set(c.speech) == {"tts_a", "tts_b"} and set(c.noise) == {"hiss"}


def test_trim_keeps_the_speech():
    x = np.concatenate([np.zeros(RATE), np.ones(RATE), np.zeros(RATE)]).astype(np.float32)
    y = voices.trim(x, RATE)
    assert y.sum() == RATE and len(y) < 1.13 * RATE
    assert len(voices.trim(np.zeros(RATE, np.float32), RATE)) == 0


@pytest.mark.parametrize("edge", [4000, 7000])
def test_bandwidth_finds_the_edge(edge):
    spec = np.fft.rfft(np.random.default_rng(1).standard_normal(4 * RATE))
    spec[np.fft.rfftfreq(4 * RATE, 1 / RATE) > edge] = 0
    assert edge <= voices.bandwidth(np.fft.irfft(spec), RATE) <= edge + 250


def test_missing_engine_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(voices.shutil, "which", lambda _: None)
    assert voices.make(tmp_path) and "not installed" in voices.make(tmp_path)[0]
    assert not (tmp_path / "MANIFEST.csv").exists()


def test_the_mixer_knows_every_set():
    """One that it does not know would get ten times the weight of the others of its kind."""
    known = {name for name, _ in Recipe().group_weight}
    assert {v.group for v in voices.VOICES if not v.group.endswith("sharealike")} <= known
