/** Sizes of the package's files, and compressed as servers do. `node sizes.mjs`, after `build.sh`. */

import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";

const kB = (bytes) => (bytes / 1000).toFixed(0);
console.log("| kB | file | gzip | brotli |\n|---|---|---|---|");
for (const name of ["sourdine.wasm", "sourdine.safetensors.gz", "sourdine-lite.safetensors.gz", "worklet.js", "index.js"]) {
  const file = readFileSync(new URL(`dist/${name}`, import.meta.url));
  const columns = [file.length, gzipSync(file, { level: 9 }).length, brotliCompressSync(file).length];
  console.log(`| ${name} | ${columns.map(kB).join(" | ")} |`);
}
