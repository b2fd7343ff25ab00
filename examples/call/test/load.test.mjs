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

/** Whose cameras arrive. */
const cameras = () => ann.page.evaluate(() =>
  [...page.call.media.arriving.values()].filter(({ stream }) => stream === "camera").map(({ peer }) => page.call.statuses.get(peer)?.name));

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

test("when all have gone, the call goes on", async () => {
  load.stop();
  await ann.members(1);
  await until(async () => (await cameras()).length === 0, "no camera arrives");
  assert.deepEqual(ann.errors, []);
});
