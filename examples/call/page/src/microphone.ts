/** The microphone, without noise: Sourdine runs all the time, so that speech after a mute begins with its first syllable. */

import { processTrack, type ProcessedTrack } from "sourdine/track";

export interface Sound {
  /** Whether noise is removed. */
  suppression: boolean;
  /** How much at most, in dB. */
  strength: number;
  /** For music: nothing is removed and nothing adapts. */
  original: boolean;
  echoCancellation: boolean;
  automaticGain: boolean;
}

export const SOUND: Sound = { suppression: true, strength: 60, original: false, echoCancellation: true, automaticGain: true };

export class Microphone {
  /** Called when one begins or ceases to speak, muted or not. */
  onvoice: (speaks: boolean) => void = () => {};
  /** Called when the device is gone. */
  onended: () => void = () => {};

  private constructor(
    private input: MediaStreamTrack,
    private readonly processed: ProcessedTrack,
    private readonly context: AudioContext,
    private sound: Sound,
  ) {
    processed.node?.addEventListener("voice", (event) => this.onvoice((event as CustomEvent<boolean>).detail));
    this.#watch();
  }

  /** Opens a device; "" is the browser's choice. */
  static async open(deviceId: string, sound: Sound): Promise<Microphone> {
    const input = await capture(deviceId, sound);
    const context = new AudioContext({ sampleRate: 48_000, latencyHint: "interactive" });
    const files = "/sourdine/";
    const processed = await processTrack(input, {
      context,
      worklet: `${files}worklet.js`,
      wasm: `${files}sourdine.wasm`,
      model: `${files}sourdine.safetensors.gz`,
      fallbackModel: `${files}sourdine-lite.safetensors.gz`,
      enabled: sound.suppression,
      attenuationLimit: sound.strength,
      passthrough: sound.original,
    });
    // A failure is told by `problem`; the sound goes on.
    processed.ready.catch(() => {});
    return new Microphone(input, processed, context, sound);
  }

  /** What to send. */
  get track(): MediaStreamTrack {
    return this.processed.track;
  }

  get deviceId(): string {
    return this.input.getSettings().deviceId ?? "";
  }

  /** What the browser does to the sound. */
  get settings(): MediaTrackSettings {
    return this.input.getSettings();
  }

  /** Why noise is not removed, if that failed. */
  get problem(): string | null {
    return this.processed.node ? (this.processed.node.error?.message ?? null) : "this browser has no AudioWorklet";
  }

  /** The share of the time that denoising takes, and with which model; the delay in milliseconds. */
  get load(): { load: number; tier: string; delay: number } {
    const { node } = this.processed;
    return {
      load: node?.stats?.load ?? 0,
      tier: node?.stats?.tier ?? "none",
      delay: ((node?.latency ?? 0) / this.context.sampleRate) * 1000,
    };
  }

  /** Frames that were not denoised as the audio thread was too slow. */
  get overloaded(): number {
    return this.processed.node?.stats?.bypassed.overload ?? 0;
  }

  async set(sound: Sound): Promise<void> {
    const before = this.sound;
    this.sound = { ...sound };
    const { node } = this.processed;
    if (node) {
      node.enabled = sound.suppression;
      node.attenuationLimit = sound.strength;
      node.passthrough = sound.original;
    }
    const processing = ({ original, echoCancellation, automaticGain }: Sound) => `${!original && echoCancellation}, ${!original && automaticGain}`;
    if (processing(before) !== processing(sound)) await this.switch(this.deviceId);
  }

  /** Changes the device; what is sent goes on. */
  async switch(deviceId: string): Promise<void> {
    const next = await capture(deviceId, this.sound);
    this.input.stop();
    this.input = next;
    this.#watch();
    this.processed.replaceInput(next);
  }

  async close(): Promise<void> {
    this.input.stop();
    await this.processed.stop();
    await this.context.close();
  }

  #watch(): void {
    this.input.onended = () => this.onended();
  }
}

/** The browser's own noise suppression stays off: Sourdine comes after it, and voice that it has bitten off is lost. */
async function capture(deviceId: string, sound: Sound): Promise<MediaStreamTrack> {
  const audio: MediaTrackConstraints = {
    noiseSuppression: false,
    echoCancellation: !sound.original && sound.echoCancellation,
    autoGainControl: !sound.original && sound.automaticGain,
    ...(deviceId && { deviceId: { exact: deviceId } }),
  };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  return stream.getAudioTracks()[0]!;
}
