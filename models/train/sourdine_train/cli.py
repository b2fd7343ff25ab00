"""The command line."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_v, "1")


def _corpus(a: argparse.Namespace, dev: bool = False, gate: bool = True):
    from . import data

    return data.load(a.data, a.cache, data.read_split(a.split), dev=dev, gate=gate)


def _probe(a: argparse.Namespace):
    """Known or held-out speech and noise, from the speech sets that have both."""
    from .data import Corpus

    known, held = _corpus(a), _corpus(a, dev=True)
    speech = held.speech if a.unseen in ("speech", "both") else {k: v for k, v in known.speech.items() if k in held.speech}
    world = held if a.unseen in ("noise", "both") else known
    return Corpus(speech, world.noise, world.rirs)


def _generate(a: argparse.Namespace) -> None:
    import multiprocessing

    from . import pool
    from .augment import Mixer, Recipe

    if a.unseen is None:
        mixer = Mixer(_corpus(a), a.seconds, seed=a.seed)
    else:
        # The same sets with and without unseen speakers; what is synthesised is known to training too.
        mixer = Mixer(_probe(a), a.seconds, Recipe(studio=(), synth=0.0), seed=a.seed)
    if a.jobs == 1:
        pool.fill(mixer, a.pool, a.clips, a.keep, a.seed, stop=a.stop, duty=a.duty)
        return
    fork = multiprocessing.get_context("fork")
    for i in range(a.jobs):
        fork.Process(target=pool.fill, args=(mixer, a.pool / str(i), a.clips, a.keep, a.seed + i, a.stop, a.duty)).start()


def _train(a: argparse.Namespace) -> None:
    import dataclasses

    from . import train

    cfg = train.Config(**{f.name: getattr(a, f.name) for f in dataclasses.fields(train.Config) if hasattr(a, f.name)})
    train.train(a.run, a.pool, cfg, a.resume, a.minutes, a.decay_minutes, a.every, a.long_pool, a.device, a.steps)


def _loss(a: argparse.Namespace) -> None:
    from . import train

    for checkpoint in a.checkpoints:
        for pool in a.pool:
            terms = train.loss_over(checkpoint, pool, a.beta)
            print(f"{checkpoint} on {pool}: " + " ".join(f"{k} {v:.4f}" for k, v in terms.items()))


def _export(a: argparse.Namespace) -> None:
    import numpy as np
    import torch

    from . import export, train
    from .features import BAND_HZ
    from .model import Net

    s = train.read(a.checkpoint)
    cfg = train.Config(**s["config"])
    net = Net(cfg.hidden, cfg.layers)
    net.load_state_dict(s["net" if a.raw else "avg"])
    more = np.interp(BAND_HZ, *np.array([p.split("=") for p in a.offset_at], float).T)
    with torch.no_grad():
        net.out_bias += torch.from_numpy(a.gain_offset + more).float()
    export.save(net, a.out, a.name, a.licence, a.commit, s["seconds"] / 3600, a.sharpness, a.comb)
    print(f"{a.out}: {s['seconds'] / 3600:.2f} h, {a.out.stat().st_size} bytes")


def _snapshot(a: argparse.Namespace) -> None:
    from . import train

    train.snapshot(a.checkpoint, a.out)


def _golden(a: argparse.Namespace) -> None:
    from . import golden

    golden.make(a.weights, a.out)


def _devset(a: argparse.Namespace) -> None:
    from . import devset

    devset.make(_corpus(a, dev=True, gate=a.lower_floor), a.out, a.items, a.near, a.seed)


def _report(a: argparse.Namespace) -> None:
    from . import report

    print(report.tables(a.folder, {k: Path(v) for k, v in (x.split("=", 1) for x in a.scores)}))


def _voice(a: argparse.Namespace) -> None:
    from . import report

    for shift, v in report.voice_auc(a.folder, a.cmd).items():
        print(f"{shift} frames later: AUC {v:.4f}")


def _voices(a: argparse.Namespace) -> None:
    from . import voices

    for why in voices.make(a.out, a.seconds):
        print(f"skipped {why}")


def _packaged(a: argparse.Namespace) -> None:
    from . import packaged

    for why in packaged.make(a.out, packaged.TUNING if a.tuning else packaged.VOICES):
        print(f"skipped {why}")


def _plot(a: argparse.Namespace) -> None:
    from . import plot

    plot.curve(a.log, a.out, a.scores)


def _spectrogram(a: argparse.Namespace) -> None:
    import soundfile as sf

    from . import plot

    plot.spectrograms({k: sf.read(v)[0] for k, v in (x.split("=", 1) for x in a.signals)}, a.out)


def _enhance(a: argparse.Namespace) -> None:
    import numpy as np
    import soundfile as sf

    x, fs = sf.read(a.input, dtype="float32")
    if fs != 48000 or x.ndim != 1:
        raise SystemExit(f"{a.input}: want 48 kHz mono")
    if a.torch:
        import torch

        from . import enhance, export

        torch.set_num_threads(1)
        net, refiner, _ = export.load(a.weights)
        r = enhance.run(net, x, refiner)
    else:
        from .plain import Plain

        r = Plain(a.weights).run(x)
    sf.write(a.output, r["out"], 48000, subtype="FLOAT")
    if a.vad:
        np.savetxt(a.vad, r["vad"], fmt="%.5f")


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and runs one subcommand."""
    p = argparse.ArgumentParser(prog="sourdine_train", description=__doc__)
    sub = p.add_subparsers(required=True)

    def cmd(name: str, fn, text: str) -> argparse.ArgumentParser:
        s = sub.add_parser(name, help=text, description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        s.set_defaults(fn=fn)
        return s

    def corpus(s: argparse.ArgumentParser) -> None:
        s.add_argument("--data", type=Path, required=True, help="folder with MANIFEST.csv, speech/, noise/, rir/")
        s.add_argument("--cache", type=Path, required=True, help="folder for decoded audio")
        s.add_argument("--split", type=Path, default=Path(__file__).parent.parent / "split.txt", help="held-out files")

    s = cmd("generate", _generate, "write speech and backgrounds, to be mixed by `train`, into a rotating pool of shards")
    corpus(s)
    s.add_argument("--pool", type=Path, required=True)
    s.add_argument("--seconds", type=float, default=3.0)
    s.add_argument("--clips", type=int, default=32, help="clips in a shard, 0.3 MB a second each")
    s.add_argument("--keep", type=int, default=300, help="shards on disk")
    s.add_argument("--jobs", type=int, default=1, help="processes, each with a folder in the pool and a seed of its own; for `train --device cuda`, which empties them")
    s.add_argument("--duty", type=float, default=1.0, help="share of the time to work; the rest is left to the trainer")
    s.add_argument(
        "--unseen", choices=("none", "speech", "noise", "both"),
        help="not for training: a pool in which these are held-out files, to see with `loss` what generalises",
    )
    s.add_argument("--stop", type=int, help="last shard number (default: go on for ever)")
    s.add_argument("--seed", type=int, default=1)

    s = cmd("train", _train, "train on the pool")
    s.add_argument("--pool", type=Path, required=True)
    s.add_argument("--long-pool", type=Path, help="second pool, of long clips")
    s.add_argument("--run", type=Path, required=True, help="folder for checkpoints and log.csv")
    s.add_argument("--resume", type=Path, help="checkpoint (.pt) or snapshot (.safetensors) to go on from")
    s.add_argument("--minutes", type=float, default=0, help="wall time (0: until SIGTERM)")
    s.add_argument("--steps", type=int, default=0, help="end at this step (0: by the clock alone)")
    s.add_argument("--decay-minutes", type=float, default=0, help="the last of them anneal the learning rate")
    s.add_argument("--every", type=float, default=10, help="minutes between checkpoints")
    s.add_argument("--hidden", type=int, default=192)
    s.add_argument("--layers", type=int, default=2)
    s.add_argument("--batch", type=int, default=16)
    s.add_argument("--warmup", type=int, default=80, help="steps")
    s.add_argument("--long-batch", type=int, default=6, help="clips of a step on the second pool")
    s.add_argument("--long-share", type=float, default=0.25, help="of the steps on the second pool")
    s.add_argument("--ema", type=float, default=0.999, help="of the averaged weights")
    s.add_argument("--comb", type=float, default=0.0, help="the loss is that of the sound with its voice strengthened so much, as by `export --comb`")
    s.add_argument("--sharpness", type=float, help="the measures of what is heard are of gains after decay limit and sharpening, as by `export --sharpness` (default: of the gains alone)")
    s.add_argument("--alternate", action="store_true", help="every second step with the weights of `train.REFINED` in place of those given: of gains after decay limit and sharpening")
    s.add_argument("--device", default="cpu", help="`cuda`: pools, mixing and training on a GPU, batches of hundreds")
    s.add_argument("--lr", type=float, default=2e-3, help="AdamW's, for the output layer and biases")
    s.add_argument("--muon-lr", type=float, default=0.02, help="Muon's, for the hidden matrices")
    s.add_argument("--dropout", type=float, default=0.15, help="of the hidden layers' inputs")
    s.add_argument("--vary", type=float, default=1.0, help="random level and response of every clip drawn (0: none)")
    s.add_argument("--beta", type=float, default=0.4, help="weight of the over-suppression term")
    s.add_argument("--vad", type=float, default=0.05, help="weight of the voice term")
    s.add_argument("--annoyance", type=float, default=0.0, help="weight of the loudness of what is wrong (see perceptual.py), for the last hours")
    s.add_argument("--intelligibility", type=float, default=0.0, help="weight of the likeness of envelopes (see perceptual.py), for the last hours")
    s.add_argument("--attenuation", type=float, default=0.0, help="weight of every dB by which the voice is quieter, for the last hours")
    s.add_argument("--distance", type=float, default=0.0, help="weight of the log-spectral distance, for the last hours")
    s.add_argument("--tilt", type=float, default=0.5, help="weight of a band = width ^ -tilt")
    s.add_argument("--seed", type=int, default=1)

    s = cmd("loss", _loss, "loss of a checkpoint's averaged weights over a whole pool, such as one of `generate --unseen`")
    s.add_argument("checkpoints", type=Path, nargs="+")
    s.add_argument("--pool", type=Path, action="append", required=True)
    s.add_argument("--beta", type=float, default=0.9)

    s = cmd("export", _export, "checkpoint to weights file")
    s.add_argument("checkpoint", type=Path)
    s.add_argument("out", type=Path)
    s.add_argument("--name", default="sourdine")
    s.add_argument("--licence", default="MIT OR Apache-2.0")
    s.add_argument("--commit", default="")
    s.add_argument("--gain-offset", type=float, default=0.0, help="added to every gain logit: above zero keeps more speech and more noise")
    s.add_argument("--offset-at", nargs="+", default=["0=0"], metavar="HZ=LOGIT", help="as much more there, in a straight line from point to point")
    s.add_argument("--sharpness", type=float, default=0.0, help="how much gains in between are lowered, 0 to 1: less noise while there is voice")
    s.add_argument("--comb", type=float, default=0.0, help="how much of the sound one voice period earlier is added where both are alike, 0 to 1: less noise between harmonics")
    s.add_argument("--raw", action="store_true", help="the last weights instead of their average")

    s = cmd("snapshot", _snapshot, "checkpoint to a small float16 file that training can go on from (optimizer left out)")
    s.add_argument("checkpoint", type=Path)
    s.add_argument("out", type=Path)

    s = cmd("golden", _golden, "golden vectors from a weights file")
    s.add_argument("weights", type=Path)
    s.add_argument("out", type=Path)

    s = cmd("enhance", _enhance, "denoise a 48 kHz mono WAV with the reference model")
    s.add_argument("input")
    s.add_argument("output")
    s.add_argument("--weights", type=Path, required=True)
    s.add_argument("--torch", action="store_true", help="run PyTorch instead of the NumPy twin")
    s.add_argument("--vad", help="write the voice probability of each frame here")

    s = cmd("devset", _devset, "write the development set: unseen speakers, noises and rooms")
    corpus(s)
    s.add_argument("--out", type=Path, required=True)
    s.add_argument("--items", type=int, default=72)
    s.add_argument("--near", type=int, default=12)
    s.add_argument("--seed", type=int, default=5)
    s.add_argument("--lower-floor", action="store_true", help="lower the recordings' own noise first, as in training: the same mixtures, with references without it")

    s = cmd("report", _report, "score files of the development set as tables by SNR, room, speech set and noise class")
    s.add_argument("folder", type=Path, help="the folder with items.csv")
    s.add_argument("scores", nargs="+", help="NAME=FILE, as written by score.py --json")

    s = cmd("voice", _voice, "area under the ROC curve of a voice decision")
    s.add_argument("folder", type=Path)
    s.add_argument("--cmd", required=True, help="a command with {in}, {out} and {vad}")

    s = cmd("voices", _voices, "write a data folder of synthesised speech with the speech engines that are installed")
    s.add_argument("out", type=Path)
    s.add_argument("--seconds", type=float, default=90.0, help="at most so much of a voice")

    s = cmd("packaged", _packaged, "write a data folder of recordings that installed Debian packages bring along")
    s.add_argument("out", type=Path)
    s.add_argument("--tuning", action="store_true", help="instead: voices that may be listened to but not learnt from")

    s = cmd("plot", _plot, "learning curve as PNG")
    s.add_argument("log", type=Path)
    s.add_argument("out", type=Path)
    s.add_argument("--scores", type=Path, help="CSV: hours and one column per score")

    s = cmd("spectrogram", _spectrogram, "spectrograms of WAV files as PNG")
    s.add_argument("out", type=Path)
    s.add_argument("signals", nargs="+", help="TITLE=FILE")

    a = p.parse_args(argv)
    a.fn(a)
