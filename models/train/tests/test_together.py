"""Two processes share every step."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from sourdine_train.features import HOP, RATE
from sourdine_train.pool import row


def test_two_processes_take_the_steps_of_one(tmp_path):
    pool = tmp_path / "pool"
    pool.mkdir()
    rng = np.random.default_rng(1)
    shard = np.ones(4, row(30 * HOP))
    for name in ("target", "wet", "noise"):
        shard[name] = rng.integers(-9999, 9999, shard[name].shape)
    shard["bandwidth"] = RATE / 2
    np.save(pool / "shard_0000000.npy", shard)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    line = [sys.executable, "-m", "sourdine_train", "train", "--pool", str(pool), "--run", str(tmp_path / "run"), "--hidden", "16", "--batch", "2", "--steps", "5"]
    env = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    both = [subprocess.Popen(line, env={**env, "RANK": rank}, cwd=Path(__file__).parent.parent) for rank in "01"]
    assert [p.wait(120) for p in both] == [0, 0]
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=False)
    assert state["steps"] == 5
    assert abs(state["seconds"] - state["steps"] * 2 * 2 * 30 * HOP / RATE) < 1e-6
    assert all(torch.isfinite(w).all() for w in state["net"].values())
