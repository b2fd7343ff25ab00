/** The module in node: its bits, beside those of the program, and what it refuses. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Detector, Engine } from "../dist/engine.js";
import { cleanedByNative, difference, readWav, repeated, sample } from "./wav.mjs";

const file = (name) => readFileSync(new URL(name, import.meta.url));
const simd = new WebAssembly.Module(file("../dist/sourdine.wasm"));
const scalar = new WebAssembly.Module(file("../build/scalar.wasm"));
const model = file("../../crates/core/models/sourdine.safetensors");
const lite = file("../../crates/core/models/sourdine-lite.safetensors");

const fan = readWav(sample("fan-hum-48k.wav")).planes[0];
const near = readWav(sample("near-clean-48k.wav")).planes[0];
const [left, right] = readWav(sample("keyboard-stereo-44k1.wav")).planes;
const minute = (planes, rate) => planes.map((plane) => repeated(plane, 60 * rate));

/** All of the sound in blocks of the given lengths, in turn, and then silence as long as the delay, which is cut off. */
function denoise(planes, sampleRate, { module = simd, weights = model, blocks = [128], fixed = false } = {}) {
  const blockFrames = Math.max(...blocks);
  const engine = new Engine(module, weights, { sampleRate, channels: planes.length, blockFrames, fixed });
  const total = planes[0].length + engine.latency;
  const out = planes.map(() => new Float32Array(total));
  const frame = (plane, at, length) => {
    const block = new Float32Array(length);
    block.set(plane.subarray(at, at + length));
    return block;
  };
  for (let at = 0, turn = 0; at < total; turn++) {
    const length = blocks[turn % blocks.length];
    const block = planes.map((plane) => frame(plane, at, length));
    engine.process(block, block, length);
    out.forEach((plane, channel) => plane.set(block[channel].subarray(0, Math.min(length, total - at)), at));
    at += length;
  }
  return { engine, planes: out.map((plane) => plane.slice(engine.latency)) };
}

test("the module imports nothing", () => {
  assert.deepEqual(WebAssembly.Module.imports(simd), []);
});

for (const [name, planes, rate] of [
  ["mono, 48 kHz", [fan], 48_000],
  ["stereo, 48 kHz", [fan, near], 48_000],
  ["mono, 44.1 kHz", [left], 44_100],
  ["stereo, 44.1 kHz", [left, right], 44_100],
]) {
  test(`a minute is within -90 dB of the program's: ${name}`, (t) => {
    const input = minute(planes, rate);
    const expected = cleanedByNative(input, rate);
    const got = denoise(input, rate, { fixed: true }).planes;
    got.forEach((plane, channel) => {
      const dB = difference(plane, expected[channel]);
      t.diagnostic(`channel ${channel}: ${dB.toFixed(1)} dB`);
      assert.ok(dB < -90, `${dB} dB`);
      assert.ok(difference(plane, input[channel]) > -40, "it did nothing");
    });
  });
}

test("any partition gives the same bits", () => {
  for (const [planes, rate] of [[[fan], 48_000], [[left, right], 44_100]]) {
    const expected = denoise(planes, rate).planes;
    for (const blocks of [[480], [1], [127, 129, 3], [1024, 64]]) {
      assert.deepEqual(denoise(planes, rate, { blocks }).planes, expected, `${blocks}`);
    }
  }
});

test("SIMD gives the bits of the portable loops", () => {
  for (const weights of [model, lite]) {
    const [with_, without] = [simd, scalar].map((module) => denoise([fan], 48_000, { module, weights }).planes);
    assert.deepEqual(with_, without);
  }
});

test("memory is constant over an hour", () => {
  const { engine } = denoise([fan], 48_000, { weights: lite });
  const before = engine.memory;
  const out = new Float32Array(480);
  for (let frame = 0; frame < 360_000; frame++) {
    const at = (frame * 480) % (fan.length - 480);
    engine.process([fan.subarray(at, at + 480)].map((x) => x.subarray(0, 128)), [out.subarray(0, 128)], 128);
    engine.process([fan.subarray(at + 128, at + 256)], [out.subarray(0, 128)], 128);
    engine.process([fan.subarray(at + 256, at + 384)], [out.subarray(0, 128)], 128);
    engine.process([fan.subarray(at + 384, at + 480)], [out.subarray(0, 96)], 96);
  }
  assert.ok(engine.stats().frames >= 360_000);
  assert.equal(engine.memory, before);
});

test("controls: off and 0 dB give the input back, bit for bit, as late as before", () => {
  for (const controls of [{ enabled: false }, { attenuationLimit: 0 }, { passthrough: true }]) {
    const engine = new Engine(simd, lite, { sampleRate: 48_000, channels: 1, blockFrames: 480, fixed: true });
    engine.set(controls);
    engine.reset();
    const out = new Float32Array(480);
    let before = new Float32Array(480);
    for (let at = 0; at < 48_000; at += 480) {
      engine.process([fan.subarray(at, at + 480)], [out], 480);
      assert.deepEqual(out, before);
      before = fan.slice(at, at + 480);
    }
    assert.equal(Object.values(engine.stats().bypassed).reduce((a, b) => a + b), 100);
  }
});

test("what cannot be is refused in words", () => {
  const format = { sampleRate: 48_000, channels: 1, blockFrames: 128, fixed: true };
  assert.throws(() => new Engine(simd, model.subarray(0, 5000), format), /damaged model file/);
  assert.throws(() => new Engine(simd, new Uint8Array(9000), format), /not a model file/);
  assert.throws(() => new Engine(simd, lite, { ...format, sampleRate: 44_056 }), /44056 Hz.*resample/);
  assert.throws(() => new Engine(simd, lite, { ...format, channels: 9 }), /9 channels; 1 to 8/);
  const engine = new Engine(simd, lite, format);
  assert.throws(() => engine.set({ attenuationLimit: -1 }), /attenuation_limit_db is -1/);
  assert.throws(() => engine.process([], [new Float32Array(64)], 64), /64 frames for a stream made for blocks of 128/);
});

test("the detector tells voice from noise", () => {
  const detector = new Detector(simd, 48_000, 480);
  let voiced = 0;
  for (let at = 0; at + 480 <= near.length; at += 480) voiced += detector.process(near.subarray(at, at + 480)).voice;
  assert.ok(voiced > 100, `${voiced} frames of voice in speech`);
  detector.reset();
  let seed = 1;
  const noise = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647 - 0.5;
  voiced = 0;
  for (let i = 0; i < 500; i++) voiced += detector.process(Float32Array.from({ length: 480 }, noise)).voice;
  assert.ok(voiced < 25, `${voiced} frames of voice in noise`);
});

test("the package can be imported where there is no page", async () => {
  const { SourdineNode } = await import("../dist/index.js");
  await assert.rejects(SourdineNode.create({ state: "running" }, { wasm: "", model: "" }), { code: "worklet" });
});
