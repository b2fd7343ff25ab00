#!/usr/bin/env python3
"""Draws two recordings of the same length as waveforms and spectrograms on one scale: the README's picture.

    python samples/picture.py samples/fan-hum-48k.wav cleaned.wav models/pictures/before-after.png

Needs numpy, scipy, soundfile, matplotlib and Pillow.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import soundfile as sf
from PIL import Image
from scipy.signal import stft

FLOOR_DB, TOP_DB = -100.0, -20.0


def spectrogram(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times in s, frequencies in kHz, and levels in dB re full scale of 20 ms Hann windows every 5 ms."""
    window = rate // 50
    frequencies, times, bins = stft(samples, rate, nperseg=window, noverlap=window * 3 // 4, boundary=None)
    return times, frequencies / 1000, 20 * np.log10(np.abs(bins) + 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("picture")
    parser.add_argument("--top-khz", type=float, default=12.0, help="highest frequency shown (default 12)")
    args = parser.parse_args()

    figure, axes = plt.subplots(
        2, 2, figsize=(16, 7), dpi=100, sharex=True, height_ratios=[1, 3.2], layout="constrained"
    )
    image = None
    for column, (path, title) in enumerate([(args.before, "before"), (args.after, "after")]):
        samples, rate = sf.read(path, always_2d=True)
        samples = samples.mean(axis=1)
        wave, spectrum = axes[0, column], axes[1, column]
        wave.plot(np.arange(len(samples)) / rate, samples, linewidth=0.4, color="#1f3b57")
        wave.set_ylim(-0.7, 0.7)
        wave.set_title(title, fontsize=17)
        wave.set_yticks([-0.5, 0, 0.5])
        times, frequencies, levels = spectrogram(samples, rate)
        image = spectrum.pcolormesh(
            times, frequencies, levels, vmin=FLOOR_DB, vmax=TOP_DB, cmap="magma", shading="auto", rasterized=True
        )
        spectrum.set_ylim(0, min(args.top_khz, rate / 2000))
        spectrum.set_xlim(0, len(samples) / rate)
        spectrum.set_xlabel("time / s", fontsize=13)
        if column == 0:
            wave.set_ylabel("full scale 1", fontsize=13)
            spectrum.set_ylabel("frequency / kHz", fontsize=13)
    figure.colorbar(image, ax=axes[1, :], label="level / dBFS", pad=0.01)
    # A palette of the map's own colours and some greys makes the file a quarter as large and keeps the scale even.
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
    greys = np.linspace(0, 1, 16)[:, None].repeat(3, axis=1)
    colours = np.concatenate([plt.get_cmap("magma")(np.linspace(0, 1, 80))[:, :3], greys])
    palette = Image.new("P", (1, 1))
    palette.putpalette((255 * colours).round().astype(np.uint8).tobytes())
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(args.picture, optimize=True)


if __name__ == "__main__":
    main()
