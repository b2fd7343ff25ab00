/** A `TrackProcessor` for LiveKit's client SDK: `await track.setProcessor(new SourdineProcessor({ wasm, model }))`. */

import { processTrack, type ProcessedTrack } from "./track.js";
import type { SourdineNode, SourdineOptions } from "./index.js";

/** The SDK's options for a processor, as far as they are used here. */
export interface ProcessorOptions {
  track: MediaStreamTrack;
  audioContext?: AudioContext;
}

export class SourdineProcessor {
  readonly name = "sourdine";
  /** The track that the SDK sends. */
  processedTrack?: MediaStreamTrack;
  readonly #options: SourdineOptions;
  #processed: ProcessedTrack | null = null;

  constructor(options: SourdineOptions) {
    this.#options = options;
  }

  /** The node, for its controls and events; null before `init`, and if none could be made. */
  get node(): SourdineNode | null {
    return this.#processed?.node ?? null;
  }

  /** Called by the SDK with its own context. Rejects if no node can be made: the SDK then sends the track itself. */
  async init(options: ProcessorOptions): Promise<void> {
    const { track, audioContext } = options;
    const processed = await processTrack(track, audioContext ? { ...this.#options, context: audioContext } : this.#options);
    if (!processed.node) return processed.ready;
    // The node reports later failures; the SDK does not wait for frames.
    processed.ready.catch(() => {});
    this.#processed = processed;
    this.processedTrack = processed.track;
  }

  /** Called by the SDK when the device was switched. */
  async restart(options: ProcessorOptions): Promise<void> {
    await this.destroy();
    await this.init(options);
  }

  async destroy(): Promise<void> {
    const processed = this.#processed;
    this.#processed = null;
    delete this.processedTrack;
    await processed?.stop();
  }
}
