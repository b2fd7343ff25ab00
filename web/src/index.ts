/** Nodes for a page: {@link SourdineNode} removes noise from voice, {@link VoiceDetectorNode} detects voice. */

import type { Controls, Report, Tier, VoiceReport } from "./engine.js";
import type { Failure, FromWorklet, NodeStats, ToWorklet } from "./messages.js";

export type { Bypass, Controls, Report, Stats, Tier, VoiceReport } from "./engine.js";
export type { Failure, NodeStats } from "./messages.js";

/** Bytes, packed by gzip or not, or their URL. Nothing else is fetched. */
export type Bytes = ArrayBuffer | string | URL;

/** An error with the kind of failure in `code`. */
export class SourdineError extends Error {
  override readonly name = "SourdineError";

  constructor(readonly code: Failure, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

export interface NodeOptions {
  /** `sourdine.wasm`. */
  wasm: Bytes;
  /** `worklet.js`; default: next to this file. */
  worklet?: string | URL;
}

export interface SourdineOptions extends NodeOptions, Partial<Controls> {
  /** `sourdine.safetensors.gz` or `sourdine-lite.safetensors.gz`. */
  model: Bytes;
  /** A cheaper model for times when the audio thread is too slow for `model`, such as `sourdine-lite.safetensors.gz`. */
  fallbackModel?: Bytes;
  /** Channels of the sound, 1 to 8: they share one mask. Other inputs are mixed up or down. Default 1. */
  channels?: number;
}

// Without AudioWorkletNode (on a server) this file can still be imported.
const Node: typeof AudioWorkletNode = globalThis.AudioWorkletNode ?? class {};

/** Base of both nodes. Fires `error` (a CustomEvent with a {@link SourdineError}) on failure, and passes the sound through from then on. */
abstract class WorkletNode extends Node {
  /**
   * Resolves once frames have been processed; rejects on failure. It does neither while the context is suspended or the node's
   * output is not connected.
   */
  readonly ready: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: SourdineError) => void;
  #error: SourdineError | null = null;
  #latency = 0;

  protected constructor(context: BaseAudioContext, name: string, channels: number) {
    super(context, name, {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [channels],
      channelCount: channels,
      channelCountMode: "explicit",
    });
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.port.onmessage = ({ data }: MessageEvent<FromWorklet>) => {
      if (data.type === "ready") {
        this.#latency = data.latency;
        this.#resolve();
      } else if (data.type === "failed") {
        this.fail(new SourdineError(data.code, data.message));
      } else {
        this.received(data);
      }
    };
    this.addEventListener("processorerror", () => {
      this.fail(new SourdineError("trap", "the audio thread stopped this node; make a new one"));
    });
  }

  /** The error, or null. */
  get error(): SourdineError | null {
    return this.#error;
  }

  /** The node's delay in frames of the context, known when it is ready. */
  get latency(): number {
    return this.#latency;
  }

  /** Clears all state, for another speaker or device. */
  reset(): void {
    this.send({ type: "reset" });
  }

  /** Stops processing on the audio thread. The node cannot be started again. */
  close(): void {
    this.disconnect();
    this.send({ type: "stop" });
  }

  protected abstract received(message: FromWorklet): void;

  protected send(message: ToWorklet, transfer: Transferable[] = []): void {
    this.port.postMessage(message, transfer);
  }

  protected fail(error: SourdineError): void {
    this.#error = error;
    this.#reject(error);
    this.dispatchEvent(new CustomEvent("error", { detail: error }));
  }

  /** Fetches the files and starts the engine. */
  protected async start(wasm: Bytes, models: Bytes[], controls: Partial<Controls>): Promise<void> {
    try {
      const [wasmBytes, ...modelBytes] = await Promise.all([load(wasm, "wasm"), ...models.map((model) => load(model, "model"))]);
      this.send({ type: "start", wasm: wasmBytes, models: modelBytes, controls }, [wasmBytes, ...modelBytes]);
    } catch (error) {
      this.fail(error as SourdineError);
    }
  }
}

/**
 * Removes noise from voice. Fires `report` (a CustomEvent with a {@link Report}) about ten times a second, `voice` (a
 * CustomEvent with a boolean) when speech starts or stops, and `overload` (a CustomEvent with a {@link Tier}) when the model
 * changes because the audio thread is too slow, or fast enough again.
 */
export class SourdineNode extends WorkletNode {
  #controls: Controls = { enabled: true, attenuationLimit: 60, gate: false, passthrough: false, residue: false };
  #report: Report | null = null;
  #stats: NodeStats | null = null;

