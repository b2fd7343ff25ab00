/** Headless Chromium and the server of its pages. The microphone is a WAV file that Chromium plays again and again. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

import { serve } from "./server.mjs";
import { sample } from "./wav.mjs";

/** CHROMIUM names another program than Debian's. `folder` is what the server serves; default: the package's. */
export async function launch({ folder, microphone = sample("fan-hum-48k.wav") } = {}) {
  const server = await serve(folder);
  const browser = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "sourdine-chromium-")), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: false,
    ignoreDefaultArgs: ["--mute-audio"],
    args: [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars",
      "--autoplay-policy=no-user-gesture-required", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
      `--use-file-for-fake-audio-capture=${microphone}`,
    ],
  });
  return {
    browser,
    address: server.address,
    /** A page of the tests; `script` is what its policy allows besides its own files. */
    async open(script = "'wasm-unsafe-eval'") {
      const page = await browser.newPage();
      await page.goto(`${server.address}/test/page.html?script=${encodeURIComponent(script)}`);
      await page.waitForFunction(() => globalThis.loaded);
      return page;
    },
    async close() {
      await browser.close();
      server.close();
    },
    disconnect: () => server.close(),
  };
}
