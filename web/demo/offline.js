/** Keeps what the page needs, and gives it where there is no network. */

const KEPT = "sourdine";
const NEEDED = [
  "./", "demo.css", "demo.js", "spectrogram.js", "icon.svg", "../dist/index.js", "../dist/worklet.js", "../dist/sourdine.wasm",
  "../dist/sourdine.safetensors.gz", "../dist/sourdine-lite.safetensors.gz", "../build/sample.wav",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(NEEDED)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The network first, so that a new version is seen.
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  event.respondWith(fetch(event.request).catch(async () => (await caches.match(event.request)) ?? Response.error()));
});
