/** What the browser tests call in the page. */

import * as sourdine from "../dist/index.js";
import { processTrack } from "../dist/track.js";
import { SourdineProcessor } from "../dist/livekit.js";

const options = { wasm: "/dist/sourdine.wasm", model: "/dist/sourdine-lite.safetensors.gz" };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How a promise ends: null, or the error's code and words. */
const outcome = (promise) => promise.then(() => null, ({ code, message, name }) => ({ code, message, name }));

async function bytes(path, length) {
  return (await (await fetch(path)).arrayBuffer()).slice(0, length);
}

/** The bytes of a file that gzip has packed. */
async function unpacked(path) {
  return new Response((await fetch(path)).body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** Records what `nodes` give, one channel each, for some seconds. */
async function record(context, nodes, seconds) {
  await context.audioWorklet.addModule("/test/recorder.js");
  const merger = new ChannelMergerNode(context, { numberOfInputs: nodes.length });
  nodes.forEach((node, index) => node.connect(merger, 0, index));
  const recorder = new AudioWorkletNode(context, "recorder", {
    channelCount: nodes.length, channelCountMode: "explicit", outputChannelCount: [1],
  });
  const planes = nodes.map(() => []);
  recorder.port.onmessage = ({ data }) => data.forEach((plane, channel) => planes[channel].push(...plane));
  merger.connect(recorder).connect(context.destination);
  await pause(1000 * seconds);
  recorder.port.onmessage = null;
  recorder.disconnect();
  return planes;
}

/** The level of a sound in dB. */
function level(plane) {
  return 10 * Math.log10(plane.reduce((sum, x) => sum + x * x, 0) / plane.length + 1e-12);
}

/** A node after a tone, in a context of its own. */
async function toned(overrides = {}, context = new AudioContext()) {
  const tone = new OscillatorNode(context, { frequency: 440 });
  const node = await sourdine.SourdineNode.create(context, { ...options, ...overrides });
  let told = null;
  node.addEventListener("error", ({ detail }) => (told = detail.code));
  tone.connect(node);
  tone.start();
  node.connect(context.destination);
  return { context, tone, node, told: () => told };
}

/** What becomes of a node that cannot work: how `ready` ends, what the page is told, whether the sound goes on. */
async function failing(overrides) {
  const { context, tone, node, told } = await toned(overrides);
  const ready = await outcome(node.ready);
  const [before, after] = await record(context, [tone, node], 0.5);
  const result = { ready, told: told(), same: before.every((x, i) => x === after[i]), level: level(after) };
  await context.close();
  return result;
}

/** The level that a track carries. */
async function heard(track, seconds = 0.5) {
  const context = new AudioContext();
  const [plane] = await record(context, [context.createMediaStreamSource(new MediaStream([track]))], seconds);
  await context.close();
  return level(plane);
}

/** A track that carries a tone. */
function toneTrack(gain = 0.5) {
  const context = new AudioContext();
  const tone = new OscillatorNode(context);
  const destination = context.createMediaStreamDestination();
  tone.connect(new GainNode(context, { gain })).connect(destination);
  tone.start();
  return destination.stream.getAudioTracks()[0];
}

Object.assign(globalThis, {
  sourdine, processTrack, SourdineProcessor, options, pause, outcome, bytes, unpacked, record, level, toned, failing, heard, toneTrack,
  loaded: true,
});
