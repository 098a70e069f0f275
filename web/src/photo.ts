/** Photos and what became of them; the table of all. */
import type { Face } from "./answer";
import { FACTS } from "./facts";
import type { Answered } from "./messages";
import { TEXT } from "./strings";

export interface Photo {
  name: string;
  file: Blob;
  isOneFace: boolean;
  outcome: Answered | { error: string } | null;
}

export function facesOf(photo: Photo): Face[] {
  return photo.outcome !== null && "faces" in photo.outcome ? photo.outcome.faces : [];
}

const { class_names: CLASS_NAMES } = FACTS.classifier;

/** As `facecover detect --csv` has them. */
const COLUMNS = [
  "path", "width", "height", "face", "x0", "y0", "x1", "y1", "score", "label", "probability",
  ...CLASS_NAMES.map((name) => `p_${name}`),
  "is_uncertain", "reason", "explanation", "error",
]; // prettier-ignore

/** Digits of probabilities, as in the tables of the command line. */
const DIGITS = 6;

/** A row for each face, and one for each photo without any, as comma-separated values. */
export function csv(photos: Photo[]): string {
  const rows = photos.flatMap(rowsOf);
  return [COLUMNS, ...rows].map((row) => row.map(quoted).join(",") + "\r\n").join("");
}

type Row = (string | number)[];

function rowsOf(photo: Photo): Row[] {
  const { name, outcome } = photo;
  if (outcome === null) return [];
  if ("error" in outcome) return [[name, ...blank(COLUMNS.length - 2), outcome.error]];
  const start = [name, outcome.width, outcome.height];
  if (outcome.faces.length === 0) return [[...start, ...blank(COLUMNS.length - 3)]];
  return outcome.faces.map((face, index) => [
    ...start,
    index + 1,
    ...(face.box ?? blank(4)).map((side) => (typeof side === "number" ? side.toFixed(1) : side)),
    face.score?.toFixed(DIGITS) ?? "",
    face.label,
    face.probability.toFixed(DIGITS),
    ...face.probabilities.map((share) => share.toFixed(DIGITS)),
    String(face.reason !== null),
    face.reason ?? "",
    face.reason === null ? "" : TEXT.reasons[face.reason],
    "",
  ]);
}

const blank = (count: number): string[] => Array<string>(count).fill("");

function quoted(cell: string | number): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
