/** What Python knows of the model and its rules; written by `generate.py`. */
import written from "./generated/facts.json";

export interface Facts {
  version: string;
  max_pixels: number;
  classifier: {
    file_sha256: string;
    class_names: string[];
    input_size_px: number;
    temperature: number;
    threshold: number;
    uncertain_band: [number, number] | null;
  };
  /** Null where the package has no detector: each photo is one face then. */
  detector: {
    file_sha256: string;
    threshold: number;
    longest_side_px: number;
    low_sides_px: number[];
    least_side_in_low_px: number;
    min_side_px: number;
    reducing_gap: number;
    overlap: number;
    voting: number;
    cell_px: number;
  } | null;
  doubt: {
    smallest_side_px: number;
    dark_level: number;
    bright_level: number;
    lit_share: number;
    blank_below: number;
    luma: [number, number, number];
  };
  measured: {
    accuracy: number;
    ci95: [number, number];
    n: number;
    sources: number;
    of_twin: boolean;
    left_out: [number, number] | null;
  } | null;
}

export const FACTS = written as unknown as Facts;
