/** What a page and its worklet tell each other. */

import type { Controls, Report, Stats, VoiceReport } from "./engine.js";

/** What went wrong. `worklet`, `context`: no node can be made. All others: the node is there and passes the sound on. */
export type Failure = "context" | "worklet" | "fetch" | "wasm" | "model" | "trap";

export type ToWorklet =
  | { type: "start"; wasm: ArrayBuffer; model: ArrayBuffer | null; controls: Partial<Controls> }
  | { type: "set"; controls: Partial<Controls> }
  | { type: "reset" }
  | { type: "stop" };

export type FromWorklet =
  | { type: "ready"; latency: number }
  | { type: "failed"; code: Failure; message: string }
  | { type: "report"; report: Report; stats: NodeStats }
  | { type: "heard"; report: VoiceReport };

/** {@link Stats}, and what the node itself counts. */
export interface NodeStats extends Stats {
  /** Frames of the context that were passed on without the engine: before it was there, or after it failed. */
  passedFrames: number;
  /** Share of the time that the engine takes, 0 to 1, over the last seconds. The worklet's clock ticks in milliseconds. */
  load: number;
}
