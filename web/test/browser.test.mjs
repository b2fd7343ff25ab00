/** The package in headless Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { endure } from "../endurance.mjs";
import { launch } from "./browser.mjs";
import { cleanedByNative, difference, level } from "./wav.mjs";

let chromium, page;

before(async () => {
  chromium = await launch();
  page = await chromium.open();
});

after(() => chromium?.close());

/** Frames by which `later` is behind `earlier`: where two seconds of them are most alike. */
function delayOf(later, earlier, rate) {
  const likeness = (lag) => {
    let sum = 0;
    for (let i = 4 * rate; i < 6 * rate; i++) sum += later[i] * earlier[i - lag];
    return sum;
  };
  let best = 0;
  for (let lag = 0; lag < 2000; lag++) if (likeness(lag) > likeness(best)) best = lag;
  return best;
}

/** Levels of the quietest and of the loudest tenth of the frames of 10 ms at 48 kHz: noise between words, and voice. */
function quietAndLoud(plane) {
  const levels = [];
  for (let at = 0; at + 480 <= plane.length; at += 480) levels.push(level(plane, at, at + 480));
  levels.sort((a, b) => a - b);
  const tenth = Math.floor(levels.length / 10);
  return { quiet: levels[tenth], loud: levels.at(-tenth) };
}

test("microphone to recording: the noise goes as with `sourdine clean`, the delay is as stated", async (t) => {
  const { raw, clean, latency, stats, rate } = await page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { noiseSuppression: false, echoCancellation: false, autoGainControl: false },
    });
    const context = new AudioContext({ sampleRate: 48_000 });
    const source = context.createMediaStreamSource(stream);
    const mono = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
    const node = await sourdine.SourdineNode.create(context, { ...options, model: "/dist/sourdine.safetensors.gz" });
    source.connect(mono).connect(node).connect(context.destination);
    await node.ready;
    const [raw, clean] = await record(context, [mono, node], 12);
    const { latency, stats } = node;
    await context.close();
    stream.getTracks().forEach((track) => track.stop());
    return { raw, clean, latency, stats, rate: context.sampleRate };
  });
  assert.equal(latency, 928);
  assert.ok(stats.frames > 1000 && Object.values(stats.bypassed).every((count) => count === 0), JSON.stringify(stats));
  t.diagnostic(`load ${stats.load}`);

  const delay = delayOf(clean, raw, rate);
  t.diagnostic(`delay ${delay} of ${latency} frames`);
  assert.ok(Math.abs(delay - latency) <= 128, `${delay}`);

  // The quietest tenth of the frames are those between words.
  const native = cleanedByNative([Float32Array.from(raw)], rate)[0];
  const between = [];
  for (let at = 3 * rate; at + 2000 < raw.length; at += 480) between.push(at);
  between.sort((a, b) => level(native, a, a + 480) - level(native, b, b + 480));
  const mean = (plane, shift) => {
    const quiet = between.slice(0, between.length / 10);
    return 10 * Math.log10(quiet.reduce((sum, at) => sum + 10 ** (level(plane, at + shift, at + shift + 480) / 10), 0) / quiet.length);
  };
  const [before, ours, theirs] = [mean(raw, 0), mean(clean, latency), mean(native, 0)];
  t.diagnostic(`between words ${before.toFixed(1)} dB, here ${ours.toFixed(1)}, \`sourdine clean\` ${theirs.toFixed(1)}`);
  assert.ok(before - ours > 10 && Math.abs(ours - theirs) < 1, `${before} ${ours} ${theirs}`);
});

