#!/usr/bin/env python3
"""Tests the LV2 plug-in in Ardour: the delay is compensated, a session keeps the settings, automation does not click.

Makes sessions with Ardour's Lua interpreter and exports them; installs Ardour (7, from Debian 12) and needs no sound card.

    docs/hosts/ardour.py
"""

import array
import glob
import math
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RATE = 48_000
TICKS = 282_240_000 // RATE
"""Ardour's unit of time in a sample."""

LUA = """
AudioEngine:set_backend("None (Dummy)", "", "")
local s = create_session("SESSION", "s", RATE)
local function add(name)
  for t in s:new_audio_track(1, 1, nil, 1, name, ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true):iter() do
    return t
  end
end
local wet = add("wet")
local processor = ARDOUR.LuaAPI.new_plugin(s, "urn:sourdine:mono", ARDOUR.PluginType.LV2, "")
assert(not processor:isnil(), "Ardour does not find the plug-in")
assert(wet:add_processor_by_index(processor, 0, nil, true) == 0)
SETTINGS
ARDOUR.LuaAPI.usleep(500000)  -- The audio thread applies the settings.
s:save_state("")
close_session()
quit()
"""

INVERTED_DRY = """
add("dry"):phase_control():set_phase_invert(0, true)
ARDOUR.LuaAPI.set_processor_param(processor, CONTROL, 0)
"""
ATTENUATION_LIMIT, ENABLED = "0", "3"

AUTOMATION = """
local insert = processor:to_insert()
local plugin, control = insert:plugin(0), 0
for port = 0, plugin:parameter_count() - 1 do
  if plugin:parameter_is_control(port) then
    if plugin:parameter_is_input(port) then
      local _, points, range = ARDOUR.LuaAPI.plugin_automation(processor, control)
      for k = 1, SECONDS * 4 do
        local value = k % (control + 2) == 0 and range.lower or range.upper
        points:add(Temporal.timepos_t(k * 11003), value, false, true)
      end
      local parameter = Evoral.Parameter(ARDOUR.AutomationType.PluginAutomation, 0, port)
      insert:to_automatable():automation_control(parameter, false):set_automation_state(ARDOUR.AutoState.Play)
    end
    control = control + 1
  end
end
"""


def ardour(program: str, *arguments: str) -> None:
    """Runs one of Ardour's programs; some versions crash when they end, so what counts is what they wrote."""
    (path,) = glob.glob(f"/usr/bin/ardour*-{program}")
    subprocess.run([path, *arguments], check=False, timeout=600, capture_output=True)


