/** The audio thread's half, bundled into one file for `audioWorklet.addModule`. */

import { Detector, Engine, type Controls } from "./engine.js";
import type { Failure, FromWorklet, ToWorklet } from "./messages.js";

/** The globals of an AudioWorklet, which TypeScript's `dom` lacks. */
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

/** Quanta between two reports, about a tenth of a second. */
const REPORT_QUANTA = (quantum: number) => Math.max(1, Math.round(sampleRate / 10 / quantum));

/** Passes the input through. */
function pass(input: Float32Array[], output: Float32Array[]): void {
  output.forEach((to, channel) => {
    const from = input[channel];
    if (from) to.set(from);
  });
}

abstract class Processor extends AudioWorkletProcessor {
  #stopped = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<ToWorklet>) => {
      if (data.type === "stop") this.#stopped = true;
      else void this.receive(data);
    };
  }

  protected abstract receive(message: ToWorklet): void | Promise<void>;
  protected abstract run(input: Float32Array[], output: Float32Array[], frames: number): void;

  protected send(message: FromWorklet): void {
    this.port.postMessage(message);
  }

  protected fail(code: Failure, error: unknown): void {
    this.send({ type: "failed", code, message: error instanceof Error ? error.message : String(error) });
  }

  protected async compile(wasm: ArrayBuffer): Promise<WebAssembly.Module | null> {
    try {
      return await WebAssembly.compile(wasm);
    } catch (error) {
      this.fail("wasm", error);
      return null;
    }
  }

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const output = outputs[0] ?? [];
    const frames = output[0]?.length ?? inputs[0]?.[0]?.length ?? 0;
    if (frames > 0) this.run(inputs[0] ?? [], output, frames);
    return !this.#stopped;
  }
}

class SourdineProcessor extends Processor {
  #engine: Engine | null = null;
  #made: { module: WebAssembly.Module; models: ArrayBuffer[] } | null = null;
  #controls: Partial<Controls> = {};
  #announced = false;
  /** Frames that the engine has taken, up to its latency; then its output is faded in. */
  #taken = 0;
  #passed = 0;
  #quanta = 0;
  /** Milliseconds in the engine since the last report, and since `#load` was worked out. */
  #spent = 0;
  #spentBefore = 0;
  #load = 0;

  protected override async receive(message: ToWorklet): Promise<void> {
    if (message.type === "start") {
      this.#controls = { ...message.controls, ...this.#controls };
      const module = await this.compile(message.wasm);
      if (module) this.#made = { module, models: message.models };
    } else if (message.type === "set") {
      this.#controls = { ...this.#controls, ...message.controls };
      this.#engine?.set(message.controls);
    } else if (message.type === "reset") {
      this.#engine?.reset();
    }
  }

  /** Makes the engine at the first quantum, when its length is known. */
  #start(channels: number, frames: number): void {
    const made = this.#made;
    if (!made) return;
    this.#made = null;
    const [model = new ArrayBuffer(0), light] = made.models;
    try {
      this.#engine = new Engine(made.module, model, { sampleRate, channels, blockFrames: frames, fixed: true }, light);
      this.#engine.set(this.#controls);
    } catch (error) {
      this.#engine = null;
      this.fail("model", error);
    }
  }

  protected override run(input: Float32Array[], output: Float32Array[], frames: number): void {
    this.#start(output.length, frames);
    const engine = this.#engine;
    if (!engine) {
      this.#passed += frames;
      return pass(input, output);
    }
    const before = Date.now();
    try {
      engine.process(input, output, frames);
    } catch (error) {
      this.#engine = null;
      this.#passed += frames;
      pass(input, output);
      return this.fail("trap", error);
    }
    this.#spent += Date.now() - before;
    if (this.#taken < engine.latency) {
      this.#taken += frames;
      this.#passed += frames;
      this.#fadeIn(input, output, frames, this.#taken >= engine.latency);
    }
    this.#report(engine, frames);
  }

  /** Passes the input through while the engine's delay fills, and fades to the engine's output over the last quantum. */
  #fadeIn(input: Float32Array[], output: Float32Array[], frames: number, last: boolean): void {
    output.forEach((to, channel) => {
      const from = input[channel];
      for (let i = 0; i < frames; i++) {
        const wet = last ? 0.5 - 0.5 * Math.cos((Math.PI * (i + 1)) / frames) : 0;
        to[i] = wet * (to[i] ?? 0) + (1 - wet) * (from?.[i] ?? 0);
      }
    });
  }

  #report(engine: Engine, frames: number): void {
    this.#quanta += 1;
    const every = REPORT_QUANTA(frames);
    if (this.#quanta % every !== 0) return;
    const seconds = (every * frames) / sampleRate;
    // The only clock here ticks in milliseconds: over many frames that is good enough to see overload.
    engine.reportTime(this.#spent / 1000, seconds);
    this.#spentBefore += this.#spent;
    this.#spent = 0;
    if (this.#quanta % (20 * every) === 0) {
      this.#load = this.#spentBefore / (20 * seconds * 1000);
      this.#spentBefore = 0;
    }
    const stats = { ...engine.stats(), passedFrames: this.#passed, load: this.#load, tier: engine.tier };
    this.send({ type: "report", report: engine.report(), stats });
    if (!this.#announced && stats.frames > 0 && this.#taken >= engine.latency) {
      this.#announced = true;
      this.send({ type: "ready", latency: engine.latency });
    }
  }
}

class DetectorProcessor extends Processor {
  #detector: Detector | null = null;
  #module: WebAssembly.Module | null = null;
  #announced = false;
  #quanta = 0;

  protected override async receive(message: ToWorklet): Promise<void> {
    if (message.type === "start") this.#module = await this.compile(message.wasm);
    else if (message.type === "reset") this.#detector?.reset();
  }

  protected override run(input: Float32Array[], output: Float32Array[], frames: number): void {
    pass(input, output);
    try {
      if (this.#module) {
        this.#detector = new Detector(this.#module, sampleRate, frames);
        this.#module = null;
      }
      const report = this.#detector?.process(input[0] ?? new Float32Array(frames));
      this.#quanta += 1;
      if (!report || this.#quanta % REPORT_QUANTA(frames) !== 0) return;
      this.send({ type: "voice", report });
      if (!this.#announced) this.send({ type: "ready", latency: 0 });
      this.#announced = true;
    } catch (error) {
      this.#detector = null;
      this.#module = null;
      this.fail("trap", error);
    }
  }
}

registerProcessor("sourdine", SourdineProcessor);
registerProcessor("sourdine-voice-detector", DetectorProcessor);
