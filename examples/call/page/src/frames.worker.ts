/**
 * Encrypts what is sent and decrypts what is received, frame by frame. Nothing passes without a key: what cannot be encrypted is
 * not sent, and what does not authenticate is not decoded.
 */

import init, { FrameCipher } from "../crypto/crypto.js";
import type { Counts, FromFrames, ToFrames, TransformOptions } from "./frames.js";
import { STREAMS } from "./streams.js";

interface EncodedFrame {
  data: ArrayBuffer;
}
interface Transformer {
  readable: ReadableStream<EncodedFrame>;
  writable: WritableStream<EncodedFrame>;
  options: TransformOptions;
}

const labelOf = (options: TransformOptions) => (options.side === "send" ? `send ${options.stream}` : `receive ${options.mid}`);

let cipher: FrameCipher | null = null;
/** Whose stream arrives where: by the transceiver's name. */
let routes: Record<string, { peer: string; stream: number }> = {};
const counts = new Map<string, Counts>();
const authenticated = new Set<string>();
const tell = (message: FromFrames) => postMessage(message);

const started = init({ module_or_path: "/crypto_bg.wasm" }).then(() => {
  cipher = new FrameCipher();
});

onmessage = async ({ data }: MessageEvent<ToFrames>) => {
  await started;
  switch (data.type) {
    case "reset":
      cipher?.free();
      cipher = new FrameCipher();
      break;
    case "epoch":
      cipher?.addEpoch(data.number, data.ownLeaf, data.baseKey, data.leaves, data.peers);
      break;
    case "send":
      cipher?.sendWithNewest();
      break;
    case "forget":
      cipher?.forgetBefore(data.before);
      break;
    case "routes": {
      const before = routes;
      routes = {};
      for (const [mid, { peer, stream }] of Object.entries(data.routes)) {
        routes[mid] = { peer, stream: STREAMS.indexOf(stream) };
        if (before[mid]?.peer !== peer || before[mid]?.stream !== routes[mid].stream) authenticated.delete(mid);
      }
      for (const mid of authenticated) if (!routes[mid]) authenticated.delete(mid);
      break;
    }
    case "count":
      tell({ type: "counts", counts: Object.fromEntries(counts) });
  }
};

addEventListener("rtctransform", (event) => {
  const { readable, writable, options } = (event as Event & { transformer: Transformer }).transformer;
  const counted: Counts = { seen: 0, passed: 0, bytes: 0, refused: 0, why: null };
  counts.set(labelOf(options), counted);
  const convert = options.side === "send" ? encrypt : decrypt;
  const transform = (frame: EncodedFrame, controller: TransformStreamDefaultController<EncodedFrame>) => {
    counted.seen++;
    counted.bytes += frame.data.byteLength;
    try {
      const converted = convert(options, new Uint8Array(frame.data));
      frame.data = converted.buffer as ArrayBuffer;
      controller.enqueue(frame);
      counted.passed++;
    } catch (error) {
      counted.refused++;
      counted.why = (error as Error).message;
    }
  };
  void readable.pipeThrough(new TransformStream({ transform })).pipeTo(writable).catch(() => {});
});

function encrypt(options: TransformOptions, frame: Uint8Array): Uint8Array {
  if (!cipher || options.side !== "send") throw new Error("no key yet");
  return cipher.encrypt(STREAMS.indexOf(options.stream), frame);
}

function decrypt(options: TransformOptions, frame: Uint8Array): Uint8Array {
  if (!cipher || options.side !== "receive") throw new Error("no key yet");
  const route = routes[options.mid];
  if (!route) throw new Error("from nobody");
  const decrypted = cipher.decrypt(route.peer, route.stream, frame);
  if (!authenticated.has(options.mid)) {
    authenticated.add(options.mid);
    tell({ type: "authenticated", mid: options.mid });
  }
  return decrypted;
}