def export(folder: pathlib.Path, sound: pathlib.Path, frames: int, settings: str) -> array.array:
    """A session with `sound` on each of its tracks, exported: the left channel."""
    session = pathlib.Path(tempfile.mkdtemp(dir=folder), "s")
    script = session.with_suffix(".lua")
    words = {"SESSION": str(session), "RATE": str(RATE), "SECONDS": str(frames // RATE)}
    script.write_text(re.sub("|".join(words), lambda word: words[word[0]], LUA.replace("SETTINGS", settings)))
    ardour("lua", str(script))
    file = session / "s.ardour"
    assert file.exists(), "Ardour made no session"

    # Regions cannot be made without a window, so they are written into the session.
    audio = session / "interchange/s/audiofiles"
    audio.mkdir(parents=True, exist_ok=True)
    (audio / "in.wav").symlink_to(sound)
    length = frames * TICKS
    source = '<Source name="in.wav" type="audio" flags="" id="9000" natural-position="a0" channel="0" origin="" gain="1"/>'
    region = (
        '<Region name="in" muted="0" opaque="1" locked="0" automatic="0" whole-file="0" hidden="0" start="a0" '
        f'length="a{length}@a0" sync-position="a0" ancestral-start="a0" ancestral-length="a0@a0" stretch="1" shift="1" '
        'layering-index="0" fade-in-active="0" fade-out-active="0" scale-amplitude="1" id="{}" type="audio" '
        'first-edit="nothing" source-0="9000" master-source-0="9000" channels="1"/>'
    )
    whole = f'<Location id="9001" name="session" start="a0" end="a{length}" flags="IsSessionRange" locked="0" timestamp="0"/>'
    text = file.read_text()
    text = text.replace("<Sources/>", f"<Sources>{source}</Sources>")
    text = text.replace("<Locations/>", f"<Locations>{whole}</Locations>")
    text = re.sub(r"(<Playlist id=\"(\d+)\"[^>]*)/>", lambda m: f"{m[1]}>{region.format(9100 + int(m[2]))}</Playlist>", text)
    file.write_text(text)

    exported = session.with_suffix(".wav")
    ardour("export", "--bitdepth", "float", "--output", str(exported), str(session), "s")
    return left(exported)


def left(file: pathlib.Path) -> array.array:
    """The left channel of a file as 32-bit floats."""
    command = ["ffmpeg", "-v", "error", "-i", file, "-af", "pan=mono|c0=c0", "-f", "f32le", "-"]
    return array.array("f", subprocess.run(command, check=True, capture_output=True).stdout)


def largest(samples: list[float] | array.array) -> float:
    """The peak in dBFS."""
    return 20 * math.log10(max(max(map(abs, samples)), 1e-10))


def power(samples: list[float] | array.array) -> float:
    return sum(x * x for x in samples)


def click(tone: array.array, hz: float) -> float:
    """The largest click in a steady tone: a tone whose level changes linearly is cancelled by 1 - 2 cos(w) z^-1 + z^-2, twice."""
    c = 2 * math.cos(2 * math.pi * hz / RATE)
    for _ in range(2):
        tone = [z - c * y + x for x, y, z in zip(tone, tone[1:], tone[2:])]
    return largest(tone)


def main() -> None:
    subprocess.run([ROOT / ".ci/install-debian", "ardour", "ffmpeg"], check=True)
    subprocess.run(["cargo", "build", "--release", "--locked", "-p", "sourdine-cli", "-p", "sourdine-plugin"], cwd=ROOT, check=True)
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([target / "sourdine-bundle", folder], check=True, capture_output=True)
        os.environ |= {"HOME": name, "LV2_PATH": f"{folder}/lv2:/usr/lib/lv2"}
        sample = ROOT / "samples/fan-hum-48k.wav"
        frames = len(left(sample))

        # What Ardour saved is what the exporting process restores: by default something would be left.
        for what, control in (("a bypass", ENABLED), ("a limit of 0 dB", ATTENUATION_LIMIT)):
            rest = export(folder, sample, frames, INVERTED_DRY.replace("CONTROL", control))
            print(f"{what} less the track without the plug-in: {largest(rest):.0f} dBFS")
            assert len(rest) == frames and largest(rest) < -190

        # Ardour runs the plug-in before the session starts, so that its frames begin elsewhere than a file's: not the same bits.
        clean = folder / "clean.wav"
        subprocess.run([target / "sourdine", "clean", sample, "-o", clean], check=True, capture_output=True)
        got, expected = export(folder, sample, frames, ""), left(clean)
        assert len(got) == len(expected)
        ratio = 10 * math.log10(power(expected) / power([a - b for a, b in zip(got, expected)]))
        print(f"the denoised track compared with `sourdine clean`: a signal-to-distortion ratio of {ratio:.1f} dB (at least 16.9)")
        assert ratio >= 16.9  # A correlation of 0.99.

        frames, hz = 60 * RATE, 440.0
        tone = folder / "tone.wav"
        sine = f"aevalsrc=0.5*sin(2*PI*{hz}*t):s={RATE}:d=60"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", sine, "-c:a", "pcm_f32le", tone], check=True)
        moved = export(folder, tone, frames, AUTOMATION)[RATE // 5 :]
        loud = sum(max(moved[at : at + 480]) > 0.45 for at in range(0, len(moved), 480))
        assert 60 < loud < 5940, "the automation does not arrive"
        print(f"the largest click under automation of all parameters: {click(moved, hz):.0f} dBFS (below -60)")
        assert click(moved, hz) < -60


if __name__ == "__main__":
    main()
