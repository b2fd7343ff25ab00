/**
 * The module's interface (`crates/wasm`) as classes. Needs no page: it runs in an AudioWorklet, a worker and node.
 */

const ABI = 2;

/** The switches and the limit of a stream; see {@link Controls}. */
export interface Controls {
  /** Off passes the input through, with the same latency. Default true. */
  enabled: boolean;
  /** The most that any sound is attenuated, in dB, 0 to Infinity. Default 60. */
  attenuationLimit: number;
  /** Attenuates pauses further by the voice gate. Default false. */
  gate: boolean;
  /** Passes music or a shared screen's sound through, with the same latency. Default false. */
  passthrough: boolean;
  /** Outputs the residue: the removed sound instead of the kept sound. Default false. */
  residue: boolean;
}

const CONTROLS = ["enabled", "attenuationLimit", "gate", "passthrough", "residue"] as const;

/** The reason why a frame was not denoised. */
export type Bypass = "off" | "passthrough" | "noAttenuation" | "overload" | "modelFault";

const BYPASSES: Bypass[] = ["off", "passthrough", "noAttenuation", "overload", "modelFault"];

/** The report on the newest frame of 10 ms. */
export interface Report {
  /** Probability of voice, 0 to 1. */
  voiceProbability: number;
  /** The decision made from it. */
  voice: boolean;
  /** Level before denoising, in dBFS. */
  inputLevel: number;
  /** Level after denoising, in dBFS. */
  outputLevel: number;
  /** Why the frame was passed through untouched; null: it was denoised. */
  bypass: Bypass | null;
}

/** Counters since the stream was made or reset. A frame is 10 ms. */
export interface Stats {
  frames: number;
  voiceFrames: number;
  bypassed: Record<Bypass, number>;
  invalidSamples: number;
  clippedSamples: number;
}

/** The model that runs under load: the stream's own, the cheaper one, or none. */
export type Tier = "full" | "light" | "dry";

const TIERS: Tier[] = ["full", "light", "dry"];

/** A {@link Detector}'s report on the newest frame. */
export interface VoiceReport {
  voiceProbability: number;
  voice: boolean;
  /** In dBFS. */
  level: number;
}

interface Exports {
  memory: WebAssembly.Memory;
  sourdine_abi(): number;
  sourdine_alloc(bytes: number): number;
  sourdine_free(at: number, bytes: number): void;
  sourdine_error(): number;
  sourdine_error_length(): number;
  sourdine_engine_create(
    rate: number, channels: number, frames: number, fixed: number,
    model: number, modelBytes: number, light: number, lightBytes: number,
  ): number;
  sourdine_engine_free(engine: number): void;
  sourdine_engine_block(engine: number): number;
  sourdine_engine_process(engine: number, frames: number): number;
  sourdine_engine_set(engine: number, control: number, value: number): number;
  sourdine_engine_latency(engine: number): number;
  sourdine_engine_report_time(engine: number, spent: number, available: number): void;
  sourdine_engine_tier(engine: number): number;
  sourdine_engine_report(engine: number): number;
  sourdine_engine_stats(engine: number): number;
  sourdine_engine_reset(engine: number): void;
  sourdine_detector_create(rate: number, frames: number): number;
  sourdine_detector_free(detector: number): void;
  sourdine_detector_block(detector: number): number;
  sourdine_detector_process(detector: number, frames: number): number;
  sourdine_detector_report(detector: number): number;
  sourdine_detector_reset(detector: number): void;
}

/** An instance of the module, shared by the objects in it. */
class Instance {
  readonly calls: Exports;
  #floats = new Float32Array(0);

  constructor(module: WebAssembly.Module) {
    this.calls = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
    const abi = this.calls.sourdine_abi?.();
    if (abi !== ABI) throw new Error(`sourdine.wasm has interface ${abi}, this package needs ${ABI}: take both from one version`);
  }

  /** The module's memory; a view of it ends when the memory grows. */
  floats(): Float32Array {
    if (this.#floats.length === 0) this.#floats = new Float32Array(this.calls.memory.buffer);
    return this.#floats;
  }

  /** The text of the last error. An AudioWorklet has no TextDecoder. */
  errorText(): string {
    const { memory, sourdine_error, sourdine_error_length } = this.calls;
    const bytes = new Uint8Array(memory.buffer, sourdine_error(), sourdine_error_length());
    return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
  }

  /** Copies bytes into the module's memory; free them there. */
  copy(bytes: Uint8Array): number {
    const at = this.calls.sourdine_alloc(bytes.length);
    if (at === 0) throw new Error(`no memory for a model of ${bytes.length} bytes`);
    new Uint8Array(this.calls.memory.buffer).set(bytes, at);
    return at;
  }

  /** Calls into the module; a trap becomes an error with the panic's message. */
  call(work: () => number): number {
    try {
      return work();
    } catch (trap) {
      throw new Error(this.errorText() || String(trap), { cause: trap });
    }
  }

  check(status: number): void {
    if (status !== 0) throw new Error(this.errorText());
  }

  made(object: number): number {
    if (object === 0) throw new Error(this.errorText());
    return object;
  }
}

/** The stream that an {@link Engine} is made for. */
export interface Format {
  /** Frames per second, 8000 to 192 000. */
  sampleRate: number;
  /** 1 to 8. */
  channels: number;
  /** The most frames of a block. */
  blockFrames: number;
  /** Whether all blocks are that long, which saves delay. */
  fixed: boolean;
}

function view(bytes: BufferSource): Uint8Array {
  return ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
}

/** One stream's denoiser, in planes of ±1 floats. */
export class Engine {
  readonly #instance: Instance;
  readonly #engine: number;
  readonly #block: number;
  readonly #format: Format;
  /** The delay from input to output in frames; constant. */
  readonly latency: number;

