"""From data to a weights file by the command line, as the README has it."""

import csv
from pathlib import Path

import pytest
import soundfile as sf
import torch

from sourdine_train import cli, corpus, train, weights
from sourdine_train.cli import main
from sourdine_train.train import rate

RECIPE = """
smoothing = 0.9
[network]
hidden = 32
[batches]
clips = 4
seconds = 1.5
long_clips = 2
long_seconds = 7.5
long_share = 0.3
fresh = 1.0
kept = 8
[[loss]]
annoyance = 0.2
[[loss]]
intelligibility = 1.0
refined = true
"""


@pytest.fixture
def paths(corpus_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (tmp_path / "splits").mkdir()
    held = "speech/*/1.wav  # unseen\nnoise/*/1.wav\nrir/1.wav\n"
    for name in ("old", "new"):
        (tmp_path / "splits" / f"{name}.txt").write_text(held)
    monkeypatch.setattr(corpus, "SPLITS", tmp_path / "splits")
    monkeypatch.setattr(corpus, "SYNTH_CLIPS", 3)
    (tmp_path / "small.toml").write_text(RECIPE)
    return ["--data", str(corpus_dir), "--cache", str(tmp_path / "cache")]


def test_rates_warm_up_and_fall():
    assert rate(0, 10, None) == 0.1 and rate(20, 10, None) == 1 and 0 < rate(20, 10, 0.5) < 0.5 and rate(20, 10, 1.0) == 0.01


def test_train_resume_average_export_and_score(paths: list[str], tmp_path: Path):
    run = [str(tmp_path / x) for x in ("a", "b", "c")]
    common = ["train", *paths, "--recipe", str(tmp_path / "small.toml"), "--log-every", "2"]
    main([*common, "--run", run[0], "--steps", "4"])
    main([*common, "--run", run[1], "--steps", "4", "--start", f"{run[0]}/last.pt"])
    c = weights.read_checkpoint(tmp_path / "b" / "last.pt")
    assert c.steps == 8 and c.seconds > 0 and len(c.history) == 2 and c.history[1].startswith("train small from last.pt (")
    rows = list(csv.DictReader(open(tmp_path / "b" / "log.csv")))
    assert len(rows) == 2 and all(rows[-1][k] for k in ("loss", "spectral", "annoyance", "intelligibility"))
    main([*common, "--run", run[2], "--start", f"{run[1]}/last.pt", "--minutes", "0.05", "--decay-minutes", "0.04"])
    assert (tmp_path / "c" / "stable.pt").exists() and (tmp_path / "c" / "final.pt").exists()
    mean, small, file = (tmp_path / x for x in ("mean.pt", "small.safetensors", "w.safetensors"))
    main(["average", f"{run[1]}/last.pt=0.4", f"{run[2]}/final.pt=0.6", "-o", str(mean)])
    main(["snapshot", str(mean), str(small)])
    main(["export", str(small), str(file), "--gain-offset", "0.2", "--offset-at", "14000=0", "15000=-1"])
    history = weights.read_tensors(file)[1]["history"].split("\n")
    assert [h.split()[0] for h in history] == ["train", "train", "train", "average", "export"]
    golden = tmp_path / "g.safetensors"
    main(["golden", str(file), str(golden)])
    assert golden.stat().st_size < 250_000
    main(["devset", *paths, "--set", "old", "--out", str(tmp_path / "dev"), "--items", "4", "--near", "2"])
    noisy = tmp_path / "dev" / "mix" / "noisy" / "000.wav"
    for more in ([], ["--reference"]):
        main(["enhance", str(noisy), str(tmp_path / "o.wav"), "--weights", str(file), "--vad", str(tmp_path / "v.txt"), *more])
        assert len(sf.read(tmp_path / "o.wav")[0]) == len(sf.read(noisy)[0])


def test_the_loss_on_held_out_speakers_is_that_of_the_same_mixtures(paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture):
    recipe = ["--recipe", str(tmp_path / "small.toml")]
    main(["train", *paths, *recipe, "--run", str(tmp_path), "--steps", "2"])
    last, other = tmp_path / "last.pt", tmp_path / "other.pt"
    c = weights.read_checkpoint(last)
    c.average["out_biases"] -= 5
    weights.save_checkpoint(c, other)
    capsys.readouterr()
    main(["loss", str(last), str(last), str(other), *paths, *recipe, "--batches", "2"])
    once, again, deaf = (line.split(": ")[1] for line in capsys.readouterr().out.splitlines())
    assert once == again
    before, after = (float(x.split("loss ")[1].split()[0]) for x in (once, deaf))
    assert 0 < before < after


def test_the_gpu_run_on_a_cpu(paths: list[str], tmp_path: Path):
    """The commands of gpu/README.md, in seconds instead of minutes."""
    parts, data, out = tmp_path / "parts", tmp_path / "shm", tmp_path / "out"
    main(["pack", "--data", paths[1], "--out", str(parts), "--most", "3"])
    files = sorted(parts.glob("*.tar"))
    assert len(files) > 1 and all(f.stat().st_size <= 3 * 2**20 for f in files)
    for f in files:
        main(["unpack", str(f), "--data", str(data)])
    assert not list(data.glob("speech/*/1.wav")) and len(list(data.glob("speech/*/0.wav"))) == 5
    line = ["gpu", "--data", str(data), "--cache", str(tmp_path / "cache"), "--out", str(out), "--recipe", str(tmp_path / "small.toml")]
    main([*line, "--minutes", "0.4", "--device", "cpu", "--synthesised", "3"])
    assert {"final.safetensors", "weights.safetensors"} <= {f.name for f in out.iterdir()} and (out / "run" / "log.csv").exists()
    main([*line, "--start", str(out / "final.safetensors"), "--minutes", "0.3", "--device", "cpu", "--synthesised", "3"])
    history = weights.read_tensors(out / "weights.safetensors")[1]["history"].split("\n")
    assert history[0] == "train small" and history[1].startswith("train small from final.safetensors (")


def test_a_start_of_the_same_size_keeps_its_momentum(corpus, small, tmp_path: Path):
    first = train.train(tmp_path / "a", corpus, small, steps=2)
    again = train.Trainer(tmp_path / "b", corpus, small, first)
    state = again.optimizers[1].state_dict()["state"]
    assert state and any(v["momentum"].any() for v in state.values()) and again.steps == 2
    for a, b in zip(again.net.parameters(), first.net.values(), strict=False):
        assert torch.isfinite(a).all() and torch.isfinite(b).all()


def test_no_machine_paths_in_the_package():
    for f in Path(cli.__file__).parent.glob("**/*.py"):
        assert "/tmp/" not in f.read_text() and "/home/" not in f.read_text()
