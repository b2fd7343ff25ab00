/** For plain WebRTC: denoises a track. */

import { SourdineNode, type SourdineOptions } from "./index.js";

export interface ProcessedTrack {
  /** The track to send. If denoising fails, it carries the input. */
  readonly track: MediaStreamTrack;
  /** The node; null if none could be made, and `track` is then the input itself. */
  readonly node: SourdineNode | null;
  /** As {@link SourdineNode.ready}. */
  readonly ready: Promise<void>;
  /** Switches to another track, for another device; `track` stays. False without a node: send the other track instead. */
  replaceInput(input: MediaStreamTrack): boolean;
  /** Ends `track` and frees everything but the input, which is the caller's. */
  stop(): Promise<void>;
}

export interface TrackOptions extends SourdineOptions {
  /** The context to use; default: a new one, which `stop` closes. */
  context?: AudioContext;
}

/** Denoises a microphone's track. Capture it with `noiseSuppression: false`, and after the echo canceller. */
export async function processTrack(input: MediaStreamTrack, options: TrackOptions): Promise<ProcessedTrack> {
  const { context: given, ...nodeOptions } = options;
  const context = given ?? new AudioContext();
  let node: SourdineNode;
  try {
    // Until a gesture on the page it stays suspended; do not wait for that here.
    if (context.state === "suspended") void context.resume();
    node = await SourdineNode.create(context, nodeOptions);
  } catch (error) {
    if (!given && context.state !== "closed") await context.close();
    if (error instanceof RangeError) throw error;
    return { track: input, node: null, ready: Promise.reject(error), replaceInput: () => false, stop: async () => {} };
  }
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: nodeOptions.channels ?? 1 });
  node.connect(destination);
  let source = context.createMediaStreamSource(new MediaStream([input]));
  source.connect(node);
  const [track] = destination.stream.getAudioTracks();
  if (!track) throw new Error("a MediaStreamAudioDestinationNode without a track");
  track.contentHint = input.contentHint;
  return {
    track,
    node,
    ready: node.ready,
    replaceInput(next) {
      source.disconnect();
      source = context.createMediaStreamSource(new MediaStream([next]));
      source.connect(node);
      node.reset();
      return true;
    },
    async stop() {
      source.disconnect();
      node.close();
      track.stop();
      if (!given && context.state !== "closed") await context.close();
    },
  };
}
