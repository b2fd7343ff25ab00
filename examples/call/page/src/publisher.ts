/** What this page sends: each stream in a one-directional transceiver of its own, through an encrypting transform. */

import type { Frames } from "./frames.js";
import { gathered, type Answer, type Handle } from "./janus.js";
import { kindOf, type Stream } from "./streams.js";

/** Bits a second at most. Opus at 64 kbit/s costs a voice nothing that is heard. */
const BITRATES: Record<Stream, number> = { microphone: 64_000, camera: 800_000, screen: 1_500_000, screenSound: 128_000 };

export class Publisher {
  readonly connection = new RTCPeerConnection();
  #transceivers = new Map<Stream, RTCRtpTransceiver>();
  #isPublished = false;
  #queue: Promise<void> = Promise.resolve();

  private constructor(private readonly handle: Handle, private readonly frames: Frames) {}

  /** Joins the room; the answer lists what others send. */
  static async join(handle: Handle, frames: Frames, room: string, peer: string): Promise<[Publisher, Answer]> {
    const answer = await handle.ask({ request: "join", ptype: "publisher", room, id: peer });
    return [new Publisher(handle, frames), answer];
  }

  /** Sends a track, or nothing. */
  set(stream: Stream, track: MediaStreamTrack | null): Promise<void> {
    const next = this.#queue.then(() => this.#set(stream, track));
    this.#queue = next.catch(() => {});
    return next;
  }

  close(): void {
    this.connection.close();
  }

  async #set(stream: Stream, track: MediaStreamTrack | null): Promise<void> {
    const existing = this.#transceivers.get(stream);
    if (existing) return existing.sender.replaceTrack(track);
    if (!track) return;
    const transceiver = this.connection.addTransceiver(track, { direction: "sendonly" });
    // Before anything is negotiated: no frame goes out without it.
    transceiver.sender.transform = this.frames.transform({ side: "send", stream });
    this.#transceivers.set(stream, transceiver);
    await this.#negotiate();
    const parameters = transceiver.sender.getParameters();
    for (const encoding of parameters.encodings) encoding.maxBitrate = BITRATES[stream];
    if (kindOf(stream) === "video") parameters.degradationPreference = stream === "screen" ? "maintain-resolution" : "balanced";
    await transceiver.sender.setParameters(parameters);
  }

  async #negotiate(): Promise<void> {
    await this.connection.setLocalDescription();
    const offer = await gathered(this.connection);
    const descriptions = [...this.#transceivers].map(([description, { mid }]) => ({ mid, description }));
    const request = this.#isPublished ? "configure" : "publish";
    const { jsep } = await this.handle.ask({ request, descriptions }, offer);
    this.#isPublished = true;
    await this.connection.setRemoteDescription(jsep!);
  }
}
