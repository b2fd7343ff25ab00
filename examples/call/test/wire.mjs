/** What the media server sees: copies of a participant's packets, as it would pass them on. */

import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";

import { initSync, FrameCipher } from "../page/crypto/crypto.js";
import { JANUS_KEY } from "./harness.mjs";

initSync({ module: readFileSync(new URL("../page/crypto/crypto_bg.wasm", import.meta.url)) });

/** Has the media server send copies of one stream here. */
export async function tap(server, browser, room, publisher, mid = "0") {
  const socket = createSocket("udp4");
  const payloads = [];
  socket.on("message", (packet) => payloads.push(payload(packet)));
  await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  // A page without a policy, as node has no WebSocket here.
  const page = await browser.newPage();
  const answer = await page.evaluate(async ([url, body]) => {
    const janus = new WebSocket(url, "janus-protocol");
    await new Promise((resolve) => (janus.onopen = resolve));
    const ask = (message) => new Promise((resolve) => {
      janus.onmessage = ({ data }) => resolve(JSON.parse(data));
      janus.send(JSON.stringify({ ...message, transaction: "tap" }));
    });
    const session_id = (await ask({ janus: "create" })).data.id;
    const handle_id = (await ask({ janus: "attach", session_id, plugin: "janus.plugin.videoroom" })).data.id;
    return ask({ janus: "message", session_id, handle_id, body });
  }, [server.janus, {
    request: "rtp_forward", room, publisher_id: publisher, host: "127.0.0.1", host_family: "ipv4", streams: [{ mid, port }], admin_key: JANUS_KEY,
  }]);
  if (answer.plugindata?.data.error) throw new Error(answer.plugindata.data.error);
  return {
    payloads,
    close: async () => {
      socket.close();
      await page.close();
    },
  };
}

/** An RTP packet's payload (RFC 3550, 5.1). */
function payload(packet) {
  let at = 12 + 4 * (packet[0] & 15);
  if (packet[0] & 16) at += 4 + 4 * packet.readUInt16BE(at + 2);
  return packet.subarray(at, packet[0] & 32 ? packet.length - packet.at(-1) : packet.length);
}

/** Makes a page keep the keys that it gives its worker. */
export const KEEP_KEYS = `
  globalThis.keys = [];
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message.type === "epoch") keys.push({ ...message, baseKey: [...message.baseKey], leaves: [...message.leaves] });
    return post.call(this, message, ...rest);
  };`;

/** The frames that somebody who has these keys can read. */
export function openAll(payloads, keys, peer, stream = 0) {
  const opened = [];
  for (const one of keys) {
    // Each epoch by itself: a cipher for calls would drop those that are long over.
    const cipher = new FrameCipher();
    cipher.addEpoch(one.number, one.ownLeaf, Uint8Array.from(one.baseKey), Uint32Array.from(one.leaves), one.peers);
    for (const payload of payloads) {
      try {
        opened.push(cipher.decrypt(peer, stream, payload));
      } catch {
        // Not with this key.
      }
    }
    cipher.free();
  }
  return opened;
}

/** How many they are. */
export const readable = (...what) => openAll(...what).length;

/** How alike two sounds are at their beginnings, from -1 to 1. */
export function correlation(one, other) {
  let [product, first, second] = [0, 1e-12, 1e-12];
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    product += one[i] * other[i];
    first += one[i] ** 2;
    second += other[i] ** 2;
  }
  return product / Math.sqrt(first * second);
}

/** Bits of entropy a byte, over all payloads. */
export function entropy(payloads) {
  const counts = new Array(256).fill(0);
  let total = 0;
  for (const payload of payloads) {
    for (const byte of payload) counts[byte]++;
    total += payload.length;
  }
  return -counts.reduce((sum, count) => (count ? sum + (count / total) * Math.log2(count / total) : sum), 0);
}

/** Decodes payloads as Opus in a browser, one by one; null for each that is refused. */
export async function decode(page, payloads) {
  return page.evaluate(async (payloads) => {
    const results = [];
    for (const payload of payloads) {
      let samples = null;
      const decoder = new AudioDecoder({
        output: (data) => {
          samples = new Float32Array(data.numberOfFrames);
          data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
          data.close();
        },
        error: () => {},
      });
      try {
        decoder.configure({ codec: "opus", sampleRate: 48_000, numberOfChannels: 1 });
        decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: 0, data: Uint8Array.from(payload) }));
        await decoder.flush();
        decoder.close();
      } catch {
        samples = null;
      }
      results.push(samples && [...samples]);
    }
    return results;
  }, payloads.map((payload) => [...payload]));
}
