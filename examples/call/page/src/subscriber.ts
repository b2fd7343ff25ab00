/** What this page receives: one connection for all streams of all others, each behind a decrypting transform. */

import type { Frames, Routes } from "./frames.js";
import { gathered, type Answer, type Handle } from "./janus.js";
import { isStream, type Stream } from "./streams.js";

const RETRY = 1000;

/** A stream that somebody sends. */
export interface Offered {
  peer: string;
  mid: string;
  stream: Stream;
}

/** A stream that arrives here. */
export interface Arriving {
  peer: string;
  stream: Stream;
  track: MediaStreamTrack;
  receiver: RTCRtpReceiver;
}

export class Subscriber {
  readonly connection = new RTCPeerConnection();
  /** By the transceiver's name. */
  readonly arriving = new Map<string, Arriving>();
  /** Called when `arriving` has changed. */
  onchange: () => void = () => {};
  #joined = false;
  #wanted: Offered[] = [];
  /** What the media server says it sends here. */
  #subscribed: Offered[] = [];
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(private readonly handle: Handle, private readonly frames: Frames, private readonly room: string) {
    handle.onevent = (answer) => this.#enqueue(() => this.#follow(answer));
    this.connection.ontrack = ({ transceiver }) => {
      // Here and now, before anything can be decoded. A transceiver that is used again keeps its transform.
      transceiver.receiver.transform ??= frames.transform({ side: "receive", mid: transceiver.mid! });
    };
  }

  /** Subscribes to these streams and to no others. */
  set(wanted: Offered[]): void {
    this.#wanted = wanted;
    this.#enqueue(() => this.#update());
  }

  close(): void {
    this.#closed = true;
    this.connection.close();
  }

  async #update(): Promise<void> {
    const missing = (from: Offered[], all: Offered[]) =>
      from.filter(({ peer, mid }) => !all.some((other) => other.peer === peer && other.mid === mid)).map(({ peer, mid }) => ({ feed: peer, mid }));
    const subscribe = missing(this.#wanted, this.#subscribed);
    const unsubscribe = missing(this.#subscribed, this.#wanted);
    if (!subscribe.length && !unsubscribe.length) return;
    const request = this.#joined
      ? { request: "update", ...(subscribe.length && { subscribe }), ...(unsubscribe.length && { unsubscribe }) }
      : { request: "join", ptype: "subscriber", room: this.room, streams: subscribe };
    const answer = await this.handle.ask(request);
    this.#joined = true;
    await this.#follow(answer);
  }

  #enqueue(task: () => Promise<void>): void {
    this.#queue = this.#queue.then(task).catch((error) => {
      if (this.#closed) return;
      // Somebody has just gone, most likely. What is wanted now may be there.
      console.info("subscribing:", error);
      setTimeout(() => this.set(this.#wanted), RETRY);
    });
  }

  /** Answers an offer of the server's. */
  async #follow({ data, jsep }: Answer): Promise<void> {
    if (data.streams) this.#subscribed = [];
    const routes: Routes = {};
    for (const { mid, active, feed_id, feed_mid, feed_description } of data.streams ?? []) {
      if (active === false || !isStream(feed_description)) continue;
      routes[mid] = { peer: feed_id, stream: feed_description };
      this.#subscribed.push({ peer: feed_id, mid: feed_mid, stream: feed_description });
    }
    if (!jsep) return;
    this.frames.route(routes);
    await this.connection.setRemoteDescription(jsep);
    await this.connection.setLocalDescription();
    this.arriving.clear();
    for (const { mid, receiver } of this.connection.getTransceivers()) {
      const route = mid !== null && routes[mid];
      if (route) this.arriving.set(mid, { ...route, track: receiver.track, receiver });
    }
    this.onchange();
    // Only now: the first frames find their place.
    await this.handle.ask({ request: "start" }, await gathered(this.connection));
  }
}
