/** What recordings are compared by. Needs the program `sourdine`; SOURDINE names it. */

import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { level, readWav, repeated, writeWav } from "../../../web/test/wav.mjs";

export { level, readWav, repeated, writeWav };

const RATE = 48_000;
const program = process.env.SOURDINE ?? fileURLToPath(new URL("../../../target/release/sourdine", import.meta.url));

/** What `sourdine clean` makes of a sound. */
export function cleanedByNative(planes, sampleRate, options = []) {
  const folder = mkdtempSync(join(tmpdir(), "call-sound-"));
  const [before, after] = [join(folder, "before.wav"), join(folder, "after.wav")];
  writeWav(before, planes, sampleRate);
  execFileSync(program, ["clean", before, "-o", after, ...options], { stdio: "pipe" });
  return readWav(after).planes;
}

/** ESTOI of a recording beside the clean voice. */
export function estoi(clean, recorded) {
  const folder = mkdtempSync(join(tmpdir(), "call-sound-"));
  const [first, second] = [join(folder, "clean.wav"), join(folder, "recorded.wav")];
  writeWav(first, [clean], RATE);
  writeWav(second, [recorded], RATE);
  const json = execFileSync(program, ["compare", "--no-align", "--json", first, second, second], { encoding: "utf8" });
  return JSON.parse(json).after.estoi;
}

/** A sound at an eighth of its rate: enough to see where it is. */
function coarse(plane) {
  return Float32Array.from({ length: Math.floor(plane.length / 8) }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < 8; k++) sum += plane[8 * i + k];
    return sum;
  });
}

/** The offset in `haystack`, from `from` to `to`, at which it is most like `needle`: coarsely, then by the sample. */
function locate(haystack, needle, from, to) {
  const window = haystack.subarray(from, to + needle.length);
  const roughly = from + 8 * mostAlike(coarse(window), coarse(needle), 0, Math.floor((to - from) / 8));
  return mostAlike(haystack, needle, Math.max(from, roughly - 16), Math.min(to, roughly + 16));
}

function mostAlike(haystack, needle, from, to) {
  let [best, most] = [from, -Infinity];
  for (let offset = from; offset <= to && offset + needle.length <= haystack.length; offset++) {
    let [product, power] = [0, 1e-9];
    for (let i = 0; i < needle.length; i++) {
      const x = haystack[offset + i];
      product += x * needle[i];
      power += x * x;
    }
    const likeness = product / Math.sqrt(power);
    if (likeness > most) [best, most] = [offset, likeness];
  }
  return best;
}

/**
 * Cuts a recording so that it lies beside `expected`, a loop of which it holds a part. Jitter buffers stretch and skip, so each
 * half second is looked for anew, near where the one before was. Returns the recording and the part of the loop, alike in length,
 * and the offset of that part in the loop.
 */
export function aligned(recorded, expected) {
  const block = RATE / 2;
  const first = recorded.slice(RATE, 3 * RATE);
  const twice = new Float32Array(2 * expected.length + first.length);
  for (let i = 0; i < twice.length; i++) twice[i] = expected[i % expected.length];
  let at = locate(twice, first, 0, expected.length) % expected.length;
  const begin = at;
  const parts = [];
  const reference = [];
  let near = RATE;
  while (near + 2 * block < recorded.length) {
    const wanted = Float32Array.from({ length: block }, (_, i) => expected[(at + i) % expected.length]);
    // Silence looks the same everywhere.
    if (level(wanted) > -60) near = locate(recorded, wanted, Math.max(0, near - 2400), near + 2400);
    parts.push(recorded.slice(near, near + block));
    reference.push(wanted);
    near += block;
    at = (at + block) % expected.length;
  }
  return { recorded: concat(parts), expected: concat(reference), begin };
}

export function concat(parts) {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The mean level of the quietest tenth of `reference`'s frames of 10 ms in `plane`, in dB: noise between words. */
export function betweenWords(plane, reference) {
  const levels = [];
  for (let at = 0; at + 480 <= reference.length; at += 480) levels.push([level(reference, at, at + 480), at]);
  levels.sort(([a], [b]) => a - b);
  const quiet = levels.slice(0, levels.length / 10);
  return 10 * Math.log10(quiet.reduce((sum, [, at]) => sum + 10 ** (level(plane, at, at + 480) / 10), 0) / quiet.length);
}

/** Where in `plane` a part of it is. */
export function shift(plane, part) {
  return locate(plane, part, 0, plane.length - part.length);
}

/** What Opus alone makes of a voice, at the bit rate of the call; as long as it and not shifted. */
export function throughOpus(plane) {
  const folder = mkdtempSync(join(tmpdir(), "call-opus-"));
  const [before, packets, after] = ["before.wav", "packets.opus", "after.wav"].map((name) => join(folder, name));
  writeWav(before, [plane], RATE);
  const ffmpeg = (...options) => execFileSync("ffmpeg", ["-v", "error", ...options]);
  ffmpeg("-i", before, "-c:a", "libopus", "-application", "voip", "-b:a", "64k", packets);
  ffmpeg("-i", packets, "-c:a", "pcm_f32le", after);
  return readWav(after).planes[0];
}
