/** From logits to an answer, by the rules of `facecover.inference.prediction`. */
import { FACTS } from "./facts";
import type { Box } from "./pixels";

export type Reason = "near_boundary" | "too_small" | "too_dark" | "too_bright" | "blank";

export interface Answer {
  label: string;
  probability: number;
  /** By class, in the order of the model's class names. */
  probabilities: number[];
  /** Why it is uncertain; null where it is not. */
  reason: Reason | null;
}

/** A face that was answered; without a box it is the whole photo. */
export interface Face extends Answer {
  box: Box | null;
  score: number | null;
}

const { class_names: CLASS_NAMES, temperature, threshold, uncertain_band } = FACTS.classifier;

/** The label of a mask, as in `facecover.labels`. */
const MASK = 1;

/**
 * @param logits of one face, one for each class.
 * @param seen what the network saw: RGB, squeezed to its input.
 * @param width of the face or photo before that, in pixels.
 */
export function answer(logits: Float32Array, seen: Uint8Array, width: number, height: number): Answer {
  const probabilities = softmax(logits);
  const label =
    probabilities.length === 2
      ? Number(probabilities[MASK]! >= threshold)
      : probabilities.indexOf(Math.max(...probabilities));
  return {
    label: CLASS_NAMES[label]!,
    probability: probabilities[label]!,
    probabilities,
    reason: doubt(seen, probabilities[MASK]!, width, height),
  };
}

function softmax(logits: Float32Array): number[] {
  const scaled = Array.from(logits, (logit) => logit / temperature);
  const highest = Math.max(...scaled);
  const powers = scaled.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power);
  return powers.map((power) => power / sum);
}

function doubt(seen: Uint8Array, mask: number, width: number, height: number): Reason | null {
  if (Math.min(width, height) < FACTS.doubt.smallest_side_px) return "too_small";
  const poor = poorLight(seen);
  if (poor !== null) return poor;
  const [low, high] = uncertain_band ?? [2, 2];
  return low <= mask && mask <= high ? "near_boundary" : null;
}

/** As `facecover.images.poor_light`. */
function poorLight(data: Uint8Array): Reason | null {
  const { dark_level, bright_level, lit_share, blank_below, luma } = FACTS.doubt;
  const pixels = data.length / 3;
  let bright = 0;
  let dark = 0;
  let sum = 0;
  let squares = 0;
  for (let at = 0; at < data.length; at += 3) {
    const red = data[at]!;
    const green = data[at + 1]!;
    const blue = data[at + 2]!;
    bright += Number(Math.max(red, green, blue) > dark_level);
    dark += Number(Math.min(red, green, blue) < bright_level);
    const light = red * luma[0] + green * luma[1] + blue * luma[2];
    sum += light;
    squares += light * light;
  }
  if (bright / pixels <= lit_share) return "too_dark";
  if (dark / pixels <= lit_share) return "too_bright";
  const mean = sum / pixels;
  const deviation = Math.sqrt(Math.max(squares / pixels - mean * mean, 0));
  return deviation < 255 * blank_below ? "blank" : null;
}
