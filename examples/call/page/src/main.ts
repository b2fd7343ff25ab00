/** The page: from the link to the call, and its buttons. */

import init, { newSecret } from "../crypto/crypto.js";
import { randomName } from "./bytes.js";
import { Call } from "./call.js";
import { Devices } from "./devices.js";
import type { Standing } from "./group.js";
import { Microphone, SOUND, type Sound } from "./microphone.js";
import { Panel, type Figures } from "./panel.js";
import { Tiles } from "./tiles.js";

const $ = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const button = (id: string, press: () => void | Promise<void>) => {
  $(id).onclick = () => void Promise.resolve(press()).catch((error) => notice(String(error.message ?? error), true));
};
const pressed = (id: string, on: boolean) => $(id).setAttribute("aria-pressed", String(on));

/** Faces in tiles need no more, and everybody decodes everybody's. */
const VIDEO = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 20 } };

const STANDINGS: Record<Standing, string> = {
  connecting: "Connecting …",
  waiting: "Waiting to be let in …",
  joined: "",
  refused: "This link is not the call's: nobody lets you in, and nothing can be decrypted. Ask for the whole link.",
};

const tiles = new Tiles($("tiles"));
const panel = new Panel($("panel"));
const devices = new Devices();
let call: Call | null = null;
let sound: Sound = { ...SOUND, ...JSON.parse(localStorage.getItem("sound") ?? "{}") };
let voice = false;
let figures: Figures | null = null;

function notice(text: string, isProblem = false): void {
  $("notice").textContent = text;
  $("notice").classList.toggle("problem", isProblem && text !== "");
}

/** The room is in the address, its secret after the `#`, which no browser sends to a server. */
async function link(): Promise<{ room: string; secret: string }> {
  const room = location.pathname.match(/^\/r\/([\w-]+)$/)?.[1];
  if (room) return { room, secret: location.hash.slice(1) };
  const made = await (await fetch("/rooms", { method: "POST" })).text();
  const secret = newSecret(made);
  history.replaceState(null, "", `/r/${made}#${secret}`);
  return { room: made, secret };
}

async function join(name: string, withCamera: boolean): Promise<void> {
  await init({ module_or_path: "/crypto_bg.wasm" });
  const { room, secret } = await link();
  let microphone: Microphone | null = null;
  try {
    microphone = await Microphone.open("", sound);
  } catch (error) {
    notice(`No microphone: ${(error as Error).message}`, true);
  }
  const joined = new Call(room, secret, randomName(), name, microphone, {
    change: () => {
      tiles.show(joined);
      $("safety-code").textContent = joined.safetyCode;
    },
    standing: (standing) => notice(STANDINGS[standing], standing === "refused"),
    online: (online) => notice(online ? "" : "The server cannot be reached; trying again …", !online),
    voice: (speaks) => (voice = speaks),
  });
  call = joined;
  $("lobby").hidden = true;
  $("call").hidden = false;
  setInterval(() => tiles.light(joined, voice), 100);
  setInterval(() => void panel.update(joined).then((now) => (figures = now)), 1000);
  tiles.show(joined);
  if (microphone) microphone.onended = () => void switchMicrophone("");
  await devices.list(microphone?.deviceId ?? "");
  devices.onlost = () => void switchMicrophone("");
  if (withCamera) await setCamera(true);
}

async function setCamera(on: boolean): Promise<void> {
  if (!call) return;
  const deviceId = devices.camera;
  const video = { ...VIDEO, ...(deviceId && { deviceId: { exact: deviceId } }) };
  const stream = on ? await navigator.mediaDevices.getUserMedia({ video }) : null;
  await call.show("camera", stream?.getVideoTracks()[0] ?? null);
  pressed("camera", on);
}

async function setScreen(on: boolean): Promise<void> {
  if (!call) return;
  if (!on) {
    await call.show("screen", null);
    return pressed("screen", false);
  }
  const untouched = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15 } }, audio: untouched });
  const [picture] = stream.getVideoTracks();
  picture!.contentHint = "detail";
  picture!.onended = () => void setScreen(false);
  await call.show("screen", picture!, stream.getAudioTracks()[0] ?? null);
  pressed("screen", true);
}

async function switchMicrophone(deviceId: string): Promise<void> {
  await call?.microphone?.switch(deviceId);
  await devices.list(call?.microphone?.deviceId ?? "");
}

async function setSound(change: Partial<Sound>): Promise<void> {
  sound = { ...sound, ...change };
  localStorage.setItem("sound", JSON.stringify(sound));
  showSound();
  await call?.setSound(sound);
}

function showSound(): void {
  $<HTMLInputElement>("suppression").checked = sound.suppression;
  $<HTMLInputElement>("original").checked = sound.original;
  $<HTMLInputElement>("echo-cancellation").checked = sound.echoCancellation;
  $<HTMLInputElement>("automatic-gain").checked = sound.automaticGain;
  $<HTMLInputElement>("strength").value = String(sound.strength);
  $("strength-value").textContent = `${sound.strength} dB`;
}

$("join").onsubmit = (event) => {
  event.preventDefault();
  const name = $<HTMLInputElement>("name").value.trim();
  localStorage.setItem("name", name);
  join(name, $<HTMLInputElement>("with-camera").checked).catch((error) => {
    $("lobby").hidden = false;
    $("call").hidden = true;
    $("hint").textContent = String(error.message ?? error);
    $("hint").classList.add("problem");
  });
};
button("mute", async () => {
  const muted = call?.status.microphone ?? false;
  await call?.setMuted(muted);
  pressed("mute", muted);
});
button("camera", () => setCamera(!call?.status.camera));
button("screen", () => setScreen(!call?.status.screen));
button("layout", () => {
  const next = $("tiles").dataset.layout === "grid" ? "speaker" : "grid";
  if (call) tiles.setLayout(next, call);
  pressed("layout", next === "speaker");
});
for (const [id, shown, other] of [["show-settings", "settings", "panel"], ["show-panel", "panel", "settings"]] as const) {
  button(id, () => {
    $(shown).hidden = !$(shown).hidden;
    $(other).hidden = true;
    pressed(id, !$(shown).hidden);
    pressed(id === "show-panel" ? "show-settings" : "show-panel", false);
  });
}
button("invite", () => navigator.clipboard.writeText(location.href).then(() => notice("The link is copied. Who has it can join.")));
button("safety", () => {
  $("safety-code").hidden = !$("safety-code").hidden;
});
button("leave", async () => {
  await call?.leave();
  location.assign("/");
});
addEventListener("pagehide", () => void call?.leave());
addEventListener("resize", () => call && tiles.show(call));
for (const [id, key] of [["suppression", "suppression"], ["original", "original"], ["echo-cancellation", "echoCancellation"], ["automatic-gain", "automaticGain"]] as const) {
  $<HTMLInputElement>(id).onchange = ({ target }) => void setSound({ [key]: (target as HTMLInputElement).checked });
}
$<HTMLInputElement>("strength").oninput = ({ target }) => void setSound({ strength: Number((target as HTMLInputElement).value) });
devices.onchoose = {
  microphone: (id) => void switchMicrophone(id),
  camera: () => void (call?.status.camera && setCamera(true)),
  speaker: (id) => void tiles.setSpeaker(id),
};
$<HTMLInputElement>("name").value = localStorage.getItem("name") ?? "";
showSound();

// For the console, and the tests.
Object.assign(globalThis, { page: { tiles, panel, get call() { return call; }, get figures() { return figures; } } });
