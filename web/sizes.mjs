/**
 * Sizes of the package's files, compressed as servers do, and the entropy of the models' int8 weights, which a packing of our own
 * could at best come near: by their frequencies in each layer, and as if the scale of each weight were known for free, as the
 * product of a number per row and one per column. `node sizes.mjs`, after `build.sh`.
 */

import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";

const LANES = 16;

/** Bytes that the numbers need by their frequencies. */
function entropy(numbers) {
  const counts = new Float64Array(256);
  for (const x of numbers) counts[x + 128] += 1;
  return counts.reduce((bits, count) => bits - (count && count * Math.log2(count / numbers.length)), 0) / 8;
}

const geometricMean = (numbers) => Math.exp(numbers.reduce((sum, x) => sum + Math.log(Math.abs(x) + 0.5), 0) / numbers.length);

/** Bytes that the weights need, in up to twelve classes by their expected size. */
function entropyByScale(weights, columns) {
  const rowOf = (i) => Math.floor(i / (columns * LANES)) * LANES + (i % LANES);
  const columnOf = (i) => Math.floor(i / LANES) % columns;
  const rows = Array.from({ length: weights.length / columns }, () => []);
  const columnsOf = Array.from({ length: columns }, () => []);
  weights.forEach((x, i) => {
    rows[rowOf(i)].push(x);
    columnsOf[columnOf(i)].push(x);
  });
  const [byRow, byColumn] = [rows.map(geometricMean), columnsOf.map(geometricMean)];
  const scale = Float64Array.from(weights, (_, i) => byRow[rowOf(i)] * byColumn[columnOf(i)]);
  const order = Uint32Array.from(scale.keys()).sort((a, b) => scale[a] - scale[b]);
  const classes = Math.max(1, Math.min(12, Math.floor(weights.length / 8192)));
  let bytes = 0;
  for (let k = 0; k < classes; k++) {
    const [from, to] = [k, k + 1].map((k) => Math.round((k * order.length) / classes));
    bytes += entropy(Int8Array.from(order.subarray(from, to), (i) => weights[i]));
  }
  return bytes;
}

const kB = (bytes) => (bytes / 1000).toFixed(0);
console.log("| kB | file | gzip | brotli | entropy of the weights | with their scales known |\n|---|---|---|---|---|---|");
for (const name of ["sourdine.wasm", "sourdine.safetensors", "sourdine-lite.safetensors", "worklet.js", "index.js"]) {
  const file = readFileSync(new URL(`dist/${name}`, import.meta.url));
  const columns = [file.length, gzipSync(file, { level: 9 }).length, brotliCompressSync(file).length];
  if (name.endsWith(".safetensors")) {
    const start = 8 + Number(file.readBigUInt64LE(0));
    const { __metadata__, ...tensors } = JSON.parse(file.toString("utf8", 8, start));
    let [alone, scaled] = [0, 0];
    for (const { dtype, shape, data_offsets: [from, to] } of Object.values(tensors)) {
      if (dtype !== "I8") continue;
      const weights = Int8Array.from(file.subarray(start + from, start + to));
      alone += entropy(weights);
      scaled += entropyByScale(weights, shape[1]);
    }
    columns.push(alone, scaled);
  }
  console.log(`| ${name} | ${columns.map(kB).join(" | ")} |`);
}
