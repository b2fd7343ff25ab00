"""Two processes share every step."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

from sourdine_train import weights

from .test_train import RECIPE


def test_two_processes_take_the_steps_of_one(corpus_dir: Path, tmp_path: Path):
    (tmp_path / "small.toml").write_text(RECIPE.replace("long_share = 0.3", "long_share = 0.0"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    paths = ["--data", str(corpus_dir), "--cache", str(tmp_path / "cache"), "--run", str(tmp_path / "run")]
    env = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    line = [sys.executable, "-m", "sourdine_train", "train", *paths, "--recipe", str(tmp_path / "small.toml"), "--steps", "5", "--synthesised", "3"]
    both = [subprocess.Popen(line, env={**env, "WORLD_SIZE": "2", "RANK": rank}, cwd=Path(__file__).parent.parent) for rank in "01"]
    assert [p.wait(240) for p in both] == [0, 0]
    c = weights.read_checkpoint(tmp_path / "run" / "last.pt")
    assert c.steps == 5 and abs(c.seconds - 5 * 2 * 4 * 1.5) < 1e-6
    assert all(torch.isfinite(w).all() for w in c.net.values())
