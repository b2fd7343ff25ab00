"""The command line."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_v, "1")


def _train(a: argparse.Namespace) -> None:
    import torch

    from . import corpus, recipe, train, weights

    torch.set_flush_denormal(True)
    r = recipe.read(a.recipe)
    start = weights.read_checkpoint(a.start) if a.start else None
    sound = corpus.load(a.data, a.cache, without=corpus.all_held_out(), synthesised=corpus.SYNTH_CLIPS if a.synthesised is None else a.synthesised)
    how = f"train {Path(a.recipe).stem}" + (f" from {weights.named(a.start)}" if a.start else "")
    train.train(
        a.run, sound, r, start, minutes=a.minutes, decay_minutes=a.decay_minutes, steps=a.steps, every=a.every, device=a.device,
        how=how, log_every=a.log_every,
    )


def _pack(a: argparse.Namespace) -> None:
    from . import gpu

    for f in gpu.pack(a.data, a.out, int(a.most * 2**20)):
        print(f"{f}: {f.stat().st_size / 2**20:.1f} MiB")


def _unpack(a: argparse.Namespace) -> None:
    from . import gpu

    print(f"{gpu.unpack(a.parts, a.data)} recordings")


def _gpu(a: argparse.Namespace) -> None:
    from . import corpus, gpu

    gpu.run(
        a.data, a.cache, a.out, a.recipe, a.start, minutes=a.minutes, decay=a.decay, device=a.device, commit=a.commit,
        synthesised=corpus.SYNTH_CLIPS if a.synthesised is None else a.synthesised,
    )


def _offsets(a: argparse.Namespace) -> dict[float, float]:
    return {float(hz): float(logit) for hz, logit in (p.split("=", 1) for p in a.offset_at)}


def _export(a: argparse.Namespace) -> None:
    from . import weights

    c = weights.read_checkpoint(a.checkpoint)
    c = weights.shifted(c, a.gain_offset, _offsets(a))
    if a.weight_steps is not None:
        c.recipe.weight_steps = a.weight_steps
    how = f"gain offset {a.gain_offset} {' '.join(a.offset_at)}".strip()
    how += f", sharpness {a.sharpness}, smoothing {a.smoothing}, pitch filter {a.pitch_filter}, weight steps {c.recipe.weight_steps}"
    c.history.append(f"export {weights.named(a.checkpoint)}, {how}")
    weights.export(c, a.out, a.name, sharpness=a.sharpness, smoothing=a.smoothing, pitch_filter=a.pitch_filter, commit=a.commit, last=a.last)
    print(f"{a.out}: {c.hours:.1f} h, {a.out.stat().st_size} bytes")


def _snapshot(a: argparse.Namespace) -> None:
    from . import weights

    weights.save_checkpoint(weights.read_checkpoint(a.checkpoint), a.out)


def _average(a: argparse.Namespace) -> None:
    from . import weights

    parts = [(Path(p), float(w)) for p, w in (x.rsplit("=", 1) for x in a.parts)]
    weights.save_checkpoint(weights.average(parts), a.out)


def _narrow(a: argparse.Namespace) -> None:
    from . import corpus, mixing, narrow, weights

    c = weights.read_checkpoint(a.checkpoint)
    sound = corpus.load(a.data, a.cache, without=corpus.all_held_out(), synthesised=a.synthesised)
    features = mixing.kept(sound, c.recipe, "cpu", c.recipe.seed).batch(a.clips).features
    weights.save_checkpoint(narrow.narrow(c, a.units, features, f"narrow {weights.named(a.checkpoint)} to {a.units} units"), a.out)


def _loss(a: argparse.Namespace) -> None:
    import torch

    from . import corpus, mixing, recipe, train, weights

    torch.set_flush_denormal(True)
    r = recipe.read(a.recipe)
    r.batches.fresh = r.batches.clips
    kept = mixing.kept(corpus.load(a.data, a.cache, only=corpus.all_held_out()), r, "cpu", r.seed)
    batches = [kept.batch(r.batches.clips) for _ in range(a.batches)]
    for path in a.checkpoints:
        c = weights.read_checkpoint(path)
        terms = train.held_out_loss(c, batches, r.loss[0].beta)
        print(f"{path}: {c.hours:.0f} h " + " ".join(f"{k} {v:.5f}" for k, v in terms.items()), flush=True)


def _golden(a: argparse.Namespace) -> None:
    from . import golden

    golden.make(a.weights, a.out)


def _devset(a: argparse.Namespace) -> None:
    from . import corpus, devset

    held = corpus.read_split(corpus.SPLITS / f"{a.set}.txt")
    devset.make(corpus.load(a.data, a.cache, only=held, lower=a.lower_floor), a.out, devset.SETS[a.set], a.items, a.near)


def _report(a: argparse.Namespace) -> None:
    from . import report

    print(report.tables(a.folder, {k: Path(v) for k, v in (x.split("=", 1) for x in a.scores)}))


def _voice(a: argparse.Namespace) -> None:
    from . import voice

    decisions = {x: voice.Decision(float(on), float(off), int(hold)) for x in a.decision for on, off, hold in [x.split(",")]}
    print(voice.table(a.folder, dict(x.split("=", 1) for x in a.cmd), decisions))


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
    if a.reference:
        from .reference import Reference

        r = Reference(a.weights).run(x)
        sound, voice = r.sound, r.voice
    else:
        import torch

        from .enhance import Enhancer

        torch.set_num_threads(1)
        e = Enhancer(a.weights).run(x)
        sound, voice = e.sound.numpy(), e.voice.numpy()
    sf.write(a.output, sound, 48000, subtype="FLOAT")
    if a.vad:
        np.savetxt(a.vad, voice, fmt="%.5f")


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
        s.add_argument("--cache", type=Path, required=True, help="folder for decoded sound")

    s = cmd("train", _train, "train by a recipe")
    corpus(s)
    s.add_argument("--recipe", required=True, help="a file, or a name from recipes/")
    s.add_argument("--run", type=Path, required=True, help="folder for checkpoints and log.csv")
    s.add_argument("--start", type=Path, help="checkpoint (.pt) or snapshot (.safetensors) to go on from; a narrower network is widened")
    s.add_argument("--minutes", type=float, default=0, help="wall time (0: until SIGTERM)")
    s.add_argument("--decay-minutes", type=float, default=0, help="the last of them, in which the learning rates fall")
    s.add_argument("--steps", type=int, default=0, help="end after so many (0: by the clock alone)")
    s.add_argument("--every", type=float, default=10, help="minutes between checkpoints")
    s.add_argument("--log-every", type=int, default=100, help="steps between lines of the log")
    s.add_argument("--synthesised", type=int, help="synthesised noises to draw from (default: corpus.SYNTH_CLIPS)")
    s.add_argument("--device", default="cpu")

    s = cmd("pack", _pack, "the training data in tar files small enough to carry to a machine with a GPU")
    s.add_argument("--data", type=Path, required=True)
    s.add_argument("--out", type=Path, required=True)
    s.add_argument("--most", type=float, default=45, help="MiB a file")

    s = cmd("unpack", _unpack, "such files back into a data folder, all at once or one after the other")
    s.add_argument("parts", type=Path, nargs="+")
    s.add_argument("--data", type=Path, required=True)

    s = cmd("gpu", _gpu, "decode, train and export within a number of minutes")
    corpus(s)
    s.add_argument("--out", type=Path, required=True)
    s.add_argument("--recipe", default="gpu", help="a file, or a name from recipes/")
    s.add_argument("--start", type=Path, help="checkpoint or snapshot to go on from")
    s.add_argument("--minutes", type=float, default=9.0, help="from the call to the last file")
    s.add_argument("--decay", type=float, default=0.75, help="share of the training in which the learning rates fall")
    s.add_argument("--device", default="cuda", help="`cpu` for a rehearsal")
    s.add_argument("--synthesised", type=int, help="synthesised noises to draw from (default: corpus.SYNTH_CLIPS)")
    s.add_argument("--commit", default="", help="of the training code")

    s = cmd("average", _average, "the weighted mean of checkpoints' averaged weights")
    s.add_argument("parts", nargs="+", metavar="CHECKPOINT=WEIGHT")
    s.add_argument("-o", "--out", type=Path, required=True)

    s = cmd("narrow", _narrow, "a network with fewer units, the others' weights making up for those that go; train it on afterwards")
    s.add_argument("checkpoint", type=Path)
    corpus(s)
    s.add_argument("--units", type=int, required=True)
    s.add_argument("--clips", type=int, default=512, help="clips of the recipe's length over which units are chosen")
    s.add_argument("--synthesised", type=int, default=200, help="synthesised noises to draw from")
    s.add_argument("-o", "--out", type=Path, required=True)

    s = cmd("loss", _loss, "the loss without perceptual terms on speakers and noises that are held out, the same mixtures for every checkpoint")
    s.add_argument("checkpoints", type=Path, nargs="+")
    corpus(s)
    s.add_argument("--recipe", required=True, help="a file, or a name from recipes/")
    s.add_argument("--batches", type=int, default=40)

    s = cmd("snapshot", _snapshot, "a checkpoint without optimizers in float16, small enough to keep in a repository")
    s.add_argument("checkpoint", type=Path)
    s.add_argument("out", type=Path)

    s = cmd("export", _export, "checkpoint to weights file")
    s.add_argument("checkpoint", type=Path)
    s.add_argument("out", type=Path)
    s.add_argument("--name", default="sourdine")
    s.add_argument("--commit", default="", help="of the training code")
    s.add_argument("--gain-offset", type=float, default=0.0, help="added to every gain logit: above zero keeps more speech and more noise")
    s.add_argument("--offset-at", nargs="+", default=[], metavar="HZ=LOGIT", help="as much more there, in a straight line from point to point")
    s.add_argument("--sharpness", type=float, default=1.0, help="how much medium gains are lowered, 0 to 1: less noise while there is voice")
    s.add_argument("--smoothing", type=float, default=0.9, help="how much the magnitudes of the lowest kilohertz are smoothed over time, 0 to 1")
    s.add_argument("--pitch-filter", type=float, default=0.8, help="how much of the sound one pitch period earlier is added where both are alike, 0 to 1")
    s.add_argument("--weight-steps", type=float, help="instead of the recipe's: steps in the root mean square of a row, 0 for all 8 bits")
    s.add_argument("--last", action="store_true", help="the last weights instead of their average")

    s = cmd("devset", _devset, "write a development set: unseen speakers, noises and rooms")
    corpus(s)
    s.add_argument("--out", type=Path, required=True)
    s.add_argument("--set", choices=("old", "new"), default="new")
    s.add_argument("--items", type=int, default=72)
    s.add_argument("--near", type=int, default=12)
    s.add_argument("--lower-floor", action="store_true", help="lower the recordings' own noise first, as in training: the same mixtures, with references without it")

    s = cmd("golden", _golden, "golden vectors from a weights file")
    s.add_argument("weights", type=Path)
    s.add_argument("out", type=Path)

    s = cmd("enhance", _enhance, "denoise a 48 kHz mono WAV")
    s.add_argument("input")
    s.add_argument("output")
    s.add_argument("--weights", type=Path, required=True)
    s.add_argument("--reference", action="store_true", help="by the NumPy reference instead of PyTorch")
    s.add_argument("--vad", help="write the voice probability of each frame here")

    s = cmd("report", _report, "score files of a development set as tables, by SNR, room, speech set and noise class")
    s.add_argument("folder", type=Path, help="the folder with items.csv")
    s.add_argument("scores", nargs="+", help="NAME=FILE, one JSON object an item; the first is compared with the others")

    s = cmd("voice", _voice, "voice probabilities and decisions beside the clean signal")
    s.add_argument("folder", type=Path)
    s.add_argument("--cmd", required=True, action="append", metavar="NAME=COMMAND", help="with {in}, {out} and {vad}")
    s.add_argument("--decision", action="append", default=[], metavar="ON,OFF,FRAMES", help="thresholds and hangover")

    s = cmd("plot", _plot, "learning curve as PNG")
    s.add_argument("log", type=Path)
    s.add_argument("out", type=Path)
    s.add_argument("--scores", type=Path, help="CSV: hours and one column per score")

    s = cmd("spectrogram", _spectrogram, "spectrograms of WAV files as PNG")
    s.add_argument("out", type=Path)
    s.add_argument("signals", nargs="+", help="TITLE=FILE")

    a = p.parse_args(argv)
    a.fn(a)
