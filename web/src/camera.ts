/** The camera: what it sees is answered as it comes, and a picture can be taken. */
import { boxes } from "./cards";
import { byId, element } from "./dom";
import type { Answered } from "./messages";
import { LABELS, percent, TEXT } from "./strings";

/** Between two answers of what the camera sees; leaves the processor free half of the time. */
const PAUSE_MS = 120;

type Ask = (frame: ImageBitmap) => Promise<Answered>;

export class Camera {
  private stream: MediaStream | null = null;
  private readonly video = byId<HTMLVideoElement>("video");
  private readonly panel = byId("camera");

  /** @param ask answers a frame. */
  constructor(private readonly ask: Ask) {}

  get isOpen(): boolean {
    return this.stream !== null;
  }

  /**
   * Show what the camera sees.
   *
   * @throws Error with a sentence for people, if there is none or it may not be used.
   */
  async open(): Promise<void> {
    if (this.isOpen) return;
    if (!navigator.mediaDevices) throw new Error(TEXT.camera.insecure);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    } catch (error) {
      throw new Error(reasonOf(error));
    }
    this.panel.hidden = false;
    this.video.classList.toggle("is-mirrored", this.isMirrored);
    this.video.srcObject = this.stream;
    await this.video.play();
    void this.watch();
  }

  /** A picture of now, without loss. */
  async picture(): Promise<Blob> {
    const canvas = new OffscreenCanvas(this.video.videoWidth, this.video.videoHeight);
    canvas.getContext("2d")!.drawImage(this.video, 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  }

  close(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.panel.hidden = true;
  }

  /** Whether it looks at the person before the screen, who expects a mirror. */
  private get isMirrored(): boolean {
    return this.stream?.getVideoTracks()[0]?.getSettings().facingMode !== "environment";
  }

  private async watch(): Promise<void> {
    while (this.isOpen) {
      if (!document.hidden && this.video.videoWidth > 0) {
        try {
          this.show(await this.ask(await createImageBitmap(this.video)));
        } catch {
          // The next frame may be better; what is wrong with the network is said elsewhere.
        }
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  private show(answered: Answered): void {
    byId("live").replaceChildren(...boxes(answered, this.isMirrored));
    const said = answered.faces.map((face) => {
      const doubt = face.reason === null ? "" : ` (${TEXT.uncertain.toLowerCase()}: ${TEXT.reasons[face.reason]})`;
      const text = `${LABELS[face.label] ?? face.label} ${percent(face.probability)}${doubt}`;
      return element("span", { className: `pill ${face.label.replaceAll("_", "-")}` }, text);
    });
    byId("live-answer").replaceChildren(...(said.length > 0 ? said : [TEXT.noFace]));
  }
}

function reasonOf(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return TEXT.camera.refused;
  if (name === "NotFoundError" || name === "OverconstrainedError") return TEXT.camera.missing;
  return TEXT.camera.busy;
}
