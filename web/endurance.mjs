/**
 * Plays denoised sound in headless Chromium and counts underruns: `node endurance.mjs [MINUTES [RATE…]]`, 10 minutes at 48 000 and
 * 44 100 Hz, one after the other, unless told otherwise. A second context, whose worklet only copies, shows what the machine and
 * the browser cost.
 */

import { fileURLToPath } from "node:url";

import { launch } from "./test/browser.mjs";

/**
 * Runs for `seconds` in `page` (of `launch`): seconds of sound, frames of 10 ms, the
 * node's stats, seconds that were lost while it started, and underruns of both contexts from then on.
 */
export function endure(page, sampleRate, seconds) {
  return page.evaluate(async ([sampleRate, seconds]) => {
    const plain = new AudioContext({ sampleRate });
    const tone = new OscillatorNode(plain);
    await plain.audioWorklet.addModule("/test/recorder.js");
    tone.connect(new AudioWorkletNode(plain, "copier")).connect(plain.destination);
    tone.start();
    const { context, node } = await toned({ model: "/dist/sourdine.safetensors.gz" }, new AudioContext({ sampleRate }));
    const start = context.playbackStats.toJSON();
    await node.ready;
    await pause(2000);
    const now = () => ({
      seconds: context.currentTime, frames: node.stats.frames,
      underruns: context.playbackStats.toJSON(), copied: plain.playbackStats.toJSON(),
    });
    const before = now();
    while (context.currentTime < before.seconds + seconds) await pause(100);
    const after = now();
    const { stats } = node;
    await Promise.all([context.close(), plain.close()]);
    const underruns = (which) => ({
      events: after[which].underrunEvents - before[which].underrunEvents,
      seconds: after[which].underrunDuration - before[which].underrunDuration,
    });
    return {
      seconds: after.seconds - before.seconds, frames: after.frames - before.frames, stats,
      starting: before.underruns.underrunDuration - start.underrunDuration,
      underruns: underruns("underruns"), copied: underruns("copied"),
    };
  }, [sampleRate, seconds]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [minutes = 10, ...rates] = process.argv.slice(2).map(Number);
  if (!(minutes > 0)) throw new Error(`${process.argv[2]} is no number of minutes`);
  const { open, close } = await launch();
  const page = await open();
  for (const rate of rates.length ? rates : [48_000, 44_100]) {
    const { seconds, frames, stats, starting, underruns, copied } = await endure(page, rate, 60 * minutes);
    const told = ({ events, seconds }) => `${events} underruns (${(1000 * seconds).toFixed(0)} ms)`;
    const bypassed = Object.values(stats.bypassed).reduce((sum, count) => sum + count);
    console.log(`${rate} Hz: ${seconds.toFixed(1)} s, ${frames} frames, ${bypassed} bypassed, load ${(100 * stats.load).toFixed(1)} %: ` +
      `${told(underruns)}; ${(1000 * starting).toFixed(0)} ms lost at the start; with a worklet that copies ${told(copied)}`);
  }
  await close();
}
