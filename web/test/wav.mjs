/** WAV files of the samples, and float ones for `sourdine clean`. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A file's channels and rate: 16-bit or float samples. */
export function readWav(path) {
  const file = readFileSync(path);
  let [format, channels, sampleRate] = [1, 1, 48_000];
  for (let at = 12; at + 8 <= file.length; ) {
    const [id, size] = [file.toString("latin1", at, at + 4), file.readUInt32LE(at + 4)];
    const body = file.subarray(at + 8, at + 8 + size);
    if (id === "fmt ") [format, channels, sampleRate] = [body.readUInt16LE(14), body.readUInt16LE(2), body.readUInt32LE(4)];
    if (id === "data") {
      const float = format === 32;
      const count = Math.floor(body.length / (float ? 4 : 2));
      const sample = (i) => (float ? body.readFloatLE(4 * i) : body.readInt16LE(2 * i) / 32768);
      const planes = Array.from({ length: channels }, (_, channel) =>
        Float32Array.from({ length: count / channels }, (_, i) => sample(i * channels + channel)));
      return { planes, sampleRate };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error(`${path} has no samples`);
}

export function writeWav(path, planes, sampleRate) {
  const [channels, frames] = [planes.length, planes[0].length];
  const file = Buffer.alloc(44 + 4 * channels * frames);
  file.write("RIFF", 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(3, 20);
  file.writeUInt16LE(channels, 22);
  file.writeUInt32LE(sampleRate, 24);
  file.writeUInt32LE(sampleRate * 4 * channels, 28);
  file.writeUInt16LE(4 * channels, 32);
  file.writeUInt16LE(32, 34);
  file.write("data", 36);
  file.writeUInt32LE(4 * channels * frames, 40);
  planes.forEach((plane, channel) => plane.forEach((x, i) => file.writeFloatLE(x, 44 + 4 * (i * channels + channel))));
  writeFileSync(path, file);
}

/** What `sourdine clean` makes of it; SOURDINE names the program. */
export function cleanedByNative(planes, sampleRate) {
  const folder = mkdtempSync(join(tmpdir(), "sourdine-web-"));
  const [from, to] = [join(folder, "in.wav"), join(folder, "out.wav")];
  writeWav(from, planes, sampleRate);
  execFileSync(process.env.SOURDINE ?? join(root, "target/release/sourdine"), ["clean", from, "-o", to], { stdio: "pipe" });
  return readWav(to).planes;
}

export const sample = (name) => join(root, "samples", name);

/** `seconds` of a sound, said again and again. */
export function repeated(plane, frames) {
  return Float32Array.from({ length: frames }, (_, i) => plane[i % plane.length]);
}

/** The power of the difference over that of `expected`, in dB. */
export function difference(got, expected) {
  let [error, power] = [0, 0];
  expected.forEach((x, i) => {
    error += (got[i] - x) ** 2;
    power += x * x;
  });
  return 10 * Math.log10(error / power);
}

/** Mean power in dB. */
export function level(plane, from = 0, to = plane.length) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += plane[i] ** 2;
  return 10 * Math.log10(sum / (to - from) + 1e-12);
}
