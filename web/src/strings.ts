/** Every English word of the page, but for those in `index.html`, which stand there to be read at once. */
import type { Reason } from "./answer";
import { FACTS } from "./facts";

const number = (value: number) => value.toLocaleString("en");
const plural = (count: number, one: string, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** Never 0% nor 100%, which no model can know. */
export const percent = (share: number) => `${Math.min(Math.max(100 * share, 0.1), 99.9).toFixed(1)}%`;

const rounded = (share: number) => `${(100 * share).toFixed(1)}`;

export const LABELS: Record<string, string> = {
  no_mask: "Bare",
  mask: "Covered",
  incorrect_mask: "Worn wrongly",
};

export const TEXT = {
  loading: (share: number) => `Loading the network, once: ${Math.round(100 * share)}%`,
  starting: "Starting the network…",
  ready: "Ready. It works without a network connection, too.",
  failed: (why: string) =>
    `This browser cannot run the network, so nothing can be answered here. Try a current Firefox, Chrome, Edge or Safari. (${why})`,
  waiting: "Waiting for its turn…",
  answering: (photos: number) => `Answering ${plural(photos, "photo")}…`,
  done: (photos: number, faces: number) => `${plural(photos, "photo")}, ${plural(faces, "face")}.`,
  noFace: "No face",
  noFaceFound: "No face was found.",
  asOneFace: "Answer it as one face",
  uncertain: "Uncertain",
  all: "All",
  broken: "Not answered",
  photoAlt: (name: string) => `Photo ${name}`,
  exampleAlt: (name: string) => `Answer ${name.replace(/\..*$/, "").replace("-", " face ")}`,
  about: () => `facecover ${FACTS.version}. Model ${FACTS.classifier.file_sha256.slice(0, 12)}, in your browser with ONNX Runtime.`,
  size: (width: number, height: number) => `${number(width)} × ${number(height)} px`,
  camera: {
    shot: (count: number) => `camera-${count}.png`,
    refused: "The camera was refused. Allow it in the browser's settings for this page, then try again.",
    missing: "No camera was found.",
    busy: "The camera cannot be opened; another program may be using it.",
    insecure: "The camera needs an address that begins with https://, or this machine's own.",
  },
  pasted: (count: number) => `pasted-${count}`,
  notPhotos: (count: number) => `${plural(count, "file")} that ${count === 1 ? "is no photo was" : "are no photos were"} left out.`,
  nothingPasted: "There is no picture in what was pasted.",
  errors: {
    empty: "The file is empty.",
    unreadable:
      "The browser cannot read this picture. Most read JPEG, PNG, WebP, GIF, BMP and AVIF; save HEIC and TIFF as JPEG first.",
    tooLarge: (width: number, height: number) =>
      `The picture has ${number(width)} × ${number(height)} pixels; at most ${number(FACTS.max_pixels)} can be answered.`,
  },
  reasons: {
    near_boundary: "it could be either: look at it yourself",
    too_small: `fewer than ${FACTS.doubt.smallest_side_px} pixels on a side`,
    too_dark: "too dark to show a face",
    too_bright: "too bright to show a face",
    blank: "nearly one colour, without the contrast of a face",
  } satisfies Record<Reason, string>,
  /** From the model's card. */
  measured(): string {
    const { measured } = FACTS;
    if (measured === null) return "How often this model is right has not been measured.";
    const [low, high] = measured.ci95;
    const twin = measured.of_twin ? " by a twin that had not learned from them" : "";
    const others =
      measured.left_out === null
        ? ""
        : ` On collections that were left out of training altogether: ${rounded(measured.left_out[0])} to ${rounded(measured.left_out[1])}%.`;
    return (
      `${rounded(measured.accuracy)}% of ${number(measured.n)} photos of single faces, from ${measured.sources} public collections, ` +
      `were answered right${twin} (95% interval ${rounded(low)} to ${rounded(high)}%).${others}`
    );
  },
};
