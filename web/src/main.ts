/** The page: takes photos, has them answered by the worker, and shows the answers. */
import { Camera } from "./camera";
import { Card } from "./cards";
import { byId, download, element } from "./dom";
import { FACTS } from "./facts";
import type { Answered, Question, Reply } from "./messages";
import { csv, facesOf, type Photo } from "./photo";
import { LABELS, TEXT } from "./strings";

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
const waiting = new Map<number, { resolve: (answered: Answered) => void; reject: (error: Error) => void }>();
let questions = 0;

function ask(question: Omit<Question, "id">): Promise<Answered> {
  const id = questions++;
  const transfer = question.picture instanceof ImageBitmap ? [question.picture] : [];
  worker.postMessage({ ...question, id }, transfer);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const status = byId("status");
const progress = byId<HTMLProgressElement>("progress");
/** What stands in the status line while there is no photo. */
let idle = "";
/** What is said besides, until something else is done. */
let note = "";

let isLoading = true;

function loading(share: number): void {
  progress.hidden = false;
  progress.value = share;
  status.textContent = share < 1 ? TEXT.loading(share) : TEXT.starting;
}

function loaded(message: string): void {
  isLoading = false;
  idle = message;
  showState();
}

worker.onmessage = ({ data }: MessageEvent<Reply>) => {
  if (data.kind === "loading") loading(data.share);
  else if (data.kind === "ready") {
    loaded(TEXT.ready);
    void keepFiles();
  } else if (data.kind === "failed") loaded(TEXT.failed(data.message));
  else {
    const { resolve, reject } = waiting.get(data.id)!;
    waiting.delete(data.id);
    if (data.kind === "answered") resolve(data);
    else reject(new Error(data.message));
  }
};
worker.onerror = (event) => loaded(TEXT.failed(event.message));

/** After the networks: what the worker has fetched is not fetched again. */
async function keepFiles(): Promise<void> {
  if ("serviceWorker" in navigator && import.meta.env.PROD) {
    await navigator.serviceWorker.register("./sw.js").catch(() => undefined);
  }
}

// Photos and their cards

const oneFace = byId<HTMLInputElement>("one-face");
byId("one-face-label").hidden = FACTS.detector === null;
oneFace.onchange = () => {
  for (const photo of photos) {
    photo.isOneFace = oneFace.checked;
    void answerPhoto(photo);
  }
};

const photos: Photo[] = [];
const cards = new Map<Photo, Card>();
let shown: string | null = null;

/** Answer some photos; their cards come before those of earlier ones, in their order. */
function add(...given: Pick<Photo, "name" | "file">[]): void {
  addAs(oneFace.checked, given);
}

function addAs(isOneFace: boolean, given: Pick<Photo, "name" | "file">[]): void {
  note = "";
  const made = given.map(({ name, file }) => {
    const photo: Photo = { name, file, isOneFace, outcome: null };
    const card = new Card(photo, () => {
      photo.isOneFace = true;
      void answerPhoto(photo);
    });
    photos.push(photo);
    cards.set(photo, card);
    void answerPhoto(photo);
    return card.element;
  });
  byId("cards").prepend(...made);
  document.body.classList.add("has-photos");
}

async function answerPhoto(photo: Photo): Promise<void> {
  photo.outcome = null;
  cards.get(photo)?.show();
  showState();
  try {
    photo.outcome = await ask({ picture: photo.file, isOneFace: photo.isOneFace, wantsPreview: true });
  } catch (error) {
    photo.outcome = { error: error instanceof Error ? error.message : String(error) };
  }
  cards.get(photo)?.show();
  showState();
}

/** The groups that a photo belongs to. */
function groupsOf(photo: Photo): string[] {
  if (photo.outcome === null) return [];
  if ("error" in photo.outcome) return [TEXT.broken];
  const faces = facesOf(photo);
  if (faces.length === 0) return [TEXT.noFace];
  return faces.flatMap((face) => [
    LABELS[face.label] ?? face.label,
    ...(face.reason === null ? [] : [TEXT.uncertain]),
  ]);
}

let isStateDue = false;

/** Show what has changed, once for all that changes at a time. */
function showState(): void {
  if (isStateDue) return;
  isStateDue = true;
  setTimeout(() => {
    isStateDue = false;
    showStateNow();
  }, 50);
}

function showStateNow(): void {
  const done = photos.filter((photo) => photo.outcome !== null).length;
  const faces = photos.flatMap(facesOf).length;
  byId("results").hidden = photos.length === 0;
  byId<HTMLButtonElement>("download").disabled = done === 0;
  if (isLoading) return;
  // The line is read aloud whenever it changes, so how far it is stands in the bar alone.
  progress.hidden = done === photos.length;
  progress.value = done / photos.length || 0;
  const state = done < photos.length ? TEXT.answering(photos.length) : TEXT.done(done, faces);
  status.textContent = `${photos.length === 0 ? idle : state} ${note}`.trimEnd();
  showFilters();
}

function showFilters(): void {
  const groups = photos.map(groupsOf);
  const counts = new Map<string, number>();
  for (const group of groups.flat()) counts.set(group, (counts.get(group) ?? 0) + 1);
  if (shown !== null && !counts.has(shown)) shown = null;
  const wanted = [null, ...Object.values(LABELS), TEXT.uncertain, TEXT.noFace, TEXT.broken];
  const chips = wanted
    .filter((group) => (group === null ? counts.size > 1 : counts.size > 1 && counts.has(group)))
    .map((group) => chip(group, group === null ? photos.length : counts.get(group)!));
  const focused = document.activeElement?.closest<HTMLElement>("#filters button")?.dataset.group;
  byId("filters").replaceChildren(...chips);
  if (focused !== undefined) chips.find((one) => one.dataset.group === focused)?.focus();
  photos.forEach((photo, index) => {
    cards.get(photo)!.element.hidden = shown !== null && !groups[index]!.includes(shown);
  });
}

function chip(group: string | null, count: number): HTMLButtonElement {
  const made = element("button", { type: "button", ariaPressed: String(group === shown) });
  made.dataset.group = group ?? "";
  made.append(group ?? TEXT.all, " ", element("span", {}, String(count)));
  made.onclick = () => {
    shown = group;
    showFilters();
  };
  return made;
}

// Ways in

function addFiles(files: Iterable<File>): void {
  const all = [...files];
  const pictures = all.filter((file) => file.type.startsWith("image/") || file.type === "");
  add(...pictures.map((file) => ({ name: file.name, file })));
  if (pictures.length < all.length) say(TEXT.notPhotos(all.length - pictures.length));
}

function say(message: string): void {
  note = message;
  showState();
}

const files = byId<HTMLInputElement>("files");
byId("choose").onclick = () => files.click();
files.onchange = () => {
  addFiles(files.files ?? []);
  files.value = "";
};

const drop = byId("drop");
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("is-over");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) drop.classList.remove("is-over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("is-over");
  void droppedFiles(event.dataTransfer!).then(addFiles);
});