  /** `light` is a cheaper model for times of overload; see {@link Engine.reportTime}. */
  constructor(module: WebAssembly.Module, model: BufferSource, format: Format, light?: BufferSource | null) {
    const instance = (this.#instance = new Instance(module));
    const { calls } = instance;
    const bytes = view(model);
    const lightBytes = light ? view(light) : new Uint8Array(0);
    const at = instance.copy(bytes);
    const lightAt = instance.copy(lightBytes);
    const { sampleRate, channels, blockFrames, fixed } = (this.#format = format);
    const engine = instance.call(() =>
      calls.sourdine_engine_create(
        sampleRate, channels, blockFrames, fixed ? blockFrames : 0, at, bytes.length, lightAt, lightBytes.length,
      ),
    );
    calls.sourdine_free(at, bytes.length);
    calls.sourdine_free(lightAt, lightBytes.length);
    this.#engine = instance.made(engine);
    this.#block = calls.sourdine_engine_block(engine) / 4;
    this.latency = calls.sourdine_engine_latency(engine);
  }

  /** Denoises `frames` frames. A channel that the input lacks is silence; one that the output lacks is dropped. */
  process(input: readonly Float32Array[], output: readonly Float32Array[], frames: number): void {
    const { calls } = this.#instance;
    const { channels, blockFrames } = this.#format;
    const memory = this.#instance.floats();
    for (let channel = 0; channel < channels; channel++) {
      const at = this.#block + channel * blockFrames;
      const from = input[channel];
      if (from) memory.set(from.length === frames ? from : from.subarray(0, frames), at);
      else memory.fill(0, at, at + frames);
    }
    this.#instance.check(this.#instance.call(() => calls.sourdine_engine_process(this.#engine, frames)));
    const after = this.#instance.floats();
    for (let channel = 0; channel < channels; channel++) {
      const at = this.#block + channel * blockFrames;
      output[channel]?.set(after.subarray(at, at + frames));
    }
  }

  /** Sets the given controls and leaves the others. Changes are faded in over 10 ms. */
  set(controls: Partial<Controls>): void {
    const { calls } = this.#instance;
    CONTROLS.forEach((name, index) => {
      const value = controls[name];
      if (value !== undefined) {
        this.#instance.check(calls.sourdine_engine_set(this.#engine, index, Number(value)));
      }
    });
  }

  /**
   * Tells how long the last blocks took and how long they lasted, in seconds. If that is too long three times within
   * seconds, the stream changes to the light model, then to none; after two seconds without, it tries to come back.
   */
  reportTime(spent: number, available: number): void {
    // A clock that was set may have gone back.
    this.#instance.calls.sourdine_engine_report_time(this.#engine, Math.max(0, spent), available);
  }

  /** The model that runs now. */
  get tier(): Tier {
    return TIERS[this.#instance.calls.sourdine_engine_tier(this.#engine)] ?? "dry";
  }

  report(): Report {
    const at = this.#instance.calls.sourdine_engine_report(this.#engine) / 4;
    const [voiceProbability = 0, voice, inputLevel = 0, outputLevel = 0, bypass = 0] =
      this.#instance.floats().subarray(at, at + 5);
    return { voiceProbability, voice: voice === 1, inputLevel, outputLevel, bypass: BYPASSES[bypass - 2] ?? null };
  }

  stats(): Stats {
    const at = this.#instance.calls.sourdine_engine_stats(this.#engine);
    const counts = new Float64Array(this.#instance.calls.memory.buffer, at, 10);
    const bypassed = Object.fromEntries(BYPASSES.map((why, index) => [why, counts[2 + index]]));
    return {
      frames: counts[0] ?? 0,
      voiceFrames: counts[1] ?? 0,
      bypassed: bypassed as Record<Bypass, number>,
      invalidSamples: counts[8] ?? 0,
      clippedSamples: counts[9] ?? 0,
    };
  }

  /** Clears all state and counters; the controls stay. */
  reset(): void {
    this.#instance.calls.sourdine_engine_reset(this.#engine);
  }

  /** Bytes of the module's memory. */
  get memory(): number {
    return this.#instance.calls.memory.buffer.byteLength;
  }

  free(): void {
    this.#instance.calls.sourdine_engine_free(this.#engine);
  }
}

/** Detects voice without denoising. */
export class Detector {
  readonly #instance: Instance;
  readonly #detector: number;
  readonly #block: number;

  constructor(module: WebAssembly.Module, sampleRate: number, blockFrames: number) {
    const instance = (this.#instance = new Instance(module));
    const { calls } = instance;
    this.#detector = instance.made(instance.call(() => calls.sourdine_detector_create(sampleRate, blockFrames)));
    this.#block = calls.sourdine_detector_block(this.#detector) / 4;
  }

  /** Analyses one channel. */
  process(input: Float32Array): VoiceReport {
    const { calls } = this.#instance;
    this.#instance.floats().set(input, this.#block);
    this.#instance.check(this.#instance.call(() => calls.sourdine_detector_process(this.#detector, input.length)));
    const at = calls.sourdine_detector_report(this.#detector) / 4;
    const [voiceProbability = 0, voice, level = 0] = this.#instance.floats().subarray(at, at + 3);
    return { voiceProbability, voice: voice === 1, level };
  }

  reset(): void {
    this.#instance.calls.sourdine_detector_reset(this.#detector);
  }

  free(): void {
    this.#instance.calls.sourdine_detector_free(this.#detector);
  }
}
