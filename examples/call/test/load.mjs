/** `node test/load.mjs [PARTICIPANTS [BROWSERS [SPEAKING [TURNS]]]]`: fills a call, and says what it costs the pages. */

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { open, pause, sample, serve } from "./harness.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Frames of a voice and of a camera, as files. */
export function recordings() {
  const folder = mkdtempSync(join(tmpdir(), "call-load-"));
  const [voice, camera] = [join(folder, "voice.opus"), join(folder, "camera.ivf")];
  const ffmpeg = (...options) => execFileSync("ffmpeg", ["-v", "error", ...options]);
  ffmpeg("-i", sample("near-clean-48k.wav"), "-c:a", "libopus", "-application", "voip", "-b:a", "32k", voice);
  ffmpeg("-f", "lavfi", "-i", "testsrc=size=320x180:rate=15:duration=10", "-c:v", "libvpx", "-deadline", "realtime", "-g", "15", "-b:v", "150k", camera);
  return { voice, camera };
}

/** So many participants join by the link, and some speak, in turns of so many seconds if given; `errors` gets what they complain of. */
export function fill(link, count, { voice, camera }, speaking = count, turns = 0) {
  const child = spawn(join(root, "target/release/call-load"),
    [link, "--count", count, "--voice", voice, "--camera", camera, "--speaking", speaking, ...(turns ? ["--turns", turns] : [])],
    { stdio: ["ignore", "ignore", "pipe"] });
  const load = { errors: "", child, stop: () => child.kill() };
  child.stderr.on("data", (data) => (load.errors += data));
  return load;
}

/** Processor seconds of a process and all below it. */
function seconds(pid) {
  const parents = new Map();
  const times = new Map();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const fields = readFileSync(`/proc/${entry}/stat`, "utf8").split(") ").pop().split(" ");
      parents.set(Number(entry), Number(fields[1]));
      times.set(Number(entry), (Number(fields[11]) + Number(fields[12])) / 100);
    } catch {
      // It has ended meanwhile.
    }
  }
  const isBelow = (one) => one === pid || (parents.has(one) && isBelow(parents.get(one)));
  return [...times].reduce((sum, [one, time]) => (isBelow(one) ? sum + time : sum), 0);
}

async function main(participants = 50, browsers = 3, speaking = 3, turns = 0) {
  const files = recordings();
  const server = await serve();
  const people = [];
  let load;
  try {
    let link = server.address;
    for (let number = 0; number < browsers; number++) {
      const person = await open({ microphone: sample("fan-hum-48k.wav") });
      people.push(person);
      link = await person.join(link, `Browser ${number}`, { camera: true });
    }
    for (const person of people) await person.members(browsers);
    load = fill(link, participants, files, speaking, turns);
    const begun = Date.now();
    for (const person of people) await person.members(browsers + participants);
    console.log(`${participants} participants have joined within ${((Date.now() - begun) / 1000).toFixed(1)} s, epoch ${await people[0].epoch()}`);
    await pause(25_000);
    const processes = { "a page": people[0].pid(), server: server.child.pid, "all clients": load.child.pid };
    const before = Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, seconds(pid)]));
    const from = await people[0].received();
    const time = Date.now();
    await pause(20_000);
    const passed = (Date.now() - time) / 1000;
    const now = await people[0].received();
    for (const [name, pid] of Object.entries(processes)) {
      console.log(`${name}: ${(100 * (seconds(pid) - before[name]) / passed).toFixed(0)} % of one of ${cpus().length} cores`);
    }
    const [figures, cameras, sounds] = await people[0].page.evaluate(() => {
      const arriving = [...page.call.media.arriving.values()];
      return [page.figures, arriving.filter(({ stream }) => stream === "camera").length, page.tiles.sounds.size];
    });
    console.log(`a page: ${sounds} voices of ${speaking + browsers - 1}, ${cameras} cameras, ${((now.packets - from.packets) / passed).toFixed(0)} packets/s, ${figures.received.toFixed(0)} kbit/s, ${((now.frames - from.frames) / passed).toFixed(0)} pictures/s, concealed ${(100 * (now.concealed - from.concealed) / Math.max(1, now.samples - from.samples)).toFixed(1)} % of the sound, denoiser's load ${(100 * figures.load).toFixed(0)} % (${figures.model})`);
    await people[0].page.screenshot({ path: join(root, "test/results/load.png") });
  } finally {
    if (load?.errors) console.log(load.errors);
    load?.stop();
    for (const person of people) await person.close();
    await server.stop();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(...process.argv.slice(2).map(Number));
