#!/usr/bin/env python3
"""Prints what the LADSPA plug-in costs inside FFmpeg, compared with FFmpeg's own RNNoise (`arnndn`) with nnnoiseless' weights.

    cargo build --profile dist -p sourdine-plugin && docs/hosts/cost.py
"""

import json
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "target/dist/libsourdine_plugin.so"
MINUTES = 5


def nnnoiseless_weights() -> bytes:
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)["packages"]
    manifest = next(package["manifest_path"] for package in packages if package["name"] == "nnnoiseless")
    return (pathlib.Path(manifest).parent / "src/weights.rnn").read_bytes()


def as_text(weights: bytes) -> str:
    """Bytes a layer: inputs, neurons, activation, and its weights; the text form has the same numbers."""
    lines, at = ["rnnoise-nu model file version 1"], 0
    for recurrent in (False, True, True, True, False, False):
        inputs, neurons, activation = weights[at : at + 3]
        if recurrent:
            arrays = [3 * neurons * inputs, 3 * neurons * neurons, 3 * neurons]
        else:
            arrays = [neurons * inputs, neurons]
        lines.append(f"{inputs} {neurons} {activation}")
        at += 3
        for length in arrays:
            lines.append(" ".join(str(byte - 256 * (byte > 127)) for byte in weights[at : at + length]))
            at += length
    assert at == len(weights)
    return "\n".join(lines) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        network = pathlib.Path(folder, "rnnoise.rnnn")
        network.write_text(as_text(nnnoiseless_weights()))
        voice = pathlib.Path(folder, "voice.wav")
        sample = ROOT / "samples/fan-hum-48k.wav"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", sample, "-t", str(60 * MINUTES), voice], check=True
        )
        plugin = f"ladspa=file={PLUGIN}:plugin=sourdine_mono:controls=c0=60"
        filters = {
            "no filter": "anull",
            "arnndn": f"arnndn=m={network}",
            "sourdine": f"{plugin}|c1=0|c2=0",
            "sourdine-lite": f"{plugin}|c1=0|c2=1",
        }
        print(f"| | CPU s for {MINUTES} min |\n|---|---|")
        for name, chain in filters.items():
            command = ["ffmpeg", "-nostats", "-benchmark", "-i", voice, "-af", chain, "-f", "null", "-"]
            runs = [subprocess.run(command, capture_output=True, text=True, check=True).stderr for _ in range(3)]
            used = min(sum(map(float, re.findall(r"[us]time=([\d.]+)", run))) for run in runs)
            print(f"| {name} | {used:.2f} |", flush=True)


if __name__ == "__main__":
    main()
