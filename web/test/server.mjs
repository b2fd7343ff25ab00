/** Serves this folder with a content security policy: `script-src 'self' 'wasm-unsafe-eval'`, or what `?script=` adds to 'self'. */

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

/** The server's address; `folder` is what it serves. */
export async function serve(folder = root, port = 0) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const extra = url.searchParams.get("script") ?? "'wasm-unsafe-eval'";
    try {
      const path = url.pathname.endsWith("/") ? `${url.pathname}index.html` : url.pathname;
      const body = await readFile(join(folder, normalize(path)));
      response.writeHead(200, {
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "content-security-policy": `default-src 'self'; script-src 'self' ${extra}`,
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(`${(await serve(process.argv[2], 8080)).address}/demo/ until Ctrl-C`);
  } catch (error) {
    console.error(`server.mjs: ${error.code === "EADDRINUSE" ? "port 8080 is in use; end the other program first" : error.message}`);
    process.exitCode = 1;
  }
}
