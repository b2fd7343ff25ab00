/** What happens in calls: muting, shared screens, other devices, broken connections, restarts, tablets. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { open, pause, sample, serve, until } from "./harness.mjs";
import { aligned, betweenWords, level, readWav, shift } from "./sound.mjs";

const shots = fileURLToPath(new URL("results/", import.meta.url));
const shoot = (person, name) => person.page.screenshot({ path: `${shots}${name}.png` });

/** A screen that a person shares: a picture, and a tone of 1 kHz at a quarter of full scale. */
const SCREEN = `navigator.mediaDevices.getDisplayMedia = async (asked) => {
  globalThis.asked = asked;
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const paint = canvas.getContext("2d");
  setInterval(() => {
    paint.fillStyle = "#fff";
    paint.fillRect(0, 0, 1280, 720);
    paint.fillStyle = "#123";
    paint.font = "64px sans-serif";
    paint.fillText("Shared at " + new Date().toISOString().slice(11, 21), 80, 200);
  }, 100);
  const context = new AudioContext({ sampleRate: 48000 });
  const tone = new OscillatorNode(context, { frequency: 1000 });
  const sound = context.createMediaStreamDestination();
  tone.connect(new GainNode(context, { gain: 0.25 })).connect(sound);
  tone.start();
  return new MediaStream([...canvas.captureStream(10).getTracks(), ...sound.stream.getTracks()]);
};`;

/** Lets a page lose its connections. */
const SOCKETS = `globalThis.sockets = [];
  globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      sockets.push(this);
    }
  };`;

let server, ann, ben, link, annAtBen, benAtAnn;

before(async () => {
  mkdirSync(shots, { recursive: true });
  server = await serve();
  ann = await open({ script: SCREEN });
  ben = await open({ microphone: sample("keyboard-stereo-44k1.wav"), script: SOCKETS });
  link = await ann.join(server.address, "Ann", { camera: true });
  await ben.join(link, "Ben", { camera: true });
  await meet();
});

after(async () => {
  for (const person of [ann, ben]) await person?.close();
  await server?.stop();
});

/** Waits until both are members, and hear and see each other. */
async function meet() {
  await ann.members(2);
  await ben.members(2);
  annAtBen = (await ben.peers()).Ann;
  benAtAnn = (await ann.peers()).Ben;
  await Promise.all([ben.hears(annAtBen), ann.hears(benAtAnn)]);
  await Promise.all([ben.sees(annAtBen), ann.sees(benAtAnn)]);
  await until(async () => level(await ben.record(annAtBen, 1)) > -60, "Ben hears Ann", 60);
  await until(async () => level(await ann.record(benAtAnn, 1)) > -60, "Ann hears Ben", 60);
}

test("all members see the same safety code", async () => {
  const codes = [];
  for (const person of [ann, ben]) {
    await person.page.click("#safety");
    codes.push(await person.page.textContent("#safety-code"));
  }
  assert.equal(codes[0], codes[1]);
  assert.equal(codes[0].split(", ").length, 7);
});

