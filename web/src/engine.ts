/** The networks, on ONNX Runtime in WebAssembly; runs in a worker. */
import * as ort from "onnxruntime-web/wasm";
import { type Answer, answer, type Face } from "./answer";
import { FACTS } from "./facts";
import classifierUrl from "./generated/classifier.bin?url";
import runtimeUrl from "./generated/runtime.bin?url";
import runtimeScriptUrl from "./generated/runtime.js?url";
import { type Box, type Pixels, resized } from "./pixels";

/** The cache that the service worker answers from, too. */
export const CACHE = "facecover";

export class Engine {
  private constructor(private readonly classifier: ort.InferenceSession) {}

  /**
   * Fetch and start the networks.
   *
   * @param onProgress is told the share of the bytes that are there, 0..1.
   * @throws Error if a file cannot be fetched or the browser cannot run it.
   */
  static async load(onProgress: (share: number) => void): Promise<Engine> {
    const shares = [0, 0];
    const [runtime, classifier] = await Promise.all(
      [runtimeUrl, classifierUrl].map((url, index) =>
        kept(url, (share) => {
          shares[index] = share;
          onProgress((shares[0]! + shares[1]!) / 2);
        }),
      ),
    );
    // Threads need headers that most web hosts do not send, and gain little on so small a network.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = runtime!;
    ort.env.wasm.wasmPaths = { mjs: new URL(runtimeScriptUrl, import.meta.url).href };
    const options: ort.InferenceSession.SessionOptions = { executionProviders: ["wasm"], logSeverityLevel: 3 };
    const engine = new Engine(await ort.InferenceSession.create(classifier!, options));
    await engine.classify({ data: new Uint8ClampedArray(4), width: 1, height: 1 }); // the first run is slower
    return engine;
  }

  /** What is answered for each face in a picture. */
  async answer(image: Pixels): Promise<Face[]> {
    return [{ ...(await this.classify(image)), box: null, score: null }];
  }

  private async classify(image: Pixels, box?: Box): Promise<Answer> {
    const size = FACTS.classifier.input_size_px;
    const seen = resized(image, size, size, box);
    const images = new ort.Tensor("uint8", seen, [1, size, size, 3]);
    const { logits } = await this.classifier.run({ images });
    const [x0, y0, x1, y1] = box ?? [0, 0, image.width, image.height];
    return answer(logits!.data as Float32Array, seen, Math.round(x1 - x0), Math.round(y1 - y0));
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
