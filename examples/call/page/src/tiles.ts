/** The picture of the call: a tile for each camera and each screen, and an element for each sound. */

import type { Call, Status, Trust } from "./call.js";
import type { Stream } from "./streams.js";

/** Above this level of the header extension (0 to 1) somebody is taken to speak. */
const SPEAKING = 0.01;

const WARNINGS: Partial<Record<Trust, string>> = {
  refused: "Not encrypted for this call: silenced",
  unprotected: "Arrives past the decryption: silenced",
};

interface Tile {
  element: HTMLElement;
  video: HTMLVideoElement;
  name: HTMLElement;
  warning: HTMLElement;
}

export class Tiles {
  #tiles = new Map<string, Tile>();
  #sounds = new Map<string, HTMLAudioElement>();
  #sink = "";

  constructor(private readonly root: HTMLElement) {}

  /** Shows the call as it is now. */
  show(call: Call): void {
    const wanted = new Set<string>();
    for (const peer of call.members) {
      const isOwn = peer === call.peer;
      const status = isOwn ? call.status : call.statuses.get(peer);
      wanted.add(this.#showTile(call, peer, "camera", status, isOwn));
      if (status?.screen) wanted.add(this.#showTile(call, peer, "screen", status, isOwn));
    }
    // Who sends without being a member is shown, so that it is not overlooked, and not heard.
    for (const [mid, { peer }] of call.media.arriving) {
      if (!call.members.includes(peer) && WARNINGS[call.watch.trust(mid)]) wanted.add(this.#showTile(call, peer, "camera", undefined, false));
    }
    for (const [key, { element }] of this.#tiles) {
      if (wanted.has(key)) continue;
      element.remove();
      this.#tiles.delete(key);
    }
    this.#play(call);
    this.#arrange(call);
  }

  /** Lights up those who speak. Others' levels are in a header of their packets, which the media server reads as well. */
  light(call: Call, ownVoice: boolean): void {
    const now = Date.now();
    if (ownVoice && call.status.microphone) call.speakers.spoke(call.peer);
    for (const [mid, { peer, stream, receiver }] of call.media.arriving) {
      if (stream !== "microphone" || call.watch.trust(mid) !== "secure" || !call.statuses.get(peer)?.microphone) continue;
      const [source] = receiver.getSynchronizationSources();
      if (source && (source.audioLevel ?? 0) > SPEAKING && now - source.timestamp < 500) call.speakers.spoke(peer);
    }
    for (const [key, { element }] of this.#tiles) {
      const [peer = "", stream] = key.split(" ");
      element.classList.toggle("speaks", stream === "camera" && now - call.speakers.last(peer) < 300);
    }
    if (this.root.dataset.layout === "speaker") this.#arrange(call);
  }

  /** Members by the time at which they spoke last, the latest first. */
  speakers(call: Call): string[] {
    return call.members
      .filter((peer) => peer !== call.peer)
      .sort((a, b) => call.speakers.last(b) - call.speakers.last(a));
  }

  setLayout(layout: "grid" | "speaker", call: Call): void {
    this.root.dataset.layout = layout;
    this.#arrange(call);
  }

  /** Plays on another device. */
  async setSpeaker(deviceId: string): Promise<void> {
    this.#sink = deviceId;
    await Promise.all([...this.#sounds.values()].map((sound) => sound.setSinkId(deviceId)));
  }

  #showTile(call: Call, peer: string, stream: Stream, status: Status | undefined, isOwn: boolean): string {
    const key = `${peer} ${stream}`;
    const tile = this.#tiles.get(key) ?? this.#make(key, stream, isOwn);
    const name = status?.name ?? (call.members.includes(peer) ? "…" : "Unknown sender");
    tile.name.textContent = stream === "screen" ? `${name}: screen` : `${name}${isOwn ? " (you)" : ""}${status && !status.microphone ? " · muted" : ""}`;
    tile.element.querySelector(".initial")!.textContent = [...name][0]?.toUpperCase() ?? "?";

    const arriving = [...call.media.arriving].filter(([, other]) => other.peer === peer);
    const video = arriving.find(([, other]) => other.stream === stream);
    const isSecure = video && call.watch.trust(video[0]) === "secure";
    const isOn = stream === "camera" ? status?.camera : status?.screen;
    const track = isOwn ? call.own.get(stream) : isSecure && isOn ? video[1].track : undefined;
    show(tile.video, track);
    tile.video.hidden = !track;
    const warning = arriving.map(([mid]) => WARNINGS[call.watch.trust(mid)]).find(Boolean);
    tile.warning.textContent = warning ?? "";
    tile.warning.hidden = !warning || stream === "screen";
    return key;
  }

  #make(key: string, stream: Stream, isOwn: boolean): Tile {
    const element = document.createElement("div");
    element.className = `tile ${stream}${isOwn ? " own" : ""}`;
    const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, playsInline: true });
    const part = (className: string) => Object.assign(document.createElement("div"), { className });
    const [initial, name, warning] = [part("initial"), part("name"), part("warning")];
    element.append(initial, video, name, warning);
    this.root.append(element);
    const tile = { element, video, name, warning };
    this.#tiles.set(key, tile);
    return tile;
  }

  /** Sounds have elements of their own, which exist only while they may be heard. */
  #play(call: Call): void {
    const wanted = new Set<string>();
    for (const [mid, { peer, stream, track }] of call.media.arriving) {
      if (track.kind !== "audio" || call.watch.trust(mid) !== "secure" || !call.members.includes(peer)) continue;
      const key = `${peer} ${stream}`;
      wanted.add(key);
      let sound = this.#sounds.get(key);
      if (!sound) {
        sound = new Audio();
        sound.dataset.stream = key;
        sound.autoplay = true;
        if (this.#sink) void sound.setSinkId(this.#sink);
        this.#sounds.set(key, sound);
      }
      show(sound, track);
    }
    for (const [key, sound] of this.#sounds) {
      if (wanted.has(key)) continue;
      sound.srcObject = null;
      this.#sounds.delete(key);
    }
  }

  /** What is heard, for tests and the console: by `PEER STREAM`. */
  get sounds(): ReadonlyMap<string, HTMLAudioElement> {
    return this.#sounds;
  }

  #arrange(call: Call): void {
    const count = this.#tiles.size;
    const isWide = this.root.clientWidth >= this.root.clientHeight;
    this.root.style.setProperty("--columns", String(Math.max(1, isWide ? Math.ceil(Math.sqrt(count)) : Math.floor(Math.sqrt(count)))));
    const keys = [...this.#tiles.keys()];
    const loudest = this.speakers(call)[0];
    const main = keys.find((key) => key.endsWith(" screen")) ?? (loudest && `${loudest} camera`) ?? keys[0];
    for (const [key, { element }] of this.#tiles) element.classList.toggle("main", key === main);
  }
}

function show(element: HTMLMediaElement, track: MediaStreamTrack | undefined): void {
  const shown = element.srcObject as MediaStream | null;
  if (shown?.getTracks()[0] === track) return;
  element.srcObject = track ? new MediaStream([track]) : null;
}
