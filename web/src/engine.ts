/** The networks, on ONNX Runtime in WebAssembly; runs in a worker. */
import * as ort from "onnxruntime-web/wasm";
import { type Answer, answer, type Face } from "./answer";
import { Detector } from "./detector";
import { FACTS } from "./facts";
import classifierUrl from "./generated/classifier.bin?url";
import runtimeUrl from "./generated/runtime.bin?url";
import runtimeScriptUrl from "./generated/runtime.js?url";
import { type Box, cropped, type Pixels, resized } from "./pixels";

/** One or none: the package may hold no detector. */
const detectorUrls = import.meta.glob<string>("./generated/detector.bin", {
  query: "?url",
  import: "default",
  eager: true,
});

/** The cache that the service worker answers from, too. */
export const CACHE = "facecover";

export class Engine {
  private constructor(
    private readonly classifier: ort.InferenceSession,
    private readonly detector: Detector | null,
  ) {}

  /**
   * Fetch and start the networks.
   *
   * @param onProgress is told the share of the bytes that are there, 0..1.
   * @throws Error if a file cannot be fetched or the browser cannot run it.
   */
  static async load(onProgress: (share: number) => void): Promise<Engine> {
    const urls = [runtimeUrl, classifierUrl, ...Object.values(detectorUrls)];
    const shares = urls.map(() => 0);
    const [runtime, classifier, detector] = await Promise.all(
      urls.map((url, index) =>
        kept(url, (share) => {
          shares[index] = share;
          onProgress(shares.reduce((sum, one) => sum + one) / urls.length);
        }),
      ),
    );
    // Threads need headers that most web hosts do not send, and gain little on so small a network.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = runtime!;
    ort.env.wasm.wasmPaths = { mjs: new URL(runtimeScriptUrl, import.meta.url).href };
    const options: ort.InferenceSession.SessionOptions = { executionProviders: ["wasm"], logSeverityLevel: 3 };
    const start = (network: ArrayBuffer) => ort.InferenceSession.create(network, options);
    const found = detector && FACTS.detector ? new Detector(await start(detector), FACTS.detector) : null;
    const engine = new Engine(await start(classifier!), found);
    const dot = { data: new Uint8ClampedArray(4), width: 1, height: 1 };
    await engine.classify(dot, dot); // the first run is slower
    await found?.find(dot);
    return engine;
  }

  /**
   * What is answered for each face in a picture, the likeliest face first.
   *
   * @param isOneFace takes the whole picture for one face.
   */
  async answer(image: Pixels, isOneFace: boolean): Promise<Face[]> {
    if (this.detector === null || isOneFace) {
      return [{ ...(await this.classify(image, image)), box: null, score: null }];
    }
    const faces: Face[] = [];
    for (const { box, score } of await this.detector.find(image)) {
      const [x0, y0, x1, y1] = box;
      const size = { width: Math.round(x1 - x0), height: Math.round(y1 - y0) };
      const face = cropped(image, box.map(Math.round) as Box);
      faces.push({ ...(await this.classify(face, size)), box, score });
    }
    return faces;
  }

  private async classify(face: Pixels, original: { width: number; height: number }): Promise<Answer> {
    const size = FACTS.classifier.input_size_px;
    const seen = resized(face, size, size);
    const images = new ort.Tensor("uint8", seen, [1, size, size, 3]);
    const { logits } = await this.classifier.run({ images });
    return answer(logits!.data as Float32Array, seen, original.width, original.height);
  }
}

/** A file's bytes, unpacked; from the cache if they are there, and else put there. */
async function kept(url: string, onProgress: (share: number) => void): Promise<ArrayBuffer> {
  // Absent where the page does not come over HTTPS or from this machine.
  const cache = "caches" in self ? await caches.open(CACHE) : null;
  let response = await cache?.match(url);
  if (response === undefined) {
    response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
    await cache?.put(url, response.clone()).catch(() => undefined); // a full disk
  }
  const bytes = await counted(response, onProgress);
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isPacked) return bytes.buffer; // the web server unpacked it
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
}

async function counted(
  response: Response,
  onProgress: (share: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const total = Number(response.headers.get("Content-Length")) || Infinity;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (const reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    onProgress(Math.min(length / total, 1));
  }
  onProgress(1);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
