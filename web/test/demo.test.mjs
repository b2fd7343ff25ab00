/** The page in `demo/`, online and offline. SCREENSHOTS names a folder for pictures of it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { launch } from "./browser.mjs";

test("the sample plays, before and after at one click, and again without a network", async (t) => {
  const { browser, address, close, disconnect } = await launch();
  t.after(close);
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const playing = () => page.waitForFunction(() => document.getElementById("message").textContent === "Playing the sample.");
  const text = (id) => page.textContent(`#${id}`);

  await page.setViewportSize({ width: 1200, height: 800 });
  await page.goto(`${address}/demo/`);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.click("#sample");
  await playing();
  await page.waitForTimeout(4500);
  // On a busy machine the first measurement takes longer.
  await page.waitForFunction(() => document.getElementById("load").textContent.endsWith("%"));
  assert.match(await text("delay"), /^\d+\.\d ms$/);
  assert.match(await text("load"), /^\d+\.\d %$/);
  const frames = Number((await text("frames")).replaceAll(",", ""));
  assert.ok(frames > 100, `${frames}`);
  for (const width of [1200, 400]) {
    await page.setViewportSize({ width, height: 800 });
    const spill = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(spill <= 0, `${spill} pixels too wide at ${width}`);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `demo-${width}.png`), fullPage: true });
  }

  /** Mean brightness of the newest two thirds of a picture. */
  const brightness = (id) => page.evaluate((id) => {
    const canvas = document.getElementById(id);
    const { data } = canvas.getContext("2d").getImageData(canvas.width / 3, 0, canvas.width / 1.5, canvas.height);
    return data.reduce((sum, x, i) => sum + (i % 4 === 3 ? 0 : x), 0) / data.length;
  }, id);
  const [before, after] = [await brightness("pictureBefore"), await brightness("pictureAfter")];
  assert.ok(after > 1 && after < 0.8 * before, `${before} ${after}`);

  await page.click("#before");
  await page.waitForTimeout(500);
  assert.equal(await text("down"), "0 dB");

  await browser.setOffline(true);
  disconnect();
  await page.reload();
  await page.click("#sample");
  await playing();
  assert.deepEqual(errors.filter((error) => !/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|Failed to fetch/.test(error)), []);
});
