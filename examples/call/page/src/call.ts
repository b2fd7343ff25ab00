/** A call: the group and its keys, the media, and what each member is known to do. No user interface in here. */

import type { EpochKeys } from "../crypto/crypto.js";
import { Frames, type Counts } from "./frames.js";
import { Group, type Standing } from "./group.js";
import { Media } from "./media.js";
import { Microphone, type Sound } from "./microphone.js";
import { Speakers } from "./speakers.js";
import type { Stream } from "./streams.js";
import type { Offered } from "./subscriber.js";
import { Watch } from "./watch.js";

/** What is received at most: of those who spoke last. Screens come besides. */
const MOST = { microphone: 16, camera: 9 };

/** Milliseconds between two looks at who speaks. */
const INTERVAL = 250;

/** What a member tells the others. */
export interface Status {
  name: string;
  microphone: boolean;
  camera: boolean;
  screen: boolean;
}

/** What is known of a stream that arrives. */
export type Trust = "waiting" | "secure" | "refused" | "unprotected";

export interface CallEvents {
  /** Somebody, or what somebody sends, has changed. */
  change(): void;
  standing(standing: Standing): void;
  online(online: boolean): void;
  /** This page's own voice. */
  voice(speaks: boolean): void;
}

export class Call {
  readonly frames = new Frames();
  readonly media: Media;
  readonly watch: Watch;
  /** The members, this one included; empty before the group is joined. */
  members: string[] = [];
  readonly statuses = new Map<string, Status>();
  /** Pictures that are the same for all members. */
  safetyCode = "";
  epoch = -1;
  status: Status;
  /** The own camera and screen. */
  readonly own = new Map<Stream, MediaStreamTrack>();
  readonly speakers = new Speakers();
  #group: Group;
  /** Whose are received. */
  #received = { microphone: new Set<string>(), camera: new Set<string>() };
  #timer: number;

  constructor(
    readonly room: string,
    secret: string,
    readonly peer: string,
    name: string,
    readonly microphone: Microphone | null,
    private readonly events: CallEvents,
  ) {
    this.status = { name, microphone: microphone !== null, camera: false, screen: false };
    this.media = new Media(this.frames, room, peer);
    this.media.choose = (offered) => this.#choose(offered);
    this.media.onspeaking = (peer, speaks) => {
      this.speakers.tell(peer, speaks);
      this.#follow();
    };
    this.#timer = setInterval(() => this.#follow(), INTERVAL);
    this.watch = new Watch(this.frames, this.media, () => events.change());
    this.media.onchange = () => {
      this.watch.forget();
      events.change();
    };
    this.frames.onauthenticated = (mid) => this.watch.authenticated(mid);
    this.#group = new Group(room, secret, peer, {
      epoch: (keys, code, restarted, someoneLeft) => this.#turn(keys, code, restarted, someoneLeft),
      message: (from, content) => this.#hear(from, content),
      standing: (standing) => events.standing(standing),
      online: (online) => events.online(online),
    });
    if (microphone) {
      microphone.onvoice = (speaks) => events.voice(speaks);
      void this.media.send("microphone", microphone.track);
    }
  }

  /** Muted, nothing is sent; the denoiser goes on, so that it costs no time to begin again. */
  async setMuted(muted: boolean): Promise<void> {
    this.status.microphone = !muted && this.microphone !== null;
    await this.media.send("microphone", muted ? null : (this.microphone?.track ?? null));
    this.#tell();
  }

  /** Shows a camera or a screen, or stops that. */
  async show(stream: "camera" | "screen", track: MediaStreamTrack | null, sound: MediaStreamTrack | null = null): Promise<void> {
    this.#keep(stream, track);
    await this.media.send(stream, track);
    if (stream === "screen") {
      // A screen's sound is not voice: nothing is removed from it.
      this.#keep("screenSound", sound);
      await this.media.send("screenSound", sound);
    }
    this.status[stream] = track !== null;
    this.#tell();
  }

  async setSound(sound: Sound): Promise<void> {
    await this.microphone?.set(sound);
  }

  counts(): Promise<Record<string, Counts>> {
    return this.frames.count();
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer);
    this.#group.leave();
    this.watch.close();
    this.media.close();
    this.frames.close();
    for (const track of this.own.values()) track.stop();
    await this.microphone?.close();
  }

  /** What is received of all that is offered. */
  #choose(offered: Offered[]): Offered[] {
    const isMuted = (peer: string) => this.statuses.get(peer)?.microphone === false;
    for (const stream of ["microphone", "camera"] as const) {
      const peers = offered.filter((other) => other.stream === stream).map(({ peer }) => peer);
      // Who is muted makes room for others, but stays as long as there is room: unmuted, the first syllable is heard.
      if (stream === "microphone") peers.sort((a, b) => Number(isMuted(a)) - Number(isMuted(b)));
      this.#received[stream] = new Set(this.speakers.latest(peers, MOST[stream], this.#received[stream]));
    }
    const { microphone, camera } = this.#received;
    return offered.filter(({ peer, stream }) => (stream === "microphone" ? microphone.has(peer) : stream === "camera" ? camera.has(peer) : true));
  }

  /** Receives others, if others speak now. */
  #follow(): void {
    const now = () => Object.values(this.#received).map((peers) => [...peers].sort().join()).join(" ");
    const before = now();
    this.#choose(this.media.offered);
    if (now() !== before) this.media.update();
  }

  #keep(stream: Stream, track: MediaStreamTrack | null): void {
    const before = this.own.get(stream);
    if (before !== track) before?.stop();
    if (track) this.own.set(stream, track);
    else this.own.delete(stream);
  }

  #turn(keys: EpochKeys, code: string, restarted: boolean, someoneLeft: boolean): void {
    this.frames.turn(keys, restarted, someoneLeft);
    this.members = keys.peers;
    this.safetyCode = code;
    this.epoch = keys.number;
    for (const peer of this.statuses.keys()) if (!this.members.includes(peer)) this.statuses.delete(peer);
    // Who is new does not know it yet.
    this.#tell();
  }

  #hear(from: string, content: Uint8Array): void {
    const { name, microphone, camera, screen } = JSON.parse(new TextDecoder().decode(content));
    this.statuses.set(from, { name: String(name).slice(0, 60), microphone: !!microphone, camera: !!camera, screen: !!screen });
    // The media server says nothing of who has ceased to send.
    if (!microphone) this.speakers.tell(from, false);
    this.events.change();
  }

  #tell(): void {
    this.#group.send(new TextEncoder().encode(JSON.stringify(this.status)));
    this.events.change();
  }
}
