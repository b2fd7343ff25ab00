/** The page's side of the worker that encrypts and decrypts frames. */

import type { EpochKeys } from "../crypto/crypto.js";
import type { Stream } from "./streams.js";

/** What a transform is for: a stream that is sent, or the transceiver in which one is received. */
export type TransformOptions = { side: "send"; stream: Stream } | { side: "receive"; mid: string };

/** Frames of one transform since it was made. */
export interface Counts {
  /** Came to the transform … */
  seen: number;
  /** … and went on, encrypted or decrypted. */
  passed: number;
  /** All that came. */
  bytes: number;
  refused: number;
  /** Why the last one was refused. */
  why: string | null;
}

export type Routes = Record<string, { peer: string; stream: Stream }>;

export type ToFrames =
  | { type: "reset" }
  | { type: "epoch"; number: number; ownLeaf: number; baseKey: Uint8Array; leaves: Uint32Array; peers: string[] }
  | { type: "send" }
  | { type: "forget"; before: number }
  | { type: "routes"; routes: Routes }
  | { type: "count" };

export type FromFrames =
  | { type: "authenticated"; mid: string }
  | { type: "counts"; counts: Record<string, Counts> };

/** How long the old key is used for sending, so that the others have the new one. Not after somebody has left. */
const HANDOVER = 500;

/** How long frames that are late can be read with an old key. */
const LATENESS = 10_000;

export class Frames {
  /** Called when a transceiver's stream has given the first frame that authenticates. */
  onauthenticated: (mid: string) => void = () => {};
  /** Groups so far: what was planned for the one before is not to be done to the next. */
  #groups = 0;
  #worker = new Worker("/frames.js", { type: "module" });
  #counted: (counts: Record<string, Counts>) => void = () => {};

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<FromFrames>) => {
      if (data.type === "counts") this.#counted(data.counts);
      else this.onauthenticated(data.mid);
    };
  }

  /** What goes between an encoder or decoder and the network. */
  transform(options: TransformOptions): RTCRtpScriptTransform {
    return new RTCRtpScriptTransform(this.#worker, options);
  }

  /** Says whose streams are where. Each has to authenticate anew. */
  route(routes: Routes): void {
    this.#tell({ type: "routes", routes });
  }

  /** Takes over the keys of an epoch. */
  turn(keys: EpochKeys, restarted: boolean, someoneLeft: boolean): void {
    const { number, ownLeaf, baseKey, leaves, peers } = keys;
    if (restarted) {
      this.#groups++;
      this.#tell({ type: "reset" });
    }
    this.#tell({ type: "epoch", number, ownLeaf, baseKey, leaves, peers });
    const group = this.#groups;
    const later = (message: ToFrames, ms: number) => setTimeout(() => group === this.#groups && this.#tell(message), ms);
    later({ type: "send" }, restarted || someoneLeft ? 0 : HANDOVER);
    later({ type: "forget", before: number }, LATENESS);
  }

  /** Counts of all transforms, by `send STREAM` and `receive MID`. */
  count(): Promise<Record<string, Counts>> {
    return new Promise((resolve) => {
      this.#counted = resolve;
      this.#tell({ type: "count" });
    });
  }

  close(): void {
    this.#worker.terminate();
  }

  #tell(message: ToFrames): void {
    this.#worker.postMessage(message);
  }
}
