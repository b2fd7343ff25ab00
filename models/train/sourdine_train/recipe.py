"""What a run is made of, read from a TOML file (`recipes/`); every checkpoint carries its own."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

RECIPES = Path(__file__).parent.parent / "recipes"

T = TypeVar("T")


@dataclass
class Network:
    """Width and number of the large GRUs."""

    hidden: int = 256
    layers: int = 2


@dataclass
class Optimizer:
    """Rates of AdamW (layers next to the groups, biases) and Muon (hidden matrices), and what is averaged."""

    lr: float = 2e-3
    muon_lr: float = 0.02
    weight_decay: float = 1e-3
    muon_decay: float = 0.2
    warmup: int = 80
    ema: float = 0.999
    grad_clip: float = 1.0


@dataclass
class Batches:
    """Clips of a step and their length in seconds; `fresh` voices and backgrounds are new in every step, of `kept` on hand."""

    clips: int = 16
    seconds: float = 3.0
    long_clips: int = 4
    long_seconds: float = 15.0
    long_share: float = 0.2
    fresh: float = 2.0
    kept: int = 1200


@dataclass
class Mixing:
    """Shares (0 to 1) and ranges of augmentation and mixing."""

    speech_weights: dict[str, float] = field(default_factory=dict)
    """Of the speech sets; those not named get `other_weight`."""
    other_weight: float = 0.1
    noise_weights: dict[str, float] = field(default_factory=dict)
    """Of the noise classes; those not named get 1."""
    speed: float = 0.7
    formants: float = 0.6
    whisper: float = 0.03
    pause: float = 0.35
    late_start: float = 0.15
    second_speaker: float = 0.08
    reverb: float = 0.35
    synthesised: float = 0.26
    babble: float = 0.14
    enveloped: float = 0.09
    granular: float = 0.35
    rumble: float = 0.12
    noise_ends: float = 0.12
    second_noise: float = 0.3
    snr_mean: float = 5.0
    snr_deviation: float = 8.0
    high_snr: float = 0.17
    clean: float = 0.07
    no_speech: float = 0.06
    clip: float = 0.08
    offset: float = 0.04
    quiet: float = 0.05
    floor: float = 0.25
    narrow: float = 0.12
    response_db: float = 6.0


@dataclass
class Loss:
    """Weights of the terms; `refined` judges the gains as the post-filter leaves them."""

    tilt: float = 0.5
    phase: float = 0.3
    beta: float = 2.5
    voice: float = 0.05
    annoyance: float = 0.0
    intelligibility: float = 0.0
    attenuation: float = 0.0
    distance: float = 0.0
    distortion: float = 0.0
    refined: bool = False


@dataclass
class Recipe:
    """All of it. Steps take the losses by turns."""

    network: Network = field(default_factory=Network)
    optimizer: Optimizer = field(default_factory=Optimizer)
    batches: Batches = field(default_factory=Batches)
    mixing: Mixing = field(default_factory=Mixing)
    loss: list[Loss] = field(default_factory=lambda: [Loss()])
    sharpness: float = 1.0
    smoothing: float = 0.0
    pitch_filter: float = 0.8
    weight_steps: float = 0.0
    """Of the large layers: int8 steps in the root mean square of a row (`weights.quantise`), in training and in the file; 0 for all 8 bits."""
    seed: int = 1

    def asdict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts."""
        return asdict(self)


def _made(cls: type[T], values: dict[str, Any], where: str) -> T:
    unknown = set(values) - {f.name for f in fields(cls)}
    if unknown:
        raise ValueError(f"{where}: no such setting: {', '.join(sorted(unknown))}")
    return cls(**values)


def of(values: dict[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from nested dicts; settings that are not named have their defaults."""
    values = dict(values)
    parts: dict[str, Any] = {}
    for name, cls in (("network", Network), ("optimizer", Optimizer), ("batches", Batches), ("mixing", Mixing)):
        parts[name] = _made(cls, values.pop(name, {}), f"{where}, [{name}]")
    if "loss" in values:
        parts["loss"] = [_made(Loss, v, f"{where}, [[loss]]") for v in values.pop("loss")]
    return _made(Recipe, {**values, **parts}, where)


def read(name: str | Path) -> Recipe:
    """A recipe from a TOML file, or by its name from `recipes/`. Over the recipe that `base` names, a table changes single settings."""
    path = Path(name)
    if not path.suffix:
        path = RECIPES / f"{name}.toml"
    values = tomllib.loads(path.read_text())
    if "base" in values:
        base = read(values.pop("base")).asdict()
        values = {**base, **{key: {**base[key], **v} if isinstance(v, dict) and key in base else v for key, v in values.items()}}
    return of(values, str(path))