test("stereo: both channels are cleaned, as late as stated, and stay where they were", async (t) => {
  // The sample on the left; on the right a quarter of it, or nothing.
  const stereo = (right) => page.evaluate(async (right) => {
    const context = new AudioContext({ sampleRate: 48_000 });
    const buffer = await context.decodeAudioData(await bytes("/build/sample.wav"));
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    const input = new ChannelMergerNode(context, { numberOfInputs: 2 });
    source.connect(input, 0, 0);
    source.connect(new GainNode(context, { gain: right })).connect(input, 0, 1);
    const node = await sourdine.SourdineNode.create(context, { ...options, channels: 2 });
    input.connect(node).connect(context.destination);
    source.start();
    await node.ready;
    const output = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    node.connect(output);
    const sides = [0, 1].map((side) => {
      const gain = new GainNode(context);
      output.connect(gain, side);
      return gain;
    });
    const planes = await record(context, [source, ...sides], 8);
    const { latency } = node;
    await context.close();
    return { planes, latency };
  }, right);

  const { planes: [raw, left, right], latency } = await stereo(0.25);
  const delays = [left, right].map((plane) => delayOf(plane, raw, 48_000));
  t.diagnostic(`delays ${delays} of ${latency} frames`);
  assert.ok(delays.every((delay) => Math.abs(delay - latency) <= 128), `${delays}`);
  const image = difference(right, left.map((x) => 0.25 * x));
  t.diagnostic(`the right is a quarter of the left within ${image.toFixed(0)} dB`);
  assert.ok(image < -60, `${image} dB`);
  for (const [plane, gain] of [[left, 0], [right, 20 * Math.log10(0.25)]]) {
    const [before, after] = [quietAndLoud(raw), quietAndLoud(plane)];
    assert.ok(after.quiet < before.quiet + gain - 10 && Math.abs(after.loud - before.loud - gain) < 3, JSON.stringify({ before, after }));
  }

  const only = (await stereo(0)).planes;
  assert.ok(level(only[1]) > -50 && level(only[2]) < -100, `${only.map((plane) => level(plane))}`);
});

test("reports come about ten times a second, and controls change what is heard", async () => {
  const result = await page.evaluate(async () => {
    const { context, tone, node } = await toned({ channels: 2 });
    let reports = 0;
    node.addEventListener("report", () => reports++);
    await node.ready;
    reports = 0;
    await pause(2000);
    const inTwoSeconds = reports;
    const [, denoised] = await record(context, [tone, node], 1);
    node.attenuationLimit = 0;
    await pause(300);
    const [, kept] = await record(context, [tone, node], 0.5);
    const why = node.report.bypass;
    let refused;
    try {
      node.attenuationLimit = -3;
    } catch (error) {
      refused = error.name;
    }
    node.attenuationLimit = 60;
    node.enabled = false;
    await pause(300);
    const off = node.report.bypass;
    const result = { reports: inTwoSeconds, denoised: level(denoised), kept: level(kept), why, off, refused };
    await context.close();
    return result;
  });
  assert.ok(result.reports >= 15 && result.reports <= 25, JSON.stringify(result));
  assert.ok(result.kept > -4 && result.denoised < result.kept - 6, JSON.stringify(result));
  assert.deepEqual([result.why, result.off, result.refused], ["noAttenuation", "off", "RangeError"]);
});

test("switching makes no click", async () => {
  const worst = await page.evaluate(async () => {
    const { context, tone, node } = await toned({ model: "/dist/sourdine.safetensors.gz" });
    await node.ready;
    const recording = record(context, [tone, node], 3);
    for (let i = 0; i < 25; i++) {
      await pause(100);
      if (i % 3 === 0) node.enabled = !node.enabled;
      else if (i % 3 === 1) node.attenuationLimit = i % 2 ? 12 : Infinity;
      else node.residue = !node.residue;
    }
    const [before, after] = await recording;
    await context.close();
    // A click is a bend that the tone itself has not.
    const bend = (plane) => plane.reduce((most, x, i) => (i < 2 ? 0 : Math.max(most, Math.abs(x - 2 * plane[i - 1] + plane[i - 2]))), 0);
    return bend(after) / bend(before);
  });
  assert.ok(worst < 3, `${worst} times the tone's own bend`);
});

test("another rate, 44.1 kHz", async () => {
  const result = await page.evaluate(async () => {
    const { context, node } = await toned({}, new AudioContext({ sampleRate: 44_100 }));
    const before = { latency: node.latency, stats: node.stats, report: node.report };
    await node.ready;
    const { latency, stats } = node;
    await context.close();
    return { before, latency, frames: stats.frames };
  });
  assert.deepEqual(result.before, { latency: 0, stats: null, report: null });
  assert.equal(result.latency, 1101);
  assert.ok(result.frames > 0);
});

