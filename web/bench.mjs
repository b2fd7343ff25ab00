/**
 * The time of 10 ms of sound: ours and RNNoise's and GTCRN's builds for browsers in node, and ours natively, all on the same
 * sound. `node bench.mjs`, after `build.sh`; npm fetches the other packages into a temporary folder.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { Engine } from "./dist/engine.js";
import { readWav, sample } from "./test/wav.mjs";

const FRAMES = 10_000;
const OTHERS = ["@jitsi/rnnoise-wasm@0.2.1", "@shiguredo/rnnoise-wasm@2025.1.5", "@sapphi-red/web-noise-suppressor@0.4.1"];

const root = fileURLToPath(new URL("..", import.meta.url));
const file = (name) => readFileSync(new URL(name, import.meta.url));
const sound = readWav(sample("fan-hum-48k.wav")).planes[0];
const temporary = mkdtempSync(join(tmpdir(), "sourdine-bench-"));
writeFileSync(join(temporary, "package.json"), "{}");
execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...OTHERS], { cwd: temporary, stdio: "ignore" });
const other = (path) => join(temporary, "node_modules", path);

/** Name to the frames that one call takes, and the call. Each contestant has an array of its own for its input. */
const contestants = {};
const add = (name, frames, take) => (contestants[name] = { frames, take, times: [] });

const module = new WebAssembly.Module(file("dist/sourdine.wasm"));
for (const name of ["sourdine", "sourdine-lite"]) {
  const engine = new Engine(module, file(`../crates/core/models/${name}.safetensors`), { sampleRate: 48_000, channels: 1, blockFrames: 480, fixed: true });
  add(name, 480, (frame) => engine.process([frame], [frame], 480));
}

// RNNoise takes numbers of 16 bits' range.
const scaled = (frame) => frame.forEach((x, i) => (frame[i] = 32768 * x));

{
  // The package does not say that its files are modules; an .mjs is one.
  const path = join(temporary, "jitsi.mjs");
  copyFileSync(other("@jitsi/rnnoise-wasm/dist/rnnoise-sync.js"), path);
  const rnnoise = await (await import(pathToFileURL(path))).default().ready;
  const [state, at] = [rnnoise._rnnoise_create(0), rnnoise._malloc(4 * 480)];
  add("@jitsi/rnnoise-wasm", 480, (frame) => {
    scaled(frame);
    rnnoise.HEAPF32.set(frame, at / 4);
    rnnoise._rnnoise_process_frame(state, at, at);
    return rnnoise.HEAPF32.slice(at / 4, at / 4 + 480);
  });
}
{
  // It runs in pages and workers only, and says so; in node it only has to be told that this is one.
  globalThis.self = globalThis;
  globalThis.WorkerGlobalScope = class {};
  const { Rnnoise } = await import(pathToFileURL(other("@shiguredo/rnnoise-wasm/dist/rnnoise.js")));
  const state = (await Rnnoise.load()).createDenoiseState();
  delete globalThis.self;
  delete globalThis.WorkerGlobalScope;
  add("@shiguredo/rnnoise-wasm", 480, (frame) => {
    scaled(frame);
    state.processFrame(frame);
  });
}
// Its worklets as they are, in what they need of an AudioWorklet's globals. Blocks are as long as quanta and frames fit both.
for (const [name, wasm, frames] of [["rnnoise", "rnnoise_simd", 1920], ["gtcrn", "gtcrn", 768]]) {
  let Processor;
  globalThis.sampleRate = 48_000;
  globalThis.AudioWorkletProcessor = class {
    port = { addEventListener() {} };
  };
  globalThis.registerProcessor = (_, processor) => (Processor = processor);
  const package_ = other("@sapphi-red/web-noise-suppressor/dist");
  Object.assign(globalThis, { require: createRequire(import.meta.url), __dirname: package_ });
  await import(pathToFileURL(join(package_, name, "workletProcessor.js")));
  const wasmBinary = Uint8Array.from(readFileSync(join(package_, `${wasm}.wasm`))).buffer;
  const worklet = new Processor({ processorOptions: { wasmBinary, maxChannels: 1 } });
  while (!worklet.processor) await new Promise((resolve) => setTimeout(resolve, 10));
  const out = new Float32Array(128);
  add(`@sapphi-red/web-noise-suppressor, ${name}`, frames, (block) => {
    for (let at = 0; at < frames; at += 128) worklet.process([[block.subarray(at, at + 128)]], [[out]]);
  });
}

// A second each in turn, so that whatever else the machine does meets all alike.
for (let until = 48_000; until <= FRAMES * 480; until += 48_000) {
  for (const { frames, take, times } of Object.values(contestants)) {
    while (times.length * frames < until) {
      const from = (times.length * frames) % (sound.length - frames);
      const block = sound.slice(from, from + frames);
      const before = performance.now();
      take(block);
      times.push((1000 * (performance.now() - before) * 480) / frames);
    }
  }
}

const rows = Object.entries(contestants).map(([name, { frames, times }]) => {
  times.sort((a, b) => a - b);
  return [name, `${frames / 48} ms`, times[0], times[times.length >> 1]];
});
writeFileSync(join(temporary, "sound.f32"), sound);
for (const name of ["sourdine", "sourdine-lite"]) {
  const printed = execFileSync("cargo", [
    "run", "--quiet", "--release", "--locked", "-p", "sourdine-wasm", "--example", "frame_time", "--",
    join(root, `crates/core/models/${name}.safetensors`), join(temporary, "sound.f32"), String(FRAMES),
  ], { cwd: root, encoding: "utf8" });
  rows.push([`${name}, native`, "10 ms", ...printed.split(" ").map(Number)]);
}
console.log("| | one call | minimum | median |\n|---|---|---|---|");
for (const [name, call, minimum, median] of rows) {
  console.log(`| ${name} | ${call} | ${minimum.toFixed(0)} µs | ${median.toFixed(0)} µs |`);
}