/** Files, also those in dropped folders. */
async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const loose = [...transfer.files];
  const inside = await Promise.all(entries.map((entry, index) => (entry ? filesOf(entry) : loose.slice(index, index + 1))));
  return inside.flat();
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesOf))).flat();
}

let pasted = 0;
document.addEventListener("paste", (event) => {
  const pictures = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  if (pictures.length === 0) return say(TEXT.nothingPasted);
  const suffix = (file: File) => file.type.slice("image/".length);
  add(...pictures.map((file) => ({ name: `${TEXT.pasted(++pasted)}.${suffix(file)}`, file })));
});

const camera = new Camera((picture) => ask({ picture, isOneFace: oneFace.checked, wantsPreview: false }));
let shots = 0;
byId("open-camera").onclick = () => {
  camera.open().then(
    () => {
      say("");
      byId("shoot").focus();
    },
    (error: Error) => say(error.message),
  );
};
byId("shoot").onclick = async () => add({ name: TEXT.camera.shot(++shots), file: await camera.picture() });
const closeCamera = () => {
  if (!camera.isOpen) return;
  camera.close();
  byId("open-camera").focus();
};
byId("close-camera").onclick = closeCamera;
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeCamera();
});

const examples = import.meta.glob<string>("./generated/examples/*.jpg", { query: "?url", import: "default", eager: true });
for (const [path, url] of Object.entries(examples)) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const image = element("img", { src: url, alt: TEXT.exampleAlt(name), width: 56, height: 56 });
  const button = element("button", { type: "button", className: "example" }, image);
  button.onclick = async () => addAs(true, [{ name, file: await (await fetch(url)).blob() }]);
  byId("examples").append(button);
}

byId("download").onclick = () => download("facecover.csv", csv(photos), "text/csv;charset=utf-8");
byId("clear").onclick = () => {
  for (const card of cards.values()) card.forget();
  photos.length = 0;
  note = "";
  cards.clear();
  byId("cards").replaceChildren();
  document.body.classList.remove("has-photos");
  showState();
  byId("choose").focus();
};

byId("measured").textContent = TEXT.measured();
byId("about").textContent = TEXT.about();
