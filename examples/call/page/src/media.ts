/** The conversation with the media server: what is sent and received, begun anew whenever it breaks. */

import type { Frames } from "./frames.js";
import { Janus, JanusError, type Answer } from "./janus.js";
import { Publisher } from "./publisher.js";
import { isStream, type Stream } from "./streams.js";
import { Subscriber, type Arriving, type Offered } from "./subscriber.js";

const PAUSE = 500;
/** How long a connection may be disturbed before it is made anew. */
const DISTURBANCE = 3_000;
const NO_SUCH_ROOM = 426;
const NAME_IN_USE = 436;

export class Media {
  /** Called when others' streams have come or gone. */
  onchange: () => void = () => {};
  /** Called when the media server detects that a member starts or stops speaking. */
  onspeaking: (peer: string, speaks: boolean) => void = () => {};
  /** Which of the streams on offer to receive; default: all. */
  choose: (offered: Offered[]) => Offered[] = (offered) => offered;
  publisher: Publisher | null = null;
  subscriber: Subscriber | null = null;
  /** All streams that others offer. */
  offered: Offered[] = [];
  #janus: Janus | null = null;
  #sent = new Map<Stream, MediaStreamTrack | null>();
  #closed = false;

  constructor(private readonly frames: Frames, private readonly room: string, private readonly peer: string) {
    void this.#keep();
  }

  /** What arrives, by the transceiver's name. */
  get arriving(): ReadonlyMap<string, Arriving> {
    return this.subscriber?.arriving ?? new Map();
  }

  /** Sends a track, or nothing, from now on and after each new beginning. */
  async send(stream: Stream, track: MediaStreamTrack | null): Promise<void> {
    this.#sent.set(stream, track);
    await this.publisher?.set(stream, track);
  }

  /** Asks {@link Media.choose} again. */
  update(): void {
    this.subscriber?.set(this.choose(this.offered));
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  async #keep(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#begin();
      } catch (error) {
        // After a restart, the server makes the room within a moment; a name is free when its old connection has ended.
        if (!(error instanceof JanusError && [NO_SUCH_ROOM, NAME_IN_USE].includes(error.code))) console.warn("media:", error);
      }
      this.#end();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  /** Begins, and returns when it has broken. */
  async #begin(): Promise<void> {
    const janus = await Janus.connect(new URL("/media", location.href.replace(/^http/, "ws")));
    this.#janus = janus;
    const lost = new Promise<void>((resolve) => (janus.onlost = resolve));
    const own = await janus.attach();
    const others = await janus.attach();
    const [publisher, answer] = await Publisher.join(own, this.frames, this.room, this.peer);
    const subscriber = new Subscriber(others, this.frames, this.room);
    subscriber.onchange = () => this.onchange();
    own.onevent = (event) => this.#hear(event);
    this.publisher = publisher;
    this.subscriber = subscriber;
    this.offered = [];
    this.#hear(answer);
    for (const [stream, track] of this.#sent) await publisher.set(stream, track);
    await Promise.race([lost, broken(publisher.connection), broken(subscriber.connection)]);
  }

  #end(): void {
    this.publisher?.close();
    this.subscriber?.close();
    this.#janus?.close();
    this.publisher = this.subscriber = this.#janus = null;
    this.offered = [];
    this.frames.route({});
    this.onchange();
  }

  /** Others start, change or stop what they send, or start or stop speaking. */
  #hear({ data }: Answer): void {
    if (data.videoroom === "talking" || data.videoroom === "stopped-talking") {
      return this.onspeaking(data.id, data.videoroom === "talking");
    }
    const gone = [data.leaving, data.unpublished, ...(data.publishers ?? []).map(({ id }: { id: string }) => id)];
    this.offered = this.offered.filter(({ peer }) => !gone.includes(peer));
    for (const { id, streams } of data.publishers ?? []) {
      for (const { mid, description, disabled } of streams) {
        if (isStream(description) && !disabled) this.offered.push({ peer: id, mid, stream: description });
      }
    }
    this.update();
  }
}

/** Resolves when a connection has failed, or has been disturbed for too long. */
function broken(connection: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    let timer = 0;
    connection.addEventListener("connectionstatechange", () => {
      clearTimeout(timer);
      if (connection.connectionState === "failed") resolve();
      if (connection.connectionState === "disconnected") timer = setTimeout(resolve, DISTURBANCE);
    });
  });
}
