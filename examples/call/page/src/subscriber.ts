/** What this page receives: one connection for all streams of all others, each behind a decrypting transform. */

import type { Frames, Routes } from "./frames.js";
import { gathered, type Answer, type Handle } from "./janus.js";
import { isStream, type Stream } from "./streams.js";

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
  #subscribed = new Map<string, Offered>();
  #queue: Promise<void> = Promise.resolve();

  constructor(private readonly handle: Handle, private readonly frames: Frames, private readonly room: string) {
    handle.onevent = (answer) => this.#enqueue(() => this.#follow(answer));
    this.connection.ontrack = ({ transceiver }) => {
      // Here and now, before anything can be decoded. A transceiver that is used again keeps its transform.
      transceiver.receiver.transform ??= frames.transform({ side: "receive", mid: transceiver.mid! });
    };
  }

  /** Subscribes to these streams and to no others. */
  set(wanted: Offered[]): void {
    this.#enqueue(async () => {
      const key = ({ peer, mid }: Offered) => `${peer}/${mid}`;
      const next = new Map(wanted.map((offered) => [key(offered), offered]));
      const ask = (streams: [string, Offered][]) => streams.map(([, { peer, mid }]) => ({ feed: peer, mid }));
      const subscribe = ask([...next].filter(([name]) => !this.#subscribed.has(name)));
      const unsubscribe = ask([...this.#subscribed].filter(([name]) => !next.has(name)));
      if (!subscribe.length && !unsubscribe.length) return;
      this.#subscribed = next;
      const request = this.#joined
        ? { request: "update", ...(subscribe.length && { subscribe }), ...(unsubscribe.length && { unsubscribe }) }
        : { request: "join", ptype: "subscriber", room: this.room, streams: subscribe };
      this.#joined = true;
      await this.#follow(await this.handle.ask(request));
    });
  }

  close(): void {
    this.connection.close();
  }

  #enqueue(task: () => Promise<void>): void {
    this.#queue = this.#queue.then(task).catch((error) => console.warn("subscribing:", error));
  }

  /** Answers an offer of the server's. */
  async #follow({ data, jsep }: Answer): Promise<void> {
    if (!jsep) return;
    const routes: Routes = {};
    for (const { mid, active, feed_id, feed_description } of data.streams ?? []) {
      if (active !== false && isStream(feed_description)) routes[mid] = { peer: feed_id, stream: feed_description };
    }
    this.frames.route(routes);
    await this.connection.setRemoteDescription(jsep);
    await this.connection.setLocalDescription();
    await this.handle.ask({ request: "start" }, await gathered(this.connection));
    this.arriving.clear();
    for (const { mid, receiver } of this.connection.getTransceivers()) {
      const route = mid !== null && routes[mid];
      if (route) this.arriving.set(mid, { ...route, track: receiver.track, receiver });
    }
    this.onchange();
  }
}
