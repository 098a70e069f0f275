/** Builds the page into the Python package, and tells the service worker which files there are. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { defineConfig, type Plugin } from "vite";

const OUTPUT = "../src/facecover/serving/page";

/** Every file below a folder, as paths from it. */
function filesIn(folder: string, top = folder): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? filesIn(path, top) : [relative(top, path)];
    });
}

/** Puts the built files' names, and a hash of them all, into `sw.js`. */
function listFiles(): Plugin {
  return {
    name: "list-files",
    apply: "build",
    closeBundle() {
      const names = filesIn(OUTPUT).filter((name) => name !== "sw.js");
      const hash = createHash("sha256");
      for (const name of names) hash.update(name).update(readFileSync(join(OUTPUT, name)));
      const worker = join(OUTPUT, "sw.js");
      const text = readFileSync(worker, "utf-8")
        .replace(/["'`]__FILES__["'`]/, JSON.stringify(names))
        .replace("__VERSION__", hash.digest("hex").slice(0, 16));
      writeFileSync(worker, text);
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [listFiles()],
  worker: { format: "es" },
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: "index.html", sw: "src/sw.ts" },
      output: { entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
});