for (const [name, code, words, overrides] of [
  ["truncated wasm", "wasm", /./, `{ wasm: await bytes("/dist/sourdine.wasm", 100_000) }`],
  ["a truncated model", "model", /damaged file: the bytes/, `{ model: await bytes("/dist/sourdine.safetensors.gz", 100_000) }`],
  ["a model truncated before it was packed", "model", /damaged model file/, `{ model: (await unpacked("/dist/sourdine.safetensors.gz")).slice(0, 100_000) }`],
  ["a wrong model", "model", /not a model file/, `{ model: await bytes("/dist/sourdine.wasm", 100_000) }`],
  ["a missing model", "fetch", /nowhere.*404/, `{ model: "/nowhere" }`],
  ["a rate without a grid", "model", /44056 Hz/, null],
]) {
  test(`failure: ${name}: the sound goes on, the page is told`, async () => {
    const result = overrides
      ? await page.evaluate(`(async () => failing(${overrides}))()`)
      : await page.evaluate(async () => {
          const { context, tone, node, told } = await toned({}, new AudioContext({ sampleRate: 44_056 }));
          const ready = await outcome(node.ready);
          const [before, after] = await record(context, [tone, node], 0.5);
          return { ready, told: told(), same: before.every((x, i) => x === after[i]), level: level(after) };
        });
    assert.equal(result.ready.code, code, JSON.stringify(result));
    assert.match(result.ready.message, words);
    assert.equal(result.told, code);
    assert.ok(result.same && result.level > -4, JSON.stringify(result));
  });
}

test("failure: wasm blocked by the page's policy: the sound goes on, the page is told", async () => {
  const blocked = await chromium.open("");
  const result = await blocked.evaluate(() => failing({}));
  await blocked.close();
  assert.equal(result.ready.code, "wasm");
  assert.match(result.ready.message, /Content Security Policy/i);
  assert.ok(result.same && result.level > -4, JSON.stringify(result));
});

test("failure: a panic in the module: the sound goes on, the page is told", async () => {
  const result = await page.evaluate(async () => {
    // This build panics at a sample of a million.
    const { context, tone, node, told } = await toned({ wasm: "/build/scalar.wasm" });
    await node.ready;
    const fine = told();
    const million = new ConstantSourceNode(context, { offset: 1e6 });
    million.connect(node);
    million.start();
    await pause(300);
    million.stop();
    million.disconnect();
    await pause(300);
    const [before, after] = await record(context, [tone, node], 0.5);
    const { error: { code, message } } = node;
    await context.close();
    return { fine, code, message, told: told(), same: before.every((x, i) => x === after[i]), level: level(after) };
  });
  assert.deepEqual([result.fine, result.code, result.told], [null, "trap", "trap"]);
  assert.match(result.message, /a defect of Sourdine: .*planted/s);
  assert.ok(result.same && result.level > -4, JSON.stringify(result));
});

for (const [fallbackModel, expected] of [["/dist/sourdine-lite.safetensors.gz", ["light", "dry", "light", "full"]], [null, ["dry", "full"]]]) {
  test(`overload: ${fallbackModel ? "the fallback model, then none" : "no model"}, and back`, async () => {
    const result = await page.evaluate(async (fallbackModel) => {
      const overrides = { model: "/dist/sourdine.safetensors.gz", ...(fallbackModel && { fallbackModel }) };
      const { context, tone, node, told } = await toned(overrides);
      await context.audioWorklet.addModule("/test/clock.js");
      const clock = new AudioWorkletNode(context, "clock");
      await node.ready;
      const { latency } = node;
      const tiers = [];
      node.addEventListener("overload", ({ detail }) => tiers.push(detail));
      const until = async (tier) => {
        const end = performance.now() + 20_000;
        while (tiers.at(-1) !== tier && performance.now() < end) await pause(50);
      };
      clock.port.postMessage(4);
      await until("dry");
      await pause(500);
      const [before, after] = await record(context, [tone, node], 0.5);
      const { bypass } = node.report;
      clock.port.postMessage(0);
      await until("full");
      await pause(500);
      const { stats } = node;
      await context.close();
      const late = before.slice(0, -latency).every((x, i) => x === after[i + latency]);
      return { tiers, bypass, late, overload: stats.bypassed.overload, tier: stats.tier, told: told() };
    }, fallbackModel);
    assert.deepEqual(result.tiers, expected);
    assert.ok(result.late, "the input as late as before");
    assert.deepEqual([result.bypass, result.tier, result.told], ["overload", "full", null]);
    assert.ok(result.overload > 50, `${result.overload} frames`);
  });
}

test("failure: no worklet: there is no node, and a track is the input itself", async () => {
  const result = await page.evaluate(async () => {
    const worklet = "/nowhere.js";
    const context = new AudioContext();
    const made = await outcome(sourdine.SourdineNode.create(context, { ...options, worklet }));
    await context.close();
    const input = toneTrack();
    const { track, node, ready } = await processTrack(input, { ...options, worklet });
    return { made, same: track === input, node, ready: await outcome(ready), level: await heard(track) };
  });
  assert.equal(result.made.code, "worklet");
  assert.match(result.made.message, /nowhere\.js/);
  assert.deepEqual([result.same, result.node, result.ready.code], [true, null, "worklet"]);
  assert.ok(result.level > -12, `${result.level}`);
});

