/** Keeps the page's own files, so that it works without a network after the first visit. */
/// <reference lib="webworker" />
export {};

declare const self: ServiceWorkerGlobalScope;

const CACHE = "facecover"; // the page's worker puts what is large there before this starts
const FILES = "__FILES__" as unknown as string[];
const VERSION = "__VERSION__";

const address = (name: string) => new URL(name, self.registration.scope).href;

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll().then(() => self.skipWaiting()));
});

/** Names with a hash never change; the others are fetched for each version. */
async function keepAll(): Promise<void> {
  const cache = await caches.open(CACHE);
  const missing = FILES.filter((name) => !name.startsWith("assets/"));
  for (const name of FILES) {
    if (name.startsWith("assets/") && !(await cache.match(address(name)))) missing.push(name);
  }
  await cache.addAll(missing.map((name) => new Request(address(name), { cache: "no-cache" })));
}

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOld().then(() => self.clients.claim()));
});

async function dropOld(): Promise<void> {
  const wanted = new Set(FILES.map(address));
  const cache = await caches.open(CACHE);
  const old = (await cache.keys()).filter((request) => !wanted.has(request.url));
  await Promise.all(old.map((request) => cache.delete(request)));
  console.debug(`facecover page ${VERSION}`);
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (!url.href.startsWith(self.registration.scope)) return;
  const isPage = url.href === self.registration.scope;
  const wanted = isPage ? address("index.html") : url.origin + url.pathname;
  if (!FILES.some((name) => address(name) === wanted)) return; // such as another answer of `serve`
  event.respondWith(
    caches.open(CACHE).then(async (cache) => (await cache.match(wanted)) ?? fetch(event.request)),
  );
});
