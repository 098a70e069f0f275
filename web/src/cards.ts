/** Cards of answered photos: the picture, its boxes, the answer for each face. */
import type { Face } from "./answer";
import { element } from "./dom";
import { FACTS } from "./facts";
import type { Answered } from "./messages";
import { facesOf, type Photo } from "./photo";
import { LABELS, percent, TEXT } from "./strings";

/** The CSS class that colours a face by its answer. */
const kind = (face: Face) => face.label.replaceAll("_", "-");

/** Boxes over a picture, numbered where there are several; each has its share of the picture. */
export function boxes(answered: Answered, isMirrored = false): HTMLElement[] {
  const { width, height, faces } = answered;
  return faces.flatMap((face, index) => {
    if (face.box === null) return [];
    const [x0, y0, x1, y1] = face.box;
    const mark = element("span", { className: `box ${kind(face)}` });
    mark.classList.toggle("is-uncertain", face.reason !== null);
    mark.style.left = `${(100 * (isMirrored ? width - x1 : x0)) / width}%`;
    mark.style.top = `${(100 * y0) / height}%`;
    mark.style.width = `${(100 * (x1 - x0)) / width}%`;
    mark.style.height = `${(100 * (y1 - y0)) / height}%`;
    if (faces.length > 1) mark.append(element("b", {}, String(index + 1)));
    return [mark];
  });
}

/** A face's answer in words, with its probabilities as a bar. */
function faceRow(face: Face, position: number, count: number): HTMLLIElement {
  const row = element("li", { className: `face ${kind(face)}` });
  const title = element("p", { className: "face-title" });
  if (count > 1) {
    const number = element("span", { className: "face-number" }, String(position));
    title.append(number);
  }
  const label = element("span", { className: "label" }, LABELS[face.label] ?? face.label);
  title.append(label, " ", element("span", { className: "percent" }, percent(face.probability)));
  row.append(title, bar(face), element("p", { className: "muted" }, shares(face)));
  if (face.reason !== null) {
    row.classList.add("is-uncertain");
    const why = `: ${TEXT.reasons[face.reason]}`;
    row.append(element("p", { className: "reason" }, element("strong", {}, TEXT.uncertain), why));
  }
  return row;
}

/** Each class with its probability. */
function shares(face: Face): string {
  const { class_names } = FACTS.classifier;
  return face.probabilities.map((share, index) => `${LABELS[class_names[index]!]} ${percent(share)}`).join(" · ");
}

function bar(face: Face): HTMLElement {
  const whole = element("div", { className: "meter", ariaHidden: "true" });
  face.probabilities.forEach((share, index) => {
    const part = element("span", { className: FACTS.classifier.class_names[index]!.replaceAll("_", "-") });
    part.style.flexGrow = String(share);
    whole.append(part);
  });
  return whole;
}

/** A card; it is filled once the photo is answered. */
export class Card {
  readonly element: HTMLLIElement;
  private previewUrl = "";

  /** @param onOneFace is called when the whole photo shall be taken for one face. */
  constructor(
    private readonly photo: Photo,
    private readonly onOneFace: () => void,
  ) {
    this.element = element("li", { className: "card" });
    this.show();
  }

  /** Show what became of the photo. */
  show(): void {
    const { photo } = this;
    const { outcome } = photo;
    const name = element("h3", { title: photo.name }, photo.name);
    if (outcome === null) {
      const waiting = element("p", { className: "muted" }, TEXT.waiting);
      this.element.replaceChildren(element("div", { className: "frame is-waiting" }), body(name, waiting));
    } else if ("error" in outcome) {
      const title = element("p", { className: "reason" }, element("strong", {}, TEXT.broken), `: ${outcome.error}`);
      const picture = element("div", { className: "frame is-broken", ariaHidden: "true" });
      this.element.replaceChildren(picture, body(name, title));
      this.element.classList.add("is-broken");
    } else {
      const size = element("p", { className: "muted" }, TEXT.size(outcome.width, outcome.height));
      this.element.replaceChildren(this.picture(outcome), body(name, size, ...this.answers()));
      this.element.classList.toggle("is-wide", outcome.faces.length > 3);
    }
  }

  private answers(): HTMLElement[] {
    const faces = facesOf(this.photo);
    if (faces.length > 0) {
      const rows = faces.map((face, index) => faceRow(face, index + 1, faces.length));
      return [element("ol", { className: "faces" }, ...rows)];
    }
    const again = element("button", { type: "button", onclick: this.onOneFace }, TEXT.asOneFace);
    return [element("p", { className: "reason" }, TEXT.noFaceFound), again];
  }

  private picture(outcome: Answered): HTMLElement {
    this.forget();
    if (outcome.preview !== null) this.previewUrl = URL.createObjectURL(outcome.preview);
    const image = element("img", {
      src: this.previewUrl,
      alt: TEXT.photoAlt(this.photo.name),
      width: outcome.width,
      height: outcome.height,
      decoding: "async",
    });
    const marks = element("div", { className: "overlay", ariaHidden: "true" }, ...boxes(outcome));
    const picture = element("div", { className: "picture" }, image, marks);
    picture.style.aspectRatio = `${outcome.width} / ${outcome.height}`;
    picture.style.setProperty("--ratio", String(outcome.width / outcome.height));
    return element("div", { className: "frame" }, picture);
  }

  /** Give the picture's memory back. */
  forget(): void {
    if (this.previewUrl) URL.revokeObjectURL(this.previewUrl);
    this.previewUrl = "";
  }
}

function body(...children: HTMLElement[]): HTMLElement {
  return element("div", { className: "card-body" }, ...children);
}
