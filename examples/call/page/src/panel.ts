/** Figures of the call, once a second. */

import type { Call } from "./call.js";

export interface Figures {
  /** Milliseconds to the media server and back. */
  roundTrip: number;
  /** Milliseconds that the jitter buffers hold voices back. */
  buffered: number;
  /** Milliseconds of the denoiser. */
  denoiser: number;
  /** Share of the time that denoising takes. */
  load: number;
  model: string;
  /** Kilobits a second. */
  sent: number;
  received: number;
  lost: number;
  encrypted: number;
  decrypted: number;
  refused: number;
  epoch: number;
}

export class Panel {
  #before = { time: 0, sent: 0, received: 0, delay: 0, emitted: 0 };

  constructor(private readonly root: HTMLElement) {}

  async update(call: Call): Promise<Figures> {
    const figures = await this.#measure(call);
    if (!this.root.hidden) this.#show(figures);
    return figures;
  }

  async #measure(call: Call): Promise<Figures> {
    const { publisher, subscriber } = call.media;
    const reports: any[] = [];
    for (const connection of [publisher?.connection, subscriber?.connection]) {
      (await connection?.getStats())?.forEach((report) => reports.push(report));
    }
    const sum = (type: string, field: string) =>
      reports.filter((report) => report.type === type).reduce((total, report) => total + (report[field] ?? 0), 0);
    const audio = reports.filter((report) => report.type === "inbound-rtp" && report.kind === "audio");
    const now = {
      time: performance.now(),
      sent: sum("outbound-rtp", "bytesSent"),
      received: sum("inbound-rtp", "bytesReceived"),
      delay: audio.reduce((total, report) => total + report.jitterBufferDelay, 0),
      emitted: audio.reduce((total, report) => total + report.jitterBufferEmittedCount, 0),
    };
    const before = this.#before;
    this.#before = now;
    const seconds = (now.time - before.time) / 1000;
    const counts = Object.entries(await call.counts());
    const total = (side: string, field: "passed" | "refused") =>
      counts.filter(([label]) => label.startsWith(side)).reduce((frames, [, count]) => frames + count[field], 0);
    const pair = reports.find((report) => report.type === "candidate-pair" && report.nominated && report.currentRoundTripTime !== undefined);
    const { load, tier, delay } = call.microphone?.load ?? { load: 0, tier: "none", delay: 0 };
    return {
      roundTrip: 1000 * (pair?.currentRoundTripTime ?? 0),
      buffered: (1000 * (now.delay - before.delay)) / Math.max(1, now.emitted - before.emitted),
      denoiser: delay,
      load,
      model: tier,
      sent: Math.max(0, (8 * (now.sent - before.sent)) / seconds / 1000),
      received: Math.max(0, (8 * (now.received - before.received)) / seconds / 1000),
      lost: sum("inbound-rtp", "packetsLost"),
      encrypted: total("send", "passed"),
      decrypted: total("receive", "passed"),
      refused: total("receive", "refused"),
      epoch: call.epoch,
    };
  }

  #show(figures: Figures): void {
    const rows: [string, string][] = [
      ["To the server and back", `${figures.roundTrip.toFixed(0)} ms`],
      ["Jitter buffer", `${figures.buffered.toFixed(0)} ms`],
      ["Noise suppression", `${figures.denoiser.toFixed(0)} ms`],
      ["… its load, model", `${(100 * figures.load).toFixed(0)} %, ${figures.model}`],
      ["Sent", `${figures.sent.toFixed(0)} kbit/s`],
      ["Received", `${figures.received.toFixed(0)} kbit/s`],
      ["Packets lost", `${figures.lost}`],
      ["Frames encrypted", `${figures.encrypted}`],
      ["Frames decrypted", `${figures.decrypted}`],
      ["Frames refused", `${figures.refused}`],
      ["Epoch of the keys", `${figures.epoch}`],
    ];
    const table = document.createElement("table");
    for (const [name, value] of rows) {
      const row = table.insertRow();
      row.append(Object.assign(document.createElement("th"), { textContent: name }));
      row.insertCell().textContent = value;
    }
    this.root.replaceChildren(table);
  }
}
