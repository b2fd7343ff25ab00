/** Nodes for a page: {@link SourdineNode} takes the noise out of voice, {@link VoiceDetectorNode} tells who speaks. */

import type { Controls, Report, VoiceReport } from "./engine.js";
import type { Failure, FromWorklet, NodeStats, ToWorklet } from "./messages.js";

export type { Bypass, Controls, Report, Stats, VoiceReport } from "./engine.js";
export type { Failure, NodeStats } from "./messages.js";

/** Bytes, or where they are. Nothing else is ever fetched. */
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
  /** `worklet.js`; default: beside this file. */
  worklet?: string | URL;
}

export interface SourdineOptions extends NodeOptions, Partial<Controls> {
  /** `sourdine.safetensors` or `sourdine-lite.safetensors`. */
  model: Bytes;
  /** Channels of the sound, 1 to 8: they share one mask. Other inputs are mixed up or down. Default 1. */
  channels?: number;
}

// Where there are no nodes (a server), this file can still be imported.
const Node: typeof AudioWorkletNode = globalThis.AudioWorkletNode ?? class {};

/** What both nodes share. Fires `error` (a CustomEvent with a {@link SourdineError}) when it fails; the sound goes on. */
abstract class WorkletNode extends Node {
  /**
   * Resolves once frames have really gone through; rejects if that cannot be. While the context is suspended, or nothing pulls at
   * the node's output, it does neither.
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
      this.fail(new SourdineError("trap", "the audio thread gave up this node; make a new one"));
    });
  }

  /** What is wrong; null: nothing. */
  get error(): SourdineError | null {
    return this.#error;
  }

  /** The node's delay in frames of the context, known when it is ready. */
  get latency(): number {
    return this.#latency;
  }

  /** Forgets everything heard, as for another speaker or device. */
  reset(): void {
    this.send({ type: "reset" });
  }

  /** Ends the node's work on the audio thread. It cannot be started again. */
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

  /** Fetches what has to be, and starts the engine. */
  protected async start(wasm: Bytes, model: Bytes | null, controls: Partial<Controls>): Promise<void> {
    try {
      const [wasmBytes, modelBytes] = await Promise.all([load(wasm), model === null ? null : load(model)]);
      const transfer = modelBytes ? [wasmBytes, modelBytes] : [wasmBytes];
      this.send({ type: "start", wasm: wasmBytes, model: modelBytes, controls }, transfer);
    } catch (error) {
      this.fail(error as SourdineError);
    }
  }
}

/**
 * Takes the noise out of voice. Fires `report` (a CustomEvent with a {@link Report}) about ten times a second and `voice` (a
 * CustomEvent with a boolean) when somebody begins or stops to speak.
 */
export class SourdineNode extends WorkletNode {
  #controls: Controls = { enabled: true, attenuationLimit: 60, gate: false, passthrough: false, residue: false };
  #report: Report | null = null;
  #stats: NodeStats | null = null;

  /**
   * Makes a node, which passes the sound on until the engine is there: await {@link SourdineNode.ready} for that. Rejects with
   * a {@link SourdineError} only where there can be no node at all.
   */
  static async create(context: BaseAudioContext, options: SourdineOptions): Promise<SourdineNode> {
    const { wasm, model, worklet, channels = 1, ...controls } = options;
    checkChannels(channels);
    checkLimit(controls.attenuationLimit ?? 60);
    await addWorklet(context, worklet);
    const node = new SourdineNode(context, "sourdine", channels);
    Object.assign(node.#controls, controls);
    void node.start(wasm, model, { ...node.#controls });
    return node;
  }

  /** Off passes the input on, as late as before. */
  get enabled(): boolean {
    return this.#controls.enabled;
  }
  set enabled(on: boolean) {
    this.#set({ enabled: on });
  }

  /** The most that any sound is turned down, in dB, 0 to Infinity. */
  get attenuationLimit(): number {
    return this.#controls.attenuationLimit;
  }
  set attenuationLimit(dB: number) {
    checkLimit(dB);
    this.#set({ attenuationLimit: dB });
  }

  /** Turns pauses down further. */
  get gate(): boolean {
    return this.#controls.gate;
  }
  set gate(on: boolean) {
    this.#set({ gate: on });
  }

  /** Passes music or a shared screen's sound on, as late as before. */
  get passthrough(): boolean {
    return this.#controls.passthrough;
  }
  set passthrough(on: boolean) {
    this.#set({ passthrough: on });
  }

  /** Gives what was removed instead of what was kept. */
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

  /** Counters that show whether it works; null before the first report. */
  get stats(): NodeStats | null {
    return this.#stats;
  }

  #set(controls: Partial<Controls>): void {
    Object.assign(this.#controls, controls);
    this.send({ type: "set", controls });
  }

  protected override received(message: FromWorklet): void {
    if (message.type !== "report") return;
    const spoke = this.#report?.voice ?? false;
    this.#report = message.report;
    this.#stats = message.stats;
    this.dispatchEvent(new CustomEvent("report", { detail: message.report }));
    if (message.report.voice !== spoke) this.dispatchEvent(new CustomEvent("voice", { detail: message.report.voice }));
  }
}

/**
 * Tells voice from noise without a model, for the far ends of a call; passes the sound on as it is. Fires `report` (a CustomEvent
 * with a {@link VoiceReport}) about ten times a second and `voice` (a CustomEvent with a boolean) on a change.
 */
export class VoiceDetectorNode extends WorkletNode {
  #report: VoiceReport | null = null;

  static async create(context: BaseAudioContext, options: NodeOptions): Promise<VoiceDetectorNode> {
    await addWorklet(context, options.worklet);
    const node = new VoiceDetectorNode(context, "sourdine-voice-detector", 1);
    void node.start(options.wasm, null, {});
    return node;
  }

  /** The newest report; null before the first. */
  get report(): VoiceReport | null {
    return this.#report;
  }

  protected override received(message: FromWorklet): void {
    if (message.type !== "heard") return;
    const spoke = this.#report?.voice ?? false;
    this.#report = message.report;
    this.dispatchEvent(new CustomEvent("report", { detail: message.report }));
    if (message.report.voice !== spoke) this.dispatchEvent(new CustomEvent("voice", { detail: message.report.voice }));
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

/** Bytes that the worklet may have: those of the caller's stay with the caller. */
async function load(bytes: Bytes): Promise<ArrayBuffer> {
  if (bytes instanceof ArrayBuffer) return bytes.slice(0);
  let response: Response;
  try {
    response = await fetch(bytes);
  } catch (cause) {
    throw new SourdineError("fetch", `${bytes} cannot be fetched: is it there, and allowed by connect-src?`, { cause });
  }
  if (!response.ok) throw new SourdineError("fetch", `${bytes} cannot be fetched: status ${response.status}`);
  return response.arrayBuffer();
}
