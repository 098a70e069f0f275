/** What the page and its worker say to each other. */
import type { Face } from "./answer";

/** A photo to answer, or a frame of a camera. */
export interface Question {
  id: number;
  picture: Blob | ImageBitmap;
  /** Whether the whole photo is to be taken for one face. */
  isOneFace: boolean;
  /** Whether a small copy is wanted to show. */
  wantsPreview: boolean;
}

export type Reply =
  | { kind: "loading"; share: number }
  | { kind: "ready" }
  | { kind: "failed"; message: string }
  | { kind: "broken"; id: number; message: string }
  | ({ kind: "answered"; id: number } & Answered);

export interface Answered {
  width: number;
  height: number;
  faces: Face[];
  preview: Blob | null;
}