  /**
   * Makes a node. It passes the sound through until the engine runs: await {@link SourdineNode.ready} for that. Rejects with
   * a {@link SourdineError} only if no node can be made.
   */
  static async create(context: BaseAudioContext, options: SourdineOptions): Promise<SourdineNode> {
    const { wasm, model, fallbackModel, worklet, channels = 1, ...controls } = options;
    checkChannels(channels);
    checkLimit(controls.attenuationLimit ?? 60);
    await addWorklet(context, worklet);
    const node = new SourdineNode(context, "sourdine", channels);
    Object.assign(node.#controls, controls);
    void node.start(wasm, fallbackModel ? [model, fallbackModel] : [model], { ...node.#controls });
    return node;
  }

  /** Off passes the input through, with the same latency. */
  get enabled(): boolean {
    return this.#controls.enabled;
  }
  set enabled(on: boolean) {
    this.#set({ enabled: on });
  }

  /** The most that any sound is attenuated, in dB, 0 to Infinity. */
  get attenuationLimit(): number {
    return this.#controls.attenuationLimit;
  }
  set attenuationLimit(dB: number) {
    checkLimit(dB);
    this.#set({ attenuationLimit: dB });
  }

  /** Attenuates pauses further by the voice gate. */
  get gate(): boolean {
    return this.#controls.gate;
  }
  set gate(on: boolean) {
    this.#set({ gate: on });
  }

  /** Passes music or a shared screen's sound through, with the same latency. */
  get passthrough(): boolean {
    return this.#controls.passthrough;
  }
  set passthrough(on: boolean) {
    this.#set({ passthrough: on });
  }

  /** Outputs the residue: the removed sound instead of the kept sound. */
  get residue(): boolean {
    return this.#controls.residue;
  }
  set residue(on: boolean) {
    this.#set({ residue: on });
  }

  /** The newest report; null before the first. */
  get report(): Report | null {
    return this.#report;
  }

  /** Counters; null before the first report. */
  get stats(): NodeStats | null {
    return this.#stats;
  }

  #set(controls: Partial<Controls>): void {
    Object.assign(this.#controls, controls);
    this.send({ type: "set", controls });
  }

  protected override received(message: FromWorklet): void {
    if (message.type !== "report") return;
    const { voice } = this.#report ?? { voice: false };
    const { tier } = this.#stats ?? { tier: "full" };
    this.#report = message.report;
    this.#stats = message.stats;
    this.dispatchEvent(new CustomEvent("report", { detail: message.report }));
    if (message.report.voice !== voice) this.dispatchEvent(new CustomEvent("voice", { detail: message.report.voice }));
    if (message.stats.tier !== tier) this.dispatchEvent(new CustomEvent<Tier>("overload", { detail: message.stats.tier }));
  }
}

/**
 * Detects voice without a model, for the far ends of a call; passes the sound through. Fires `report` (a CustomEvent
 * with a {@link VoiceReport}) about ten times a second and `voice` (a CustomEvent with a boolean) on a change.
 */
export class VoiceDetectorNode extends WorkletNode {
  #report: VoiceReport | null = null;

  static async create(context: BaseAudioContext, options: NodeOptions): Promise<VoiceDetectorNode> {
    await addWorklet(context, options.worklet);
    const node = new VoiceDetectorNode(context, "sourdine-voice-detector", 1);
    void node.start(options.wasm, [], {});
    return node;
  }

  /** The newest report; null before the first. */
  get report(): VoiceReport | null {
    return this.#report;
  }

  protected override received(message: FromWorklet): void {
    if (message.type !== "voice") return;
    const before = this.#report?.voice ?? false;
    this.#report = message.report;
    this.dispatchEvent(new CustomEvent("report", { detail: message.report }));
    if (message.report.voice !== before) this.dispatchEvent(new CustomEvent("voice", { detail: message.report.voice }));
  }
}

function checkChannels(channels: number): void {
  if (!Number.isInteger(channels) || channels < 1 || channels > 8) {
    throw new RangeError(`${channels} channels; 1 to 8 are supported`);
  }
}

function checkLimit(dB: number): void {
  if (!(dB >= 0)) throw new RangeError(`attenuationLimit is ${dB}; it must be 0 dB or more (Infinity: no limit)`);
}

async function addWorklet(context: BaseAudioContext, worklet?: string | URL): Promise<void> {
  if (context.state === "closed") throw new SourdineError("context", "the AudioContext is closed; make a new one");
  if (!context.audioWorklet || !globalThis.AudioWorkletNode) {
    throw new SourdineError("worklet", "there is no AudioWorklet here; it needs a secure page (https or localhost)");
  }
  const url = worklet ?? new URL("./worklet.js", import.meta.url);
  try {
    await context.audioWorklet.addModule(url);
  } catch (cause) {
    throw new SourdineError("worklet", `${url} cannot be loaded: is it there, and allowed by script-src?`, { cause });
  }
}

/** Returns bytes to transfer to the worklet: a copy of the caller's, or fetched ones, unpacked. */
async function load(bytes: Bytes, code: Failure): Promise<ArrayBuffer> {
  const packed = bytes instanceof ArrayBuffer ? bytes.slice(0) : await fetched(bytes);
  const [first, second] = new Uint8Array(packed); // RFC 1952
  // What a server calls `Content-Encoding: gzip`, the browser has unpacked.
  if (first !== 0x1f || second !== 0x8b) return packed;
  try {
    return await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  } catch (cause) {
    const name = bytes instanceof ArrayBuffer ? "the bytes" : bytes;
    throw new SourdineError(code, `damaged file: ${name} cannot be unpacked; copy or upload it again`, { cause });
  }
}

async function fetched(bytes: string | URL): Promise<ArrayBuffer> {
  let response: Response;
  try {
    response = await fetch(bytes);
  } catch (cause) {
    throw new SourdineError("fetch", `${bytes} cannot be fetched: is it there, and allowed by connect-src?`, { cause });
  }
  if (!response.ok) throw new SourdineError("fetch", `${bytes} cannot be fetched: status ${response.status}`);
  return response.arrayBuffer();
}
