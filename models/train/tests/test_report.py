"""Voice decisions, their measures, and tables of scores."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from sourdine_train import report, voice
from sourdine_train.voice import Decision


def test_auc():
    assert voice.auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])) == 0.75
    assert voice.auc(np.array([1.0, 1.0, 1.0]), np.array([0, 1, 1])) == 0.5


def test_decision_holds_on():
    d = Decision(0.6, 0.3, 2).run(np.array([0.5, 0.6, 0.4, 0, 0, 0, 0.5]))
    assert d.tolist() == [False, True, True, True, True, False, False]


def test_pauses_lie_away_from_voice():
    x = np.zeros(48000)
    x[19200:28800] = np.random.default_rng(1).standard_normal(9600)
    v = voice.labels(x)
    assert (v[40:60] == 1).all() and (v[:27] == 0).all() and (v[28:37] == -1).all()
    judged = voice.judged([v == 1], [v], later=0)
    assert judged == {"voice": 1.0, "pauses": 0.0, "balanced": 1.0}


def test_calibration_finds_slope_and_offset():
    rng = np.random.default_rng(1)
    x = rng.normal(0, 3, 20000)
    label = rng.random(20000) < 1 / (1 + np.exp(-(0.5 * x - 1)))
    assert voice.calibration(1 / (1 + np.exp(-x)), label) == pytest.approx((0.5, -1), abs=0.06)


def test_tables_compare_the_first_with_the_others(tmp_path: Path):
    with open(tmp_path / "items.csv", "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["id", "speech", "noise", "class", "snr", "rir"])
        out.writerows([[f"{i:03d}", "speech/a/b", "noise/c/d", "c", i, ""] for i in range(8)])
    for name, more in (("ours", 0.5), ("theirs", 0.0)):
        rows = [json.dumps({"id": f"{i:03d}.wav", **{c: i + more for c in report.COLUMNS}}) for i in range(8)]
        (tmp_path / name).write_text("\n".join(rows))
    text = report.tables(tmp_path, {k: tmp_path / k for k in ("ours", "theirs")})
    assert "| ours less |" in text and "+0.500 (+0.500 to +0.500)" in text and "| c | 8 | theirs |" in text
