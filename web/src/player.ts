// The stand-alone player of a trace: `SightlinePlayer.mount(element, bytes or base64)`. It needs no server.
import { besideElement } from "./core/beside";
import { paintStep, type Painted } from "./core/painted";
import type { Raster } from "./core/raster";
import { short } from "./core/raster";
import { fromBase64, readTrace, type Trace } from "./core/trace";
import { PictureView } from "./core/view";
import style from "./core/player.css?inline";

export interface Player {
  show(index: number): Promise<void>;
  destroy(): void;
  readonly trace: Trace;
}

const STEP_MS = 1400;

function button(label: string, text: string, act: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.setAttribute("aria-label", label);
  element.title = label;
  element.textContent = text;
  element.addEventListener("click", act);
  return element;
}

function part<K extends keyof HTMLElementTagNameMap>(tag: K, name: string): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

/** Build the player into `host`; the styles stay inside. */
export function mount(host: HTMLElement, source: ArrayBuffer | Uint8Array | string): Player {
  const trace = readTrace(typeof source === "string" ? fromBase64(source) : source);
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const sheet = document.createElement("style");
  sheet.textContent = style;
  const root = part("div", "player");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Steps of ${trace.method}`);
  shadow.replaceChildren(sheet, root);
  return new StepPlayer(trace, root);
}

class StepPlayer implements Player {
  private readonly view = new PictureView(undefined, "Step");
  private readonly range = part("input", "range");
  private readonly title = part("b", "title");
  private readonly note = part("p", "note");
  private readonly reading = part("output", "reading");
  private readonly side = part("div", "beside");
  private readonly play: HTMLButtonElement;
  private readonly painted = new Map<number, Promise<Painted>>();
  private timer = 0;
  private index = 0;
  private first: Raster | null = null;

  constructor(readonly trace: Trace, private readonly root: HTMLElement) {
    const last = Math.max(0, trace.steps.length - 1);
    Object.assign(this.range, { type: "range", min: "0", max: String(last), value: "0" });
    this.range.setAttribute("aria-label", "Step");
    this.range.addEventListener("input", () => {
      this.stop();
      void this.show(Number(this.range.value));
    });
    this.play = button("Play", "▶", () => this.toggle());
    const bar = part("div", "bar");
    const go = (by: number) => {
      this.stop();
      void this.show(this.index + by);
    };
    const split = button("Before and after", "◧", () => {
      this.view.split = this.view.split ? 0 : 0.5;
      split.setAttribute("aria-pressed", String(this.view.split > 0));
    });
    bar.append(button("Step back", "◀", () => go(-1)), this.play, button("Step on", "▷", () => go(1)), this.range, split,
      button("Zoom in", "+", () => this.view.zoomBy(1.6)), button("Zoom out", "−", () => this.view.zoomBy(1 / 1.6)),
      button("Fit", "⤢", () => this.view.reset()));
    this.note.setAttribute("aria-live", "polite");
    const head = part("div", "head");
    head.append(this.title, this.reading);
    root.append(bar, head, this.view.element, this.note, this.side);
    this.view.onStep = go;
    this.view.onSplit = (share) => (this.view.split = share);
    this.view.onHover = (at) => {
      this.reading.textContent = at ? `(${at.x}, ${at.y})  ${at.values.map(short).join(" ")}` : "";
    };
    root.addEventListener("keydown", (event) => this.key(event, go));
    void this.show(0);
  }

  private key(event: KeyboardEvent, go: (by: number) => void): void {
    if (event.key === " " && (event.target as HTMLElement).tagName !== "BUTTON") this.toggle();
    else if (event.target === this.range) return;
    else if (event.key === "ArrowRight") go(1);
    else if (event.key === "ArrowLeft") go(-1);
    else return;
    event.preventDefault();
  }

  private toggle(): void {
    if (this.timer) {
      this.stop();
      return;
    }
    const last = this.trace.steps.length - 1;
    const on = () => {
      if (this.index >= last || !this.root.isConnected) this.stop();
      else void this.show(this.index + 1);
    };
    void this.show(this.index >= last ? 0 : this.index + 1);
    this.timer = window.setInterval(on, STEP_MS);
    this.face("Pause", "❚❚");
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = 0;
    this.face("Play", "▶");
  }

  private face(label: string, text: string): void {
    this.play.textContent = text;
    this.play.title = label;
    this.play.setAttribute("aria-label", label);
  }

  private paint(index: number): Promise<Painted> {
    let found = this.painted.get(index);
    if (!found) {
      found = paintStep(this.trace, this.trace.steps[index]!);
      this.painted.set(index, found);
    }
    return found;
  }

  async show(index: number): Promise<void> {
    const count = this.trace.steps.length;
    if (!count) return;
    this.index = Math.max(0, Math.min(count - 1, index));
    const step = this.trace.steps[this.index]!;
    this.range.value = String(this.index);
    this.range.setAttribute("aria-valuetext", `${this.index + 1} of ${count}: ${step.name}`);
    const wanted = this.index;
    const painted = await this.paint(wanted);
    if (wanted !== this.index) return;
    this.title.textContent = `${wanted + 1}/${count} ${step.name}`;
    this.note.textContent = step.note ?? "";
    this.side.replaceChildren(...painted.beside.map(besideElement));
    const [width, height] = this.trace.size ?? [painted.width, painted.height];
    this.view.element.hidden = !painted.under && !painted.strokes.length;
    if (width && height) this.view.element.style.aspectRatio = String(Math.max(0.7, Math.min(2.4, width / height)));
    if (!this.first) this.first = painted.under;
    this.view.show(painted, this.first);
  }

  destroy(): void {
    this.stop();
    this.view.destroy();
    this.root.remove();
  }
}
