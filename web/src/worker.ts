/** Answers photos one after the other, away from the page, which so never stands still. */
import { Engine } from "./engine";
import type { Answered, Question, Reply } from "./messages";
import { decode, drawn, pixelsOf } from "./pixels";

const PREVIEW_PX = 960;

const say = (reply: Reply) => self.postMessage(reply);

const engine = Engine.load((share) => say({ kind: "loading", share }));
engine.then(
  () => say({ kind: "ready" }),
  (error: unknown) => say({ kind: "failed", message: String(error) }),
);

let last: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<Question>) => {
  last = last.then(() => reply(data));
};

async function reply(question: Question): Promise<void> {
  try {
    say({ kind: "answered", id: question.id, ...(await answered(question)) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    say({ kind: "broken", id: question.id, message });
  }
}

async function answered(question: Question): Promise<Answered> {
  const { picture } = question;
  const canvas = picture instanceof Blob ? await decode(picture) : drawn(picture);
  if (picture instanceof ImageBitmap) picture.close();
  const faces = await (await engine).answer(pixelsOf(canvas), question.isOneFace);
  const preview = question.wantsPreview ? await previewOf(canvas) : null;
  return { width: canvas.width, height: canvas.height, faces, preview };
}

async function previewOf(canvas: OffscreenCanvas): Promise<Blob> {
  const scale = Math.min(1, PREVIEW_PX / Math.max(canvas.width, canvas.height));
  const side = (px: number) => Math.max(Math.round(px * scale), 1);
  const small = new OffscreenCanvas(side(canvas.width), side(canvas.height));
  const context = small.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, small.width, small.height);
  return small.convertToBlob({ type: "image/jpeg", quality: 0.88 });
}
