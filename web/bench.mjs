/**
 * The time of a frame of 10 ms in node, over 10 000 frames of the same sound: minimum and median in microseconds.
 * Native: `cargo bench -p sourdine-benches --bench tail`.
 */

import { readFileSync } from "node:fs";

import { Engine } from "./dist/engine.js";
import { readWav, sample } from "./test/wav.mjs";

const FRAMES = 10_000;
const file = (name) => readFileSync(new URL(name, import.meta.url));
const sound = readWav(sample("fan-hum-48k.wav")).planes[0];
const module = new WebAssembly.Module(file("dist/sourdine.wasm"));

/** Name to a function that takes one frame. */
const contestants = {};

for (const name of ["sourdine", "sourdine-lite"]) {
  const format = { sampleRate: 48_000, channels: 1, blockFrames: 480, fixed: true };
  const engine = new Engine(module, file(`dist/${name}.safetensors`), format);
  contestants[name] = (frame) => engine.process([frame], [frame], 480);
}

const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, new Float64Array(FRAMES)]));
for (let i = 0; i < FRAMES; i++) {
  const at = (480 * i) % (sound.length - 480);
  for (const [name, take] of Object.entries(contestants)) {
    const frame = sound.slice(at, at + 480);
    const before = performance.now();
    take(frame);
    times[name][i] = 1000 * (performance.now() - before);
  }
}
for (const [name, each] of Object.entries(times)) {
  each.sort();
  console.log(`${name}: minimum ${each[0].toFixed(0)} µs, median ${each[FRAMES / 2].toFixed(0)} µs`);
}
