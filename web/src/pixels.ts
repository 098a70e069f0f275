/** From a file to RGB pixels, and Pillow's way to resize them, bit for bit. */
import { FACTS } from "./facts";
import { TEXT } from "./strings";

/** Red, green, blue and a fourth that is not looked at, 8 bits each; rows from the top. */
export interface Pixels {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** x0, y0, x1, y1, in pixels. */
export type Box = [number, number, number, number];

/**
 * The upright picture in a file, on white where it is transparent, with its colours as stored.
 *
 * @throws Error with a sentence for people, if the browser cannot read it.
 */
export async function decode(file: Blob): Promise<OffscreenCanvas> {
  if (file.size === 0) throw new Error(TEXT.errors.empty);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, {
      imageOrientation: "from-image",
      colorSpaceConversion: "none",
    });
  } catch {
    throw new Error(TEXT.errors.unreadable);
  }
  try {
    return drawn(bitmap);
  } finally {
    bitmap.close();
  }
}

/**
 * A picture as a canvas of its size.
 *
 * @throws Error with a sentence for people, if it has too many pixels.
 */
export function drawn(bitmap: ImageBitmap): OffscreenCanvas {
  const { width, height } = bitmap;
  if (width * height > FACTS.max_pixels) throw new Error(TEXT.errors.tooLarge(width, height));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (context === null) throw new Error(TEXT.errors.tooLarge(width, height));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  return canvas;
}

/** A canvas's pixels. */
export function pixelsOf(canvas: OffscreenCanvas): Pixels {
  const { width, height } = canvas;
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (context === null) throw new Error(TEXT.errors.tooLarge(width, height));
  return { data: context.getImageData(0, 0, width, height).data, width, height };
}

/** The part of a picture in a box of whole numbers, at least a pixel wide and high. */
export function cropped(image: Pixels, [x0, y0, x1, y1]: Box): Pixels {
  const left = Math.min(x0, image.width - 1);
  const top = Math.min(y0, image.height - 1);
  const width = Math.max(x1 - left, 1);
  const height = Math.max(y1 - top, 1);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * 4;
    data.set(image.data.subarray(from, from + width * 4), y * width * 4);
  }
  return { data, width, height };
}

/** A picture whose pixels are the means of rectangles of another's, as `PIL.Image.reduce`. */
function reduced(image: Pixels, across: number, down: number): Pixels {
  const width = Math.ceil(image.width / across);
  const height = Math.ceil(image.height / down);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, to = 0; y < height; y++) {
    const rows = Math.min(down, image.height - y * down);
    for (let x = 0; x < width; x++, to += 4) {
      const columns = Math.min(across, image.width - x * across);
      const start = (y * down * image.width + x * across) * 4;
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let row = 0, from = start + channel; row < rows; row++, from += image.width * 4) {
          for (let column = 0; column < columns; column++) sum += image.data[from + column * 4]!;
        }
        data[to + channel] = Math.floor(sum / (rows * columns) + 0.5);
      }
    }
  }
  return { data, width, height };
}

/** A whole picture as `PIL.Image.resize(size, BILINEAR, reducing_gap=gap)` gives it; see `resized`. */
export function shrunk(image: Pixels, width: number, height: number, gap: number): Uint8Array {
  const across = Math.max(Math.trunc(image.width / width / gap), 1);
  const down = Math.max(Math.trunc(image.height / height / gap), 1);
  if (across === 1 && down === 1) return resized(image, width, height);
  const box: Box = [0, 0, image.width / across, image.height / down];
  return resized(reduced(image, across, down), width, height, box);
}

/** Digits after the point of Pillow's weights: PRECISION_BITS of its Resample.c. */
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** Of each pixel of a resized row: the first pixel that goes into it, how many, their weights. */
interface Taps {
  first: Int32Array;
  count: Int32Array;
  weights: Int32Array;
  most: number;
}

/**
 * Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` with its bilinear filter, a triangle
 * that is widened where the picture shrinks.
 *
 * @param length of the row.
 * @param start of the part to resize, in pixels and parts of them; `end` likewise.
 * @param size of the resized row.
 */
