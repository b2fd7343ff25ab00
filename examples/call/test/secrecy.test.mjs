/** Who must not hear does not, whatever the server does, and who is not encrypted is not heard. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { open, pause, serve, until } from "./harness.mjs";
import { correlation, decode, entropy, KEEP_KEYS, openAll, readable, tap } from "./wire.mjs";

const PLAINTEXT = `Object.defineProperty(RTCRtpSender.prototype, "transform", { get: () => null, set() {} });`;
const BYPASSED = `Object.defineProperty(RTCRtpReceiver.prototype, "transform", { get: () => null, set() {} });`;

let server, ann, ben, link, room;

before(async () => {
  server = await serve();
  ann = await open({ script: KEEP_KEYS });
  ben = await open({ script: KEEP_KEYS });
  link = await ann.join(server.address, "Ann");
  room = new URL(link).pathname.split("/").pop();
  await ben.join(link, "Ben");
  await ann.members(2);
  await ben.members(2);
  await ben.hears((await ben.peers()).Ann);
});

after(async () => {
  for (const person of [ann, ben]) await person?.close();
  await server?.stop();
});

const keysOf = (person) => person.page.evaluate(() => keys);
const peerOf = (person) => person.page.evaluate(() => page.call.peer);
const warning = (person) => person.page.locator(".tile .warning:not([hidden])").allTextContents();

/** Packets and samples of one sender, as a page has them. */
const ofSender = (person, peer) =>
  person.page.evaluate(async (peer) => {
    const totals = { packets: 0, samples: 0 };
    for (const { receiver, peer: other } of page.call.media.arriving.values()) {
      if (other !== peer) continue;
      (await receiver.getStats()).forEach((report) => {
        if (report.type !== "inbound-rtp") return;
        totals.packets += report.packetsReceived;
        totals.samples += report.totalSamplesReceived - report.concealedSamples;
      });
    }
    return totals;
  }, peer);