test("failure: a closed context is refused, and a new one works", async () => {
  const result = await page.evaluate(async () => {
    const context = new AudioContext();
    await context.close();
    const made = await outcome(sourdine.SourdineNode.create(context, options));
    const again = await toned();
    await again.node.ready;
    await again.context.suspend();
    await again.context.resume();
    const { frames } = again.node.stats;
    await pause(500);
    const more = again.node.stats.frames - frames;
    await again.context.close();
    return { made, more };
  });
  assert.equal(result.made.code, "context");
  assert.ok(result.more > 10, `${result.more} frames after the context went on`);
});

test("a device is switched: the track stays, and carries the other one", async () => {
  const result = await page.evaluate(async () => {
    const [first, second] = [toneTrack(0.001), toneTrack(0.5)];
    const processed = await processTrack(first, { ...options, attenuationLimit: 0 });
    await processed.ready;
    const quiet = await heard(processed.track);
    first.stop();
    const went = processed.replaceInput(second);
    await pause(300);
    const loud = await heard(processed.track);
    await processed.stop();
    return { went, quiet, loud, state: processed.track.readyState };
  });
  assert.ok(result.went && result.quiet < -50 && result.loud > -12, JSON.stringify(result));
  assert.equal(result.state, "ended");
});

test("LiveKit's processor: init, restart, destroy in the SDK's context", async () => {
  const result = await page.evaluate(async () => {
    const audioContext = new AudioContext();
    const processor = new SourdineProcessor({ ...options, attenuationLimit: 0 });
    await processor.init({ kind: "audio", track: toneTrack(0.5), audioContext });
    await processor.node.ready;
    const first = await heard(processor.processedTrack);
    await processor.restart({ kind: "audio", track: toneTrack(0.05), audioContext });
    await processor.node.ready;
    const second = await heard(processor.processedTrack);
    await processor.destroy();
    return { first, second, after: processor.processedTrack === undefined, state: audioContext.state };
  });
  assert.ok(Math.abs(result.first - result.second - 20) < 1, JSON.stringify(result));
  assert.ok(result.after && result.state === "running", JSON.stringify(result));
});

test("LiveKit's SDK: a processor on its track, another device, and none again", async (t) => {
  const own = await chromium.open();
  const result = await own.evaluate(async () => {
    const { createLocalAudioTrack } = await import("/node_modules/livekit-client/dist/livekit-client.esm.mjs");
    const constraints = { noiseSuppression: false, echoCancellation: false, autoGainControl: false };
    const track = await createLocalAudioTrack(constraints);
    const context = new AudioContext({ sampleRate: 48_000 });
    await track.setAudioContext(context);
    const listen = async (track) => {
      const mono = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
      context.createMediaStreamSource(new MediaStream([track])).connect(mono);
      return (await record(context, [mono], 6))[0];
    };
    const raw = await listen(track.mediaStreamTrack);

    const processor = new SourdineProcessor(options);
    await track.setProcessor(processor);
    await processor.node.ready;
    const sent = track.mediaStreamTrack;
    const isProcessed = sent === processor.processedTrack;
    const clean = await listen(sent);

    const inputs = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
    const other = inputs.find(({ deviceId }) => deviceId !== "default" && deviceId !== track.constraints.deviceId);
    const switched = await track.setDeviceId({ exact: other.deviceId });
    await processor.node.ready;
    const anew = track.mediaStreamTrack;
    const isProcessedAgain = anew === processor.processedTrack && anew !== sent;
    const again = await listen(anew);

    await track.stopProcessor();
    const gone = processor.processedTrack === undefined && processor.node === null && anew.readyState === "ended";
    const isRaw = track.mediaStreamTrack !== anew && track.mediaStreamTrack.readyState === "live";
    const state = context.state;
    track.stop();
    await context.close();
    return { raw, clean, again, isProcessed, switched, isProcessedAgain, gone, isRaw, state };
  });
  await own.close();
  const { raw, clean, again, ...rest } = result;
  assert.deepEqual(rest, { isProcessed: true, switched: true, isProcessedAgain: true, gone: true, isRaw: true, state: "running" });
  const before = quietAndLoud(raw);
  for (const plane of [clean, again]) {
    const after = quietAndLoud(plane);
    t.diagnostic(`between words ${before.quiet.toFixed(1)} dB, then ${after.quiet.toFixed(1)}; words ${before.loud.toFixed(1)}, ${after.loud.toFixed(1)}`);
    assert.ok(after.quiet < before.quiet - 10 && Math.abs(after.loud - before.loud) < 3);
  }
});

