/** The package as npm installs it: the README's example runs in a browser. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

import { launch } from "./browser.mjs";

const web = fileURLToPath(new URL("..", import.meta.url));
const npm = (cwd, ...args) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

test("the README's example runs from an empty project", async (t) => {
  const project = mkdtempSync(join(tmpdir(), "sourdine-project-"));
  const [{ filename, unpackedSize, entryCount }] = JSON.parse(npm(web, "pack", "--json", "--pack-destination", project));
  t.diagnostic(`${entryCount} files, ${unpackedSize} bytes unpacked`);
  writeFileSync(join(project, "package.json"), "{}");
  npm(project, "install", "--no-audit", "--no-fund", filename);
  const installed = join(project, "node_modules/sourdine");
  assert.deepEqual(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith(".")), ["sourdine"]);
  const gzip = {};
  for (const name of ["sourdine.wasm", "sourdine.safetensors.gz", "sourdine-lite.safetensors.gz", "worklet.js", "index.js"]) {
    const bytes = readFileSync(join(installed, "dist", name));
    gzip[name] = gzipSync(bytes, { level: 9 }).length;
    t.diagnostic(`${name}: ${bytes.length} bytes, ${gzip[name]} with gzip, ${brotliCompressSync(bytes).length} with brotli`);
  }
  assert.ok(gzip["sourdine.wasm"] + gzip["sourdine.safetensors.gz"] <= 900_000, JSON.stringify(gzip));
  assert.ok(gzip["sourdine.wasm"] + gzip["sourdine-lite.safetensors.gz"] <= 600_000, JSON.stringify(gzip));

  const [, example] = /```js\n(.*?)```/s.exec(readFileSync(join(installed, "README.md"), "utf8"));
  writeFileSync(join(project, "main.js"), `${example}\nglobalThis.node = node;\n`);
  const pages = join(project, "public");
  mkdirSync(join(pages, "sourdine"), { recursive: true });
  for (const name of readdirSync(join(installed, "dist"))) cpSync(join(installed, "dist", name), join(pages, "sourdine", name));
  writeFileSync(join(pages, "index.html"), `<!doctype html><script type="module" src="main.js"></script>`);
  await build({ entryPoints: [join(project, "main.js")], bundle: true, format: "esm", outfile: join(pages, "main.js") });

  const { browser, address, close } = await launch({ folder: pages });
  t.after(close);
  const page = await browser.newPage();
  const fetched = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).host));
  await page.goto(address);
  await page.waitForFunction(() => globalThis.node?.stats?.frames > 100);
  assert.deepEqual([...new Set(fetched)], [new URL(address).host], "something else was fetched");
});
