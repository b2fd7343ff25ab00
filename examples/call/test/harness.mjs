/** The server, and people in a call: headless Chromium each, with a WAV file as microphone that is played again and again. */

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));
export const sample = (name) => join(root, "../../samples", name);
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for something to become true. */
export async function until(condition, what, seconds = 30) {
  const end = Date.now() + 1000 * seconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await pause(100);
  }
}

export const JANUS_KEY = "the tests' key";

/** The server with its media server; `restart` stops both and starts them again, at the same ports. */
export async function serve({ port = 18443, janusPort = 18188 } = {}) {
  // The page, and what records in it.
  const folder = mkdtempSync(join(tmpdir(), "call-page-"));
  cpSync(join(root, "page/dist"), folder, { recursive: true });
  cpSync(join(root, "test/recorder.js"), join(folder, "recorder.js"));
  const server = {
    address: `http://127.0.0.1:${port}`,
    janus: `ws://127.0.0.1:${janusPort}/`,
    lines: [],
    async start() {
      const child = spawn(
        join(root, "target/release/call-server"),
        ["--listen", `127.0.0.1:${port}`, "--janus-port", janusPort, "--page", folder, "--janus-key", JANUS_KEY],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      server.child = child;
      server.ended = new Promise((resolve) => child.on("exit", resolve));
      child.stdout.on("data", (data) => server.lines.push(...String(data).trim().split("\n")));
      await until(() => server.lines.some((line) => line.includes("begins a call")) || child.exitCode !== null, "the server starts");
      if (child.exitCode !== null) throw new Error("the server does not start");
    },
    async stop() {
      server.child.kill();
      await server.ended;
      server.lines = [];
    },
    async restart() {
      await server.stop();
      await server.start();
    },
    /** The media server's process, the newest. */
    janusProcess: () => Number(server.lines.findLast((line) => /media server runs/.test(line))?.match(/\d+/)[0]),
  };
  await server.start();
  return server;
}

/** A browser of one person. */
export async function open({ microphone = sample("fan-hum-48k.wav"), viewport = { width: 1280, height: 800 }, script } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "call-"));
  const browser = await chromium.launchPersistentContext(folder, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: false,
    viewport,
    ignoreDefaultArgs: ["--mute-audio"],
    args: [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--autoplay-policy=no-user-gesture-required",
      "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${microphone}`,
    ],
  });
  const person = { browser, requests: [], errors: [] };
  browser.on("request", (request) => person.requests.push(request.url()));
  if (script) await browser.addInitScript(script);
  // What the microphone gives is what the file holds.
  await browser.addInitScript(() => {
    localStorage.sound ??= JSON.stringify({ echoCancellation: false, automaticGain: false });
  });
  person.page = await browser.newPage();
  person.page.on("pageerror", (error) => person.errors.push(String(error)));
  person.page.on("console", (message) => ["error", "warning"].includes(message.type()) && person.errors.push(message.text()));
  person.page.on("websocket", (socket) => person.requests.push(socket.url()));
  person.close = () => browser.close();
  /** The browser's first process. */
  person.pid = () => Number(readdirSync("/proc").find((name) => {
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, "utf8");
      return line.includes(folder) && !line.includes("--type=");
    } catch {
      return false;
    }
  }));
  return Object.assign(person, actions(person.page));
}

/** What a person can do. */
function actions(page) {
  return {
    /** Joins by a link, or begins a call; returns the link. */
    async join(link, name, { camera = false } = {}) {
      await page.goto(link);
      await page.fill("#name", name);
      await page.setChecked("#with-camera", camera);
      await page.click("#join button");
      await page.waitForFunction(() => globalThis.page.call, null, { timeout: 30_000 });
      return page.url();
    },
    /** Waits until the group has so many members, of whom all have said their names. */
    members: (count) =>
      until(() => page.evaluate((count) => {
        const { call } = globalThis.page;
        return call.members.length === count && call.statuses.size === count - 1;
      }, count), `${count} members`),
    peers: () => page.evaluate(() => Object.fromEntries([...globalThis.page.call.statuses].map(([peer, { name }]) => [name, peer]))),
    epoch: () => page.evaluate(() => globalThis.page.call.epoch),
    /** Waits until somebody's stream can be heard. */
    hears: (peer, stream = "microphone") =>
      until(() => page.evaluate((key) => globalThis.page.tiles.sounds.has(key), `${peer} ${stream}`), `hears ${stream}`),
    /** Waits until somebody's picture moves. */
    sees: (peer, stream = "camera") =>
      until(() => page.evaluate(async ([peer, stream]) => {
        const { call } = globalThis.page;
        const found = [...call.media.arriving.values()].find((other) => other.peer === peer && other.stream === stream);
        let frames = 0;
        (await found?.receiver.getStats())?.forEach((report) => (frames += report.framesDecoded ?? 0));
        return frames > 5;
      }, [peer, stream]), `sees ${stream}`),
    /** Records what is heard of somebody, in samples at 48 kHz. */
    async record(peer, seconds, stream = "microphone") {
      const base64 = await page.evaluate(async ([key, seconds]) => {
        const context = new AudioContext({ sampleRate: 48_000 });
        await context.audioWorklet.addModule("/recorder.js");
        const recorder = new AudioWorkletNode(context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
        const parts = [];
        recorder.port.onmessage = ({ data }) => parts.push(data);
        const source = context.createMediaStreamSource(globalThis.page.tiles.sounds.get(key).srcObject);
        source.connect(recorder).connect(context.destination);
        await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
        source.disconnect();
        await context.close();
        const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
        let text = "";
        for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        return btoa(text);
      }, [`${peer} ${stream}`, seconds]);
      const bytes = Buffer.from(base64, "base64");
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice();
    },
    /** Totals of what the network and the decoders had, over all that arrives. */
    received: () =>
      page.evaluate(async () => {
        const totals = { packets: 0, samples: 0, concealed: 0, frames: 0 };
        const { subscriber } = globalThis.page.call.media;
        (await subscriber?.connection.getStats())?.forEach((report) => {
          if (report.type !== "inbound-rtp") return;
          totals.packets += report.packetsReceived;
          totals.samples += (report.totalSamplesReceived ?? 0) - (report.concealedSamples ?? 0);
          totals.concealed += report.concealedSamples ?? 0;
          totals.frames += report.framesDecoded ?? 0;
        });
        return totals;
      }),
    counts: () => page.evaluate(() => globalThis.page.call.counts()),
    notice: () => page.textContent("#notice"),
  };
}