function taps(length: number, start: number, end: number, size: number): Taps {
  const scale = (end - start) / size;
  const support = Math.max(scale, 1);
  const most = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(size);
  const count = new Int32Array(size);
  const weights = new Int32Array(size * most);
  const row = new Float64Array(most);
  for (let target = 0; target < size; target++) {
    const centre = start + (target + 0.5) * scale;
    const low = Math.max(Math.trunc(centre - support + 0.5), 0);
    const high = Math.min(Math.trunc(centre + support + 0.5), length);
    let sum = 0;
    for (let tap = 0; tap < high - low; tap++) {
      const distance = Math.abs((tap + low - centre + 0.5) * (1 / support));
      row[tap] = distance < 1 ? 1 - distance : 0;
      sum += row[tap]!;
    }
    first[target] = low;
    count[target] = high - low;
    for (let tap = 0; tap < high - low; tap++) {
      weights[target * most + tap] = Math.trunc(0.5 + (row[tap]! / sum) * (1 << PRECISION_BITS));
    }
  }
  return { first, count, weights, most };
}

/** Pixels in memory: bytes from one to the next, and from one row to the next. */
interface Plane {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  pixelBytes: number;
  rowBytes: number;
}

/**
 * The part of a picture in a box as `PIL.Image.resize(size, BILINEAR, box)` gives it: along one
 * axis, rounded to 8 bits, then along the other.
 *
 * @returns RGB, rows from the top.
 */
export function resized(image: Pixels, width: number, height: number, box?: Box): Uint8Array {
  // Pillow keeps a box in single precision.
  const [x0, y0, x1, y1] = (box ?? [0, 0, image.width, image.height]).map(Math.fround) as Box;
  const across = taps(image.width, x0, x1, width);
  const down = taps(image.height, y0, y1, height);
  const part = partOf(image, across, down);
  // Rows first, unless there are many more of them to lose: so does Pillow 13, found by trying.
  const lost = image.height - height;
  const isTall = lost > 0 && lost > 2 * (image.width - width);
  const first = isTall ? alongColumns(part, down) : alongRows(part, across);
  const second = isTall ? alongRows(first, across) : alongColumns(first, down);
  return second.data as Uint8Array;
}

/** What the taps reach of a picture; they are moved to begin there. */
function partOf(image: Pixels, across: Taps, down: Taps): Plane {
  const [left, width] = begun(across);
  const [top, height] = begun(down);
  const data = image.data.subarray((top * image.width + left) * 4);
  return { data, width, height, pixelBytes: 4, rowBytes: image.width * 4 };
}

function begun({ first, count }: Taps): [start: number, length: number] {
  const start = first[0]!;
  const length = first.at(-1)! + count.at(-1)! - start;
  first.forEach((one, index) => (first[index] = one - start));
  return [start, length];
}

const plane = (width: number, height: number): Plane => ({
  data: new Uint8Array(width * height * 3),
  width,
  height,
  pixelBytes: 3,
  rowBytes: width * 3,
});

function alongRows(from: Plane, across: Taps): Plane {
  const to = plane(across.first.length, from.height);
  for (let y = 0, at = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++, at += 3) {
      mix(from.data, y * from.rowBytes, from.pixelBytes, across, x, to.data, at);
    }
  }
  return to;
}

function alongColumns(from: Plane, down: Taps): Plane {
  const to = plane(from.width, down.first.length);
  for (let y = 0, at = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++, at += 3) {
      mix(from.data, x * from.pixelBytes, from.rowBytes, down, y, to.data, at);
    }
  }
  return to;
}

/** One pixel: the weighted sum of its taps, which lie `stride` bytes apart, rounded. */
function mix(
  data: Plane["data"],
  origin: number,
  stride: number,
  { first, count, weights, most }: Taps,
  target: number,
  out: Plane["data"],
  to: number,
): void {
  let red = HALF;
  let green = HALF;
  let blue = HALF;
  let at = origin + first[target]! * stride;
  const end = target * most + count[target]!;
  for (let tap = target * most; tap < end; tap++, at += stride) {
    const weight = weights[tap]!;
    red += data[at]! * weight;
    green += data[at + 1]! * weight;
    blue += data[at + 2]! * weight;
  }
  out[to] = Math.min(red >> PRECISION_BITS, 255);
  out[to + 1] = Math.min(green >> PRECISION_BITS, 255);
  out[to + 2] = Math.min(blue >> PRECISION_BITS, 255);
}