test("a page with a wrong link hears nothing, and says so", async (t) => {
  const eve = await open();
  t.after(() => eve.close());
  const wrong = link.replace(/#.{4}/, (part) => (part === "#AAAA" ? "#BBBB" : "#AAAA"));
  await eve.join(wrong, "Eve");
  await until(async () => /nobody lets you in/.test(await eve.notice()), "Eve is told");
  await pause(4000);
  const { packets, samples } = await eve.received();
  const counts = await eve.counts();
  t.diagnostic(JSON.stringify({ packets, samples, counts }));
  assert.ok(packets > 100, `${packets} packets: the media server did send them`);
  assert.equal(samples, 0);
  assert.ok(Object.entries(counts).every(([label, { passed }]) => !label.startsWith("receive") || passed === 0));
  assert.equal(await eve.page.evaluate(() => page.tiles.sounds.size + page.call.members.length), 0);
  await ann.members(2);
});

test("half a link is refused at once", async (t) => {
  const eve = await open();
  t.after(() => eve.close());
  await eve.page.goto(link.slice(0, -5));
  await eve.page.fill("#name", "Eve");
  await eve.page.click("#join button");
  await until(async () => /link is incomplete/.test(await eve.page.textContent("#hint")), "Eve is told");
});

test("who sends plaintext is silent at the others, and shown", async (t) => {
  const mallory = await open({ script: PLAINTEXT });
  t.after(() => mallory.close());
  await mallory.join(link, "Mallory");
  await ann.members(3);
  const peer = await peerOf(mallory);
  await until(async () => (await warning(ann)).some((text) => /Not encrypted/.test(text)), "Ann is warned");
  await pause(3000);
  const { packets, samples } = await ofSender(ann, peer);
  assert.ok(packets > 50 && samples === 0, `${packets} packets, ${samples} samples`);
  assert.ok(!(await ann.page.evaluate((key) => page.tiles.sounds.has(key), `${peer} microphone`)));

  // The server can hear her: what it gets is Opus.
  const tapped = await tap(server, ben.browser, room, peer);
  await until(() => tapped.payloads.length >= 100, "packets are copied");
  const decoded = await decode(ben.page, tapped.payloads.slice(0, 100));
  await tapped.close();
  assert.ok(decoded.filter((samples) => samples?.length === 960).length > 95, "frames of 20 ms");
  await mallory.page.click("#leave");
  await ann.members(2);
});

test("a browser that passes by the decryption is caught", async (t) => {
  const carl = await open({ script: BYPASSED });
  t.after(() => carl.close());
  await carl.join(link, "Carl");
  await until(async () => (await warning(carl)).some((text) => /past the decryption/.test(text)), "Carl is warned");
  assert.equal(await carl.page.evaluate(() => page.tiles.sounds.size), 0);
  await carl.page.click("#leave");
  await ann.members(2);
});

test("what the server sees is noise to it", async (t) => {
  const peer = await peerOf(ann);
  const tapped = await tap(server, ben.browser, room, peer);
  await until(() => tapped.payloads.length >= 500, "packets are copied");
  await tapped.close();
  const payloads = tapped.payloads.slice(0, 500);
  // The header of SFrame is known to all: 2 to 4 bytes.
  const bits = entropy(payloads.map((payload) => payload.subarray(4)));
  const opened = openAll(payloads, await keysOf(ben), peer);
  assert.equal(opened.length, payloads.length, "Ben can read them all");
  const [sealed, spoken] = [await decode(ben.page, payloads), await decode(ben.page, opened)];
  assert.ok(spoken.every((samples) => samples?.length === 960), "what Ben reads are frames of 20 ms");
  // Opus refuses few bytes: it takes noise for frames of some length. They have to have nothing of what was said.
  const refused = sealed.filter((samples) => samples === null).length;
  const likeness = sealed.map((samples, i) => (samples ? correlation(samples, spoken[i]) : 0));
  const mean = likeness.reduce((sum, r) => sum + r, 0) / likeness.length;
  t.diagnostic(`${bits.toFixed(3)} bits a byte; the Opus decoder refuses ${refused} of ${payloads.length} payloads, the others correlate by ${mean.toFixed(3)} with the voice`);
  assert.ok(bits > 7.98, `${bits} bits a byte`);
  assert.ok(Math.abs(mean) < 0.05, `${mean}`);
});

test("who has left cannot read what follows, and who comes cannot read what was", async (t) => {
  const carl = await open({ script: KEEP_KEYS });
  t.after(() => carl.close());
  const peer = await peerOf(ann);
  const tapped = await tap(server, ben.browser, room, peer);
  t.after(() => tapped.close());
  /** All that is sent in the next seconds. */
  const record = async () => {
    tapped.payloads.length = 0;
    await pause(3000);
    return tapped.payloads.slice();
  };
  const before = await record();
  await carl.join(link, "Carl");
  await ann.members(3);
  await carl.members(3);
  await pause(1000);
  const during = await record();
  const epoch = await ann.epoch();
  // He keeps what he has.
  const kept = await keysOf(carl);
  await carl.page.click("#leave");
  await ann.members(2);
  await pause(500);
  const later = await record();

  assert.ok((await ann.epoch()) > epoch, "the epoch has changed");
  const counts = [before, during, later].map((payloads) => [payloads.length, readable(payloads, kept, peer)]);
  t.diagnostic(`packets and those that Carl's keys open, before, during and after his stay: ${JSON.stringify(counts)}`);
  assert.ok(counts.every(([all]) => all > 100));
  assert.equal(counts[0][1], 0);
  assert.equal(counts[1][1], counts[1][0]);
  assert.equal(counts[2][1], 0);
  const bens = await keysOf(ben);
  for (const payloads of [before, during, later]) assert.equal(readable(payloads, bens, peer), payloads.length);
});

test("no page asks anybody else for anything", () => {
  for (const person of [ann, ben]) {
    const hosts = new Set(person.requests.map((url) => new URL(url).host));
    assert.deepEqual([...hosts], [new URL(server.address).host]);
  }
});
