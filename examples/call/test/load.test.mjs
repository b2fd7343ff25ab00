/** A call with more members than a page has room for: Rust clients beside a browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { open, pause, serve, until } from "./harness.mjs";
import { fill, recordings } from "./load.mjs";

const COUNT = 14;

let server, ann, link, load;

before(async () => {
  server = await serve();
  ann = await open();
  link = await ann.join(server.address, "Ann");
  await ann.members(1);
});

after(async () => {
  load?.stop();
  await ann?.close();
  await server?.stop();
});

/** Of whom a kind of stream arrives. */
const arrives = (kind) => ann.page.evaluate((kind) =>
  [...page.call.media.arriving.values()].filter(({ stream }) => stream === kind).map(({ peer }) => page.call.statuses.get(peer)?.name), kind);
const cameras = () => arrives("camera");
const voices = () => arrives("microphone");

test("all of them are heard, and those who spoke last are seen", async (t) => {
  load = fill(link, COUNT, recordings(), 1);
  await ann.members(COUNT + 1);
  await until(async () => (await cameras()).length === 9, "nine cameras arrive");
  await until(async () => (await cameras()).includes("Participant 0"), "the one who speaks is seen");
  const peers = await ann.peers();
  await ann.hears(peers["Participant 0"]);
  await ann.sees(peers["Participant 0"]);
  await pause(3000);
  const counts = Object.entries(await ann.counts()).filter(([label]) => label.startsWith("receive"));
  const [passed, refused] = ["passed", "refused"].map((field) => counts.reduce((sum, [, count]) => sum + count[field], 0));
  t.diagnostic(`${passed} frames decrypted, ${refused} refused`);
  assert.ok(passed > 500 && passed > 20 * refused);
  assert.equal(load.errors, "");
});

test("of more voices than a page takes, those who speak are heard", async () => {
  load.stop();
  await ann.members(1);
  const [unmuted, most, turn] = [20, 16, 4];
  load = fill(link, unmuted, recordings(), unmuted, turn);
  await ann.members(unmuted + 1);
  await until(async () => (await voices()).length === most, "as many voices arrive as a page takes");
  // One after the other speaks, and is heard, and seen to speak.
  for (let number = unmuted - 3, last = number + 5; number < last; number++) {
    const name = `Participant ${number % unmuted}`;
    const peer = (await ann.peers())[name];
    await until(() => ann.page.evaluate((peer) => page.call.speakers.last(peer) > Date.now() - 100, peer), `it is the turn of ${name}`, 2 * unmuted * turn);
    await until(async () => (await voices()).includes(name), `${name} is received`, turn - 2);
    await ann.hears(peer);
    assert.ok((await voices()).length <= most);
  }
  assert.equal(load.errors, "");
});

test("when all have gone, the call goes on", async () => {
  load.stop();
  await ann.members(1);
  await until(async () => (await cameras()).length === 0, "no camera arrives");
  assert.deepEqual(ann.errors, []);
});
