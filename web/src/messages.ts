/** Messages between a page and its worklet. */

import type { Controls, Report, Stats, Tier, VoiceReport } from "./engine.js";

/** The kind of failure. `worklet`, `context`: no node can be made. All others: the node passes the sound through. */
export type Failure = "context" | "worklet" | "fetch" | "wasm" | "model" | "trap";

export type ToWorklet =
  | { type: "start"; wasm: ArrayBuffer; models: ArrayBuffer[]; controls: Partial<Controls> }
  | { type: "set"; controls: Partial<Controls> }
  | { type: "reset" }
  | { type: "stop" };

export type FromWorklet =
  | { type: "ready"; latency: number }
  | { type: "failed"; code: Failure; message: string }
  | { type: "report"; report: Report; stats: NodeStats }
  | { type: "voice"; report: VoiceReport };

/** {@link Stats}, and the node's own counters. */
export interface NodeStats extends Stats {
  /** Frames of the context that were passed through without the engine: before it ran, or after it failed. */
  passedFrames: number;
  /**
   * Share of time that the engine takes, over the last seconds. May be wrong by 0.1: the worklet's clock ticks in milliseconds,
   * and a frame lasts ten.
   */
  load: number;
  /** The model that runs: under overload the fallback (`light`) or none (`dry`). */
  tier: Tier;
}
