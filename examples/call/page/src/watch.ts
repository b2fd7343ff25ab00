/**
 * Watches over what arrives. A stream is shown and played only after a frame of it has authenticated, and only while packets go
 * through the decrypting transform: browsers have been seen to play what comes without calling it.
 */

import type { Trust } from "./call.js";
import type { Frames } from "./frames.js";
import type { Media } from "./media.js";

const INTERVAL = 1000;

/** So many packets without a call of the transform are no coincidence. */
const PACKETS = 100;

/** Nor are so many frames without one that authenticates: keys change within less. */
const FRAMES = 100;

interface Seen {
  /** Whose stream, and which. */
  of: string;
  trust: Trust;
  packets: number;
  frames: number;
  passed: number;
  unseen: number;
  refused: number;
}

export class Watch {
  #streams = new Map<string, Seen>();
  #timer: number;

  constructor(private readonly frames: Frames, private readonly media: Media, private readonly onchange: () => void) {
    this.#timer = setInterval(() => void this.check(), INTERVAL);
  }

  /** Whether a stream may be played. */
  trust(mid: string): Trust {
    return this.#streams.get(mid)?.trust ?? "waiting";
  }

  /** A frame of the stream has authenticated, the first since it is whose it is. */
  authenticated(mid: string): void {
    this.#seen(mid).trust = "secure";
    this.onchange();
  }

  /** Forgets streams that do not arrive any more. A transceiver may have become another's. */
  forget(): void {
    for (const [mid, { of }] of this.#streams) if (of !== this.#name(mid)) this.#streams.delete(mid);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Compares what the network has delivered with what the transforms have been given. */
  async check(): Promise<void> {
    const { subscriber } = this.media;
    if (!subscriber) return;
    const [counts, stats] = await Promise.all([this.frames.count(), subscriber.connection.getStats()]);
    const packets = new Map<string, number>();
    stats.forEach((report) => {
      if (report.type === "inbound-rtp") packets.set(report.mid, report.packetsReceived);
    });
    for (const mid of this.media.arriving.keys()) {
      const seen = this.#seen(mid);
      const now = packets.get(mid) ?? 0;
      const count = counts[`receive ${mid}`];
      const frames = count?.seen ?? 0;
      const passed = count?.passed ?? 0;
      seen.unseen = frames > seen.frames ? 0 : seen.unseen + Math.max(0, now - seen.packets);
      seen.refused = passed > seen.passed ? 0 : seen.refused + Math.max(0, frames - seen.frames);
      const hasPassed = seen.passed >= 0 && passed > seen.passed;
      Object.assign(seen, { packets: now, frames, passed });
      const trust = seen.trust;
      if (seen.unseen >= PACKETS) seen.trust = "unprotected";
      else if (seen.refused >= FRAMES) seen.trust = "refused";
      // On a machine that is too busy, a transform may begin late: then it is called from now on.
      else if (hasPassed) seen.trust = "secure";
      if (seen.trust !== trust) this.onchange();
    }
  }

  #seen(mid: string): Seen {
    let seen = this.#streams.get(mid);
    if (!seen) {
      seen = { of: this.#name(mid), trust: "waiting", packets: 0, frames: 0, passed: -1, unseen: 0, refused: 0 };
      this.#streams.set(mid, seen);
    }
    return seen;
  }

  #name(mid: string): string {
    const { peer, stream } = this.media.arriving.get(mid) ?? {};
    return `${peer} ${stream}`;
  }
}