test("a hidden tab goes on", async () => {
  const own = await chromium.open();
  await own.evaluate(async () => {
    globalThis.kept = await toned();
    await kept.node.ready;
  });
  const other = await chromium.browser.newPage();
  await other.bringToFront();
  const frames = await own.evaluate(async () => {
    const { frames } = kept.node.stats;
    await pause(2000);
    return kept.node.stats.frames - frames;
  });
  await other.close();
  await own.close();
  assert.ok(frames > 100, `${frames} frames in two seconds`);
});

test("the detector hears who speaks, and lets the sound by", async () => {
  const result = await page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { noiseSuppression: false } });
    const context = new AudioContext();
    const source = context.createMediaStreamSource(stream);
    const node = await sourdine.VoiceDetectorNode.create(context, { wasm: options.wasm });
    let spoke = 0;
    node.addEventListener("voice", ({ detail }) => (spoke += detail));
    source.connect(node).connect(context.destination);
    await node.ready;
    await pause(6000);
    const { report } = node;
    await context.close();
    return { spoke, report };
  });
  assert.ok(result.spoke > 0 && result.report.level > -90, JSON.stringify(result));
});

test("audio that is played is denoised frame by frame, and underruns are counted", async (t) => {
  const { seconds, frames, stats, underruns } = await endure(page, 44_100, 20);
  t.diagnostic(`${underruns.events} underruns in ${seconds.toFixed(1)} s`);
  assert.ok(seconds >= 20 && Math.abs(frames / 100 - seconds) < 0.3, `${frames} frames in ${seconds} s`);
  assert.deepEqual(Object.values(stats.bypassed), [0, 0, 0, 0, 0]);
  const planted = await page.evaluate(async () => {
    const { context } = await toned();
    await context.audioWorklet.addModule("/test/recorder.js");
    await pause(1000);
    const before = context.playbackStats.toJSON();
    new AudioWorkletNode(context, "dawdler").connect(context.destination);
    await pause(3000);
    const after = context.playbackStats.toJSON();
    await context.close();
    return after.underrunDuration - before.underrunDuration;
  });
  assert.ok(planted > 0.2, `${planted} s of underruns where half a second was planted`);
});

test("plain WebRTC: what arrives is the cleaned sound, by replaceTrack and as a new sender's track", async (t) => {
  const heard = await page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { noiseSuppression: false, echoCancellation: false, autoGainControl: false },
    });
    const [track] = stream.getAudioTracks();
    const connect = async (sent) => {
      const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
      near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
      far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
      const arrived = new Promise((resolve) => (far.ontrack = ({ track }) => resolve(track)));
      const { sender } = near.addTransceiver(sent, { direction: "sendonly" });
      await near.setLocalDescription();
      await far.setRemoteDescription(near.localDescription);
      await far.setLocalDescription();
      await near.setRemoteDescription(far.localDescription);
      const remote = await arrived;
      // Chromium gives a remote track's sound to Web Audio only while an element plays it too.
      const element = new Audio();
      element.srcObject = new MediaStream([remote]);
      element.muted = true;
      await element.play();
      const context = new AudioContext({ sampleRate: 48_000 });
      const mono = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
      context.createMediaStreamSource(new MediaStream([remote])).connect(mono);
      await pause(1000);
      return {
        sender,
        listen: async () => (await record(context, [mono], 6))[0],
        close: async () => {
          near.close();
          far.close();
          await context.close();
        },
      };
    };

    const first = await connect(track);
    const raw = await first.listen();
    const processed = await processTrack(track, options);
    await processed.ready;
    await first.sender.replaceTrack(processed.track);
    await pause(1000);
    const replaced = await first.listen();
    await first.close();
    const second = await connect(processed.track);
    const sent = await second.listen();
    await second.close();
    await processed.stop();
    track.stop();
    return { raw, replaced, sent };
  });
  const before = quietAndLoud(heard.raw);
  for (const plane of [heard.replaced, heard.sent]) {
    const after = quietAndLoud(plane);
    t.diagnostic(`between words ${before.quiet.toFixed(1)} dB, then ${after.quiet.toFixed(1)}; words ${before.loud.toFixed(1)}, ${after.loud.toFixed(1)}`);
    assert.ok(after.quiet < before.quiet - 10 && Math.abs(after.loud - before.loud) < 3);
  }
});
