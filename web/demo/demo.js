/** The page: a source, the node, two spectrograms. */

import { SourdineNode } from "../dist/index.js";
import { Spectrogram } from "./spectrogram.js";

const element = (id) => document.getElementById(id);
const dist = (name) => new URL(`../dist/${name}`, import.meta.url);

/** What plays: its context, its node, and how to end it. Null: nothing. */
let playing = null;
/** Counts what was started, so that a start that is overtaken ends itself. */
let turn = 0;

const tell = (words, bad = false) => {
  element("message").textContent = words;
  element("message").classList.toggle("bad", bad);
};

const pressed = (id) => element(id).getAttribute("aria-pressed") === "true";

function controls() {
  const strength = Number(element("strength").value);
  return {
    enabled: !pressed("before"),
    residue: pressed("residue"),
    attenuationLimit: strength > 60 ? Infinity : strength,
    gate: element("gate").checked,
  };
}

function apply() {
  const { attenuationLimit } = controls();
  element("strengthText").textContent = attenuationLimit === Infinity ? "no limit" : `${attenuationLimit} dB`;
  if (!playing) return;
  Object.assign(playing.node, controls());
  playing.loudness.gain.setTargetAtTime(element("audible").checked ? 1 : 0, playing.context.currentTime, 0.02);
}

async function stop() {
  turn += 1;
  const ended = playing;
  playing = null;
  element("stop").disabled = true;
  ended?.end();
  if (ended) await ended.context.close();
}

/** Plays what `open` makes in a new context: a source and how to end it. */
async function play(what, aloud, open) {
  await stop();
  const mine = turn;
  const context = new AudioContext();
  tell(`Opening ${what} …`);
  try {
    const { source, end } = await open(context);
    const node = await SourdineNode.create(context, {
      wasm: dist("sourdine.wasm"), model: dist(`${element("model").value}.safetensors.gz`), channels: 1, ...controls(),
    });
    const [before, after] = [new AnalyserNode(context, { fftSize: 2048 }), new AnalyserNode(context, { fftSize: 2048 })];
    const loudness = new GainNode(context, { gain: 0 });
    if (mine !== turn) {
      end();
      return await context.close();
    }
    element("audible").checked = aloud;
    source.connect(before);
    source.connect(node).connect(after).connect(loudness).connect(context.destination);
    playing = { context, node, loudness, end, again: () => play(what, element("audible").checked, open) };
    element("stop").disabled = false;
    node.addEventListener("error", ({ detail }) => tell(`It does not work, the sound is passed on: ${detail.message}`, true));
    node.addEventListener("report", ({ detail }) => show(node, context, detail));
    draw(playing, before, after);
    apply();
    await node.ready;
    if (mine === turn) tell(aloud ? `Playing ${what}.` : `Listening to ${what}. Put on headphones before you choose “Play aloud”.`);
  } catch (error) {
    if (mine === turn) tell(error.message, true);
    if (!playing && context.state !== "closed") await context.close();
  }
}

const level = (dB) => (dB <= -120 ? "silent" : `${dB.toFixed(0).replace("-", "−")} dBFS`);

function show(node, context, report) {
  const ms = (1000 * node.latency) / context.sampleRate;
  element("delay").textContent = node.latency ? `${ms.toFixed(1)} ms` : "–";
  element("load").textContent = node.stats.load ? `${(100 * node.stats.load).toFixed(1)} %` : "–";
  element("voice").textContent = report.voice ? "yes" : "no";
  element("down").textContent = `${Math.max(0, report.inputLevel - report.outputLevel).toFixed(0)} dB`;
  element("frames").textContent = node.stats.frames.toLocaleString("en");
  element("levelBefore").textContent = level(report.inputLevel);
  element("levelAfter").textContent = level(report.outputLevel);
}

function draw(mine, before, after) {
  const pictures = [new Spectrogram(element("pictureBefore"), before), new Spectrogram(element("pictureAfter"), after)];
  const next = () => {
    if (playing !== mine) return;
    pictures.forEach((picture) => picture.draw());
    requestAnimationFrame(next);
  };
  next();
}

/** A whole file, again and again. */
const file = (bytes) => async (context) => {
  const buffer = await context.decodeAudioData(bytes.slice(0)).catch(() => {
    throw new Error("This file holds no sound that the browser can read.");
  });
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  source.start();
  return { source, end: () => source.stop() };
};

async function microphone(context) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { noiseSuppression: false, echoCancellation: false, autoGainControl: false },
  });
  return { source: context.createMediaStreamSource(stream), end: () => stream.getTracks().forEach((track) => track.stop()) };
}

async function playFile(chosen) {
  if (chosen) await play(chosen.name, true, file(await chosen.arrayBuffer()));
}

element("sample").onclick = () => play("the sample", true, async (context) => {
  const response = await fetch(new URL("../build/sample.wav", import.meta.url));
  if (!response.ok) throw new Error("The sample is not there; build the package first.");
  return file(await response.arrayBuffer())(context);
});
element("microphone").onclick = () => play("the microphone", false, microphone);
element("file").onchange = ({ target }) => playFile(target.files[0]);
element("stop").onclick = async () => {
  await stop();
  tell("Stopped.");
};
for (const id of ["before", "after", "residue"]) {
  element(id).onclick = () => {
    for (const other of ["before", "after", "residue"]) element(other).setAttribute("aria-pressed", String(other === id));
    apply();
  };
}
for (const id of ["strength", "gate", "audible"]) element(id).oninput = apply;
element("model").onchange = () => playing?.again();
document.ondragover = (event) => {
  event.preventDefault();
  document.body.classList.add("over");
};
document.ondragleave = () => document.body.classList.remove("over");
document.ondrop = (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  void playFile(event.dataTransfer.files[0]);
};
apply();
void navigator.serviceWorker?.register("offline.js");