test("muted, nothing is sent; after it, not a syllable is lost", async (t) => {
  // With its noise the microphone is never silent, so that the beginning can be seen.
  await ann.page.evaluate(() => document.getElementById("suppression").click());
  await ann.page.click("#mute");
  await pause(1500);
  const packets = () => ann.page.evaluate(async () => {
    let packets = 0;
    (await page.call.media.publisher.connection.getStats()).forEach((report) => {
      if (report.type === "outbound-rtp" && report.kind === "audio") packets += report.packetsSent;
    });
    return packets;
  });
  const before = await packets();
  await pause(1500);
  assert.equal(await packets(), before, "nothing is sent");
  assert.ok((await ben.page.textContent(`.tile:not(.own) .name`)).includes("muted"), "Ben sees that");

  // Records at both ends, and notes when the button is pressed.
  const there = ben.record(annAtBen, 6);
  const here = await ann.page.evaluate(async () => {
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.audioWorklet.addModule("/recorder.js");
    const recorder = new AudioWorkletNode(context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
    const samples = [];
    recorder.port.onmessage = ({ data }) => samples.push(...data);
    context.createMediaStreamSource(new MediaStream([page.call.microphone.track])).connect(recorder).connect(context.destination);
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    await wait(1500);
    const pressed = samples.length;
    document.getElementById("mute").click();
    await wait(5000);
    await context.close();
    return { samples, pressed };
  });
  await ann.page.evaluate(() => document.getElementById("suppression").click());
  const heard = await there;
  const begun = heard.findIndex((x) => Math.abs(x) > 1e-4);
  assert.ok(begun > 0, "Ben hears Ann again");
  // Where in Ann's recording is what Ben hears, a second later?
  const spoken = Float32Array.from(here.samples);
  const delay = begun + 48_000 - shift(spoken, heard.slice(begun + 48_000, begun + 96_000));
  const lost = (begun - delay - here.pressed) / 48;
  t.diagnostic(`${lost.toFixed(0)} ms after the button is pressed are lost`);
  assert.ok(lost < 120, `${lost} ms`);
});

test("a shared screen's sound goes through untouched, beside a voice that is cleaned", async (t) => {
  await ann.page.click("#screen");
  await ben.hears(annAtBen, "screenSound");
  await ben.sees(annAtBen, "screen");
  await pause(2000);
  const [tone, voice] = [await ben.record(annAtBen, 5, "screenSound"), await ben.record(annAtBen, 12)];
  const sent = 20 * Math.log10(0.25 / Math.SQRT2);
  const heard = level(tone.slice(48_000));
  const noisy = readWav(sample("fan-hum-48k.wav")).planes[0];
  const clean = readWav(sample("fan-hum-48k.ref.wav")).planes[0];
  const beside = aligned(voice, noisy);
  const reference = Float32Array.from(beside.expected, (_, i) => clean[(beside.begin + i) % clean.length]);
  const [before, now] = [betweenWords(beside.expected, reference), betweenWords(beside.recorded, reference)];
  t.diagnostic(`the tone was sent at ${sent.toFixed(2)} dB and arrives at ${heard.toFixed(2)}; noise between words ${before.toFixed(1)} dB, arrives at ${now.toFixed(1)}`);
  assert.ok(Math.abs(heard - sent) < 1, `${heard} dB, ${sent} sent`);
  assert.ok(now < before - 10, `${now}, ${before}`);
  const { audio } = await ann.page.evaluate(() => asked);
  assert.deepEqual(audio, { echoCancellation: false, noiseSuppression: false, autoGainControl: false });
  await shoot(ben, "screen-grid");
  await ben.page.click("#layout");
  await pause(500);
  await shoot(ben, "screen-speaker");
  await ben.page.click("#layout");
  await ann.page.click("#screen");
  await until(() => ben.page.evaluate(() => !document.querySelector(".tile.screen")), "the screen's tile is gone");
});

test("who speaks lights up", async () => {
  const lit = (person, which) => until(() => person.page.evaluate((which) => !!document.querySelector(`.tile${which}.speaks`), which), `${which} lights up`);
  await lit(ben, ":not(.own)");
  await lit(ann, ".own");
  const dark = (person, which) => until(() => person.page.evaluate((which) => !document.querySelector(`.tile${which}.speaks`), which), `${which} goes dark`);
  await ann.page.click("#mute");
  await dark(ben, ":not(.own)");
  await dark(ann, ".own");
  await ann.page.click("#mute");
});

test("another microphone and another camera, in the middle of the call", async () => {
  await ann.page.click("#show-settings");
  const used = await ann.page.evaluate(() => page.call.microphone.deviceId);
  const other = await ann.page.evaluate((used) => [...document.querySelectorAll("#microphones option")].map(({ value }) => value).find((id) => id !== used), used);
  await ann.page.selectOption("#microphones", other);
  await until(() => ann.page.evaluate((other) => page.call.microphone.deviceId === other, other), "the microphone is another");
  assert.ok(level(await ben.record(annAtBen, 6)) > -60, "Ben goes on hearing Ann");
  // The device goes away: the browser's choice takes its place.
  await ann.page.evaluate(() => page.call.microphone.onended());
  await pause(500);
  assert.ok(level(await ben.record(annAtBen, 6)) > -60, "Ben still hears Ann");
  await ann.page.click("#camera");
  await until(() => ben.page.evaluate(() => !document.querySelector(".tile:not(.own) video:not([hidden])")), "Ann's picture is gone");
  await ann.page.click("#camera");
  await ben.sees(annAtBen);
  await until(() => ben.page.evaluate(() => document.querySelector(".tile:not(.own) video:not([hidden])")?.readyState === 4), "Ann's picture is back");
  await ann.page.click("#show-settings");
});

test("original sound: what the microphone hears arrives, and the browser leaves it alone", async (t) => {
  const noisy = readWav(sample("fan-hum-48k.wav")).planes[0];
  const clean = readWav(sample("fan-hum-48k.ref.wav")).planes[0];
  /** How much of the noise between words is gone, in dB. */
  const removed = async () => {
    const { recorded, expected, begin } = aligned(await ben.record(annAtBen, 12), noisy);
    const reference = Float32Array.from(expected, (_, i) => clean[(begin + i) % clean.length]);
    return betweenWords(expected, reference) - betweenWords(recorded, reference);
  };
  const cancelsEcho = (expected) => until(() => ann.page.evaluate((expected) => {
    const { echoCancellation, autoGainControl, noiseSuppression } = page.call.microphone.settings;
    return echoCancellation === expected && !autoGainControl && !noiseSuppression;
  }, expected), `the browser ${expected ? "cancels echo" : "does nothing"}`);
  await ann.page.click("#show-settings");
  await ann.page.check("#echo-cancellation");
  await cancelsEcho(true);
  await ann.page.check("#original");
  await cancelsEcho(false);
  const original = await removed();
  await ann.page.uncheck("#original");
  await ann.page.uncheck("#echo-cancellation");
  await ann.page.click("#show-settings");
  const suppressed = await removed();
  t.diagnostic(`noise between words is ${original.toFixed(1)} dB lower with original sound, ${suppressed.toFixed(1)} dB without it`);
  // Opus takes away 4 dB of hum by itself.
  assert.ok(original < 6 && suppressed > 20, `${original}, ${suppressed}`);
});

test("another loudspeaker: all sounds move to it, and those that come later begin there", async () => {
  await ann.page.click("#show-settings");
  const other = await ann.page.evaluate(() => [...document.querySelectorAll("#speakers option")].map(({ value }) => value).findLast((id) => id !== "default" && id !== ""));
  assert.ok(other, "there is a second loudspeaker");
  await ann.page.selectOption("#speakers", other);
  const sinks = () => ann.page.evaluate(() => [...page.tiles.sounds.values()].map(({ sinkId }) => sinkId));
  await until(async () => (await sinks()).every((sink) => sink === other), "the sounds are there");
  await ben.page.evaluate(() => sockets.forEach((socket) => socket.close()));
  await pause(500);
  await meet();
  await until(async () => (await sinks()).length === 1 && (await sinks())[0] === other, "a new sound is there, too");
  await ann.page.click("#show-settings");
});

test("a participant's connections break: it comes back as the same", async () => {
  const epoch = await ben.epoch();
  await ben.page.evaluate(() => sockets.forEach((socket) => socket.close()));
  await pause(500);
  await meet();
  assert.equal(await ben.epoch(), epoch, "nobody had to be let in");
});

test("a participant is away for so long that it is put out: it comes back as the same, and stays", async () => {
  const epoch = await ben.epoch();
  // Connections end and cannot be made anew, as of a device that sleeps.
  await ben.page.evaluate(() => {
    const awake = (globalThis.awake = globalThis.WebSocket);
    globalThis.WebSocket = class extends awake {
      constructor(_, ...given) {
        super(new URL("/nowhere", location.href.replace(/^http/, "ws")), ...given);
      }
    };
    sockets.forEach((socket) => socket.close());
  });
  await ann.members(1);
  await ben.page.evaluate(() => (globalThis.WebSocket = awake));
  await meet();
  const back = await ben.epoch();
  assert.ok(back > epoch);
  await pause(10_000);
  assert.equal(await ben.epoch(), back, "and is not put out again");
  await meet();
});

test("the media server ends: the call goes on with a new one", async () => {
  const before = server.janusProcess();
  process.kill(before, "SIGKILL");
  await until(() => server.janusProcess() !== before, "it is started again");
  await meet();
});

test("the server is restarted: the call goes on", async () => {
  const epoch = await ann.epoch();
  await server.restart();
  await meet();
  assert.equal(await ann.epoch(), epoch, "the group is the same");
});

test("a participant vanishes: it is put out, and can come back by the link", async () => {
  const epoch = await ann.epoch();
  await ben.close();
  await ann.members(1);
  assert.ok((await ann.epoch()) > epoch);
  ben = await open({ microphone: sample("keyboard-stereo-44k1.wav"), viewport: { width: 820, height: 1180 } });
  await ben.join(link, "Ben", { camera: true });
  await meet();
});

test("it fits a tablet", async () => {
  for (const [name, width, height] of [["tablet-portrait", 820, 1180], ["tablet-landscape", 1180, 820], ["desktop", 1440, 900]]) {
    await ben.page.setViewportSize({ width, height });
    await pause(500);
    const outside = await ben.page.evaluate(() =>
      [...document.querySelectorAll("#call button, .tile")].filter((element) => {
        const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
        return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight || width < 40 || height < 40;
      }).map((element) => element.id || element.className));
    assert.deepEqual(outside, [], name);
    await shoot(ben, name);
  }
  await ben.page.click("#show-panel");
  await pause(1500);
  const rows = await ben.page.textContent("#panel");
  assert.match(rows, /Frames decrypted/);
  const figures = await ben.page.evaluate(() => page.figures);
  assert.ok(figures.decrypted > 100 && figures.received > 20 && figures.denoiser > 15, JSON.stringify(figures));
  await shoot(ben, "figures");
  await ben.page.click("#show-settings");
  await shoot(ben, "settings");
});
