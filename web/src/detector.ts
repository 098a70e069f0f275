/** Where the faces of a photo are, found as `facecover.scenes.detector` finds them. */
import * as ort from "onnxruntime-web/wasm";
import { type Facts } from "./facts";
import { type Box, type Pixels, shrunk } from "./pixels";

export interface Place {
  box: Box;
  /** How sure it is that there is a face, 0..1. */
  score: number;
}

export class Detector {
  constructor(
    private readonly session: ort.InferenceSession,
    private readonly facts: NonNullable<Facts["detector"]>,
  ) {}

  /** Each face of a photo once, the likeliest first, in pixels of the photo. */
  async find(image: Pixels): Promise<Place[]> {
    const { longest_side_px, low_sides_px, least_side_in_low_px, min_side_px, overlap, voting } = this.facts;
    const first = Math.min(Math.max(image.width, image.height), longest_side_px);
    // Again in sizes in which a face that fills the photo is no larger than those it knows.
    const again = low_sides_px.filter((side) => side < first);
    const places = await this.look(image, first, 0);
    for (const side of again) places.push(...(await this.look(image, side, least_side_in_low_px)));
    return likeliest(places, overlap, voting)
      .map(({ box, score }) => ({ box: inside(box, image), score }))
      .filter(({ box: [x0, y0, x1, y1] }) => Math.min(x1 - x0, y1 - y0) >= min_side_px);
  }

  private async look(image: Pixels, longest: number, leastSide: number): Promise<Place[]> {
    const scale = longest / Math.max(image.width, image.height);
    const width = Math.max(1, Math.round(image.width * scale));
    const height = Math.max(1, Math.round(image.height * scale));
    const small = shrunk(image, width, height, this.facts.reducing_gap);
    const images = padded(small, width, height, this.facts.cell_px);
    const { boxes, scores } = await this.session.run({ images });
    const sides = boxes!.data as Float32Array;
    const across = image.width / width;
    const down = image.height / height;
    return Array.from(scores!.data as Float32Array, (score, index) => ({ score, at: 4 * index }))
      .filter(({ score }) => score >= this.facts.threshold)
      .filter(({ at }) => Math.min(sides[at + 2]! - sides[at]!, sides[at + 3]! - sides[at + 1]!) >= leastSide)
      .map(({ score, at }) => ({
        score,
        box: [sides[at]! * across, sides[at + 1]! * down, sides[at + 2]! * across, sides[at + 3]! * down],
      }));
  }
}

/** A picture with black at the right and below, so that its sides are multiples of the cells. */
function padded(rgb: Uint8Array, width: number, height: number, cell: number): ort.Tensor {
  const wide = Math.ceil(width / cell) * cell;
  const high = Math.ceil(height / cell) * cell;
  const data = new Uint8Array(wide * high * 3);
  for (let y = 0; y < height; y++) data.set(rgb.subarray(y * width * 3, (y + 1) * width * 3), y * wide * 3);
  return new ort.Tensor("uint8", data, [1, high, wide, 3]);
}

/** One place of each face: greedy non-maximum suppression, in which its places vote for the box. */
function likeliest(places: Place[], overlap: number, voting: number): Place[] {
  const kept: Place[] = [];
  let rest = places.toSorted((one, other) => other.score - one.score);
  while (rest.length) {
    const best = rest[0]!;
    const shares = rest.map((place) => shared(best.box, place.box));
    const votes = rest.map(({ score }, index) => (shares[index]! >= voting ? score * shares[index]! : 0));
    const all = votes.reduce((sum, vote) => sum + vote, 0);
    const edge = (at: number) => rest.reduce((sum, { box }, index) => sum + votes[index]! * box[at]!, 0) / all;
    kept.push({ score: best.score, box: [edge(0), edge(1), edge(2), edge(3)] });
    rest = rest.filter((_, index) => index > 0 && shares[index]! <= overlap);
  }
  return kept;
}

/** Intersection over union. */
function shared(one: Box, other: Box): number {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const both = Math.max(width, 0) * Math.max(height, 0);
  return both / (area(one) + area(other) - both);
}

const area = ([x0, y0, x1, y1]: Box) => (x1 - x0) * (y1 - y0);

function inside([x0, y0, x1, y1]: Box, { width, height }: Pixels): Box {
  const within = (value: number, limit: number) => Math.min(Math.max(value, 0), limit);
  return [within(x0, width), within(y0, height), within(x1, width), within(y1, height)];
}
