// The picture view: one step on a canvas, with zoom and pan down to the numbers, before/after, and a linked pointer.
import { drawHandle, drawNumbers } from "./numbers";
import type { Painted } from "./painted";
import type { Raster } from "./raster";
import { drawStrokes } from "./strokes";

/** What several views share: the place they look at, in shares of the picture, and the pointer over it. */
export class ViewLink {
  zoom = 1;
  x = 0.5;
  y = 0.5;
  pointer: { x: number; y: number } | null = null;
  readonly views = new Set<PictureView>();
  redraw(): void {
    for (const view of this.views) view.draw();
  }
}

/** A tool takes the pointer from the view: a brush, a picker of points. Places are in pixels of the picture. */
export interface Tool {
  cursor: string;
  down(x: number, y: number): void;
  move(x: number, y: number): void;
  up(x: number, y: number): void;
  draw?(context: CanvasRenderingContext2D, place: (x: number, y: number) => [number, number], scale: number): void;
}

export interface Reading {
  x: number;
  y: number;
  values: number[];
  before: number[];
}

export class PictureView {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  tool: Tool | null = null;
  /** Screen pixels that a pixel must be wide for its numbers to stand in it. */
  numbersFrom = 26;
  onHover: ((reading: Reading | null) => void) | null = null;
  /** Called when numbers are wanted and the pixels went through a lossy file. */
  onExact: (() => void) | null = null;
  /** Called when the arrow keys are not needed for panning: −1 or +1. */
  onStep: ((by: number) => void) | null = null;
  private painted: Painted | null = null;
  private before: Raster | null = null;
  private shareBefore = 0;
  private frame = 0;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private dragging: "pan" | "tool" | "split" | null = null;
  private readonly observer: ResizeObserver;
  private askedExact = false;

  constructor(readonly link: ViewLink = new ViewLink(), label = "Picture") {
    this.element = document.createElement("div");
    this.element.className = "sl-view";
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", label);
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", `${label}: plus and minus zoom, 0 fits, the arrow keys move`);
    this.element.append(this.canvas);
    link.views.add(this);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.element);
    this.listen();
  }

  destroy(): void {
    this.link.views.delete(this);
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Show a step; `before` is laid beside it at the split. */
  show(painted: Painted | null, before: Raster | null = this.before): void {
    this.painted = painted;
    this.before = before;
    this.askedExact = false;
    if (painted) this.canvas.setAttribute("aria-label", `${painted.name}, ${painted.width} by ${painted.height} pixels`);
    this.draw();
  }

  /** How much of the width shows the picture before, 0 to 1. */
  set split(share: number) {
    this.shareBefore = Math.max(0, Math.min(1, share));
    this.draw();
  }
  get split(): number {
    return this.shareBefore;
  }
  onSplit: ((share: number) => void) | null = null;

  draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  zoomBy(factor: number, at?: { x: number; y: number }): void {
    const { link } = this;
    const old = link.zoom;
    link.zoom = Math.max(1, Math.min(old * factor, 64 / Math.max(this.fit(), 1e-6)));
    if (at) {
      const before = this.shareAt(at.x, at.y, old);
      link.x = before.x - (at.x - this.element.clientWidth / 2) / (this.fit() * link.zoom * this.width);
      link.y = before.y - (at.y - this.element.clientHeight / 2) / (this.fit() * link.zoom * this.height);
    }
    this.clamp();
    link.redraw();
  }

  /** Zoom so that a pixel of the picture takes `size` pixels of the screen. */
  zoomTo(size: number): void {
    this.zoomBy(size / (this.fit() * this.link.zoom));
  }

  reset(): void {
    Object.assign(this.link, { zoom: 1, x: 0.5, y: 0.5 });
    this.link.redraw();
  }

  private get width(): number {
    if (!this.painted) return 1;
    return Math.max(1, this.painted.width + (this.painted.second ? this.painted.second.width + 8 : 0));
  }

  private get height(): number {
    if (!this.painted) return 1;
    return Math.max(1, this.painted.height, this.painted.second?.height ?? 0);
  }

  private fit(): number {
    return Math.min(this.element.clientWidth / this.width, this.element.clientHeight / this.height) || 1;
  }

  private clamp(): void {
    const { link } = this;
    const scale = this.fit() * link.zoom;
    const reach = (size: number, room: number) => Math.max(0, 0.5 - room / (2 * size * scale));
    const rx = reach(this.width, this.element.clientWidth);
    const ry = reach(this.height, this.element.clientHeight);
    link.x = Math.max(0.5 - rx, Math.min(0.5 + rx, link.x));
    link.y = Math.max(0.5 - ry, Math.min(0.5 + ry, link.y));
  }

  private shareAt(x: number, y: number, zoom = this.link.zoom): { x: number; y: number } {
    const scale = this.fit() * zoom;
    return {
      x: this.link.x + (x - this.element.clientWidth / 2) / (scale * this.width),
      y: this.link.y + (y - this.element.clientHeight / 2) / (scale * this.height),
    };
  }

  private place(event: { clientX: number; clientY: number }): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private listen(): void {
    const { element } = this;
    element.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !element.matches(":focus-within")) return;
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), this.place(event));
    }, { passive: false });
    element.addEventListener("dblclick", (event) => {
      if (!this.tool) this.zoomBy(2, this.place(event));
    });
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"] as const) element.addEventListener(name, (event) => this.up(event));
    element.addEventListener("pointerleave", () => this.point(null));
    element.addEventListener("keydown", (event) => this.key(event));
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const at = this.place(event);
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size > 1) {
      this.dragging = null;
      return;
    }
    const splitAt = this.shareBefore * this.element.clientWidth;
    const nearSplit = this.before && this.shareBefore > 0 && Math.abs(at.x - splitAt) < 22;
    this.dragging = nearSplit && this.onSplit ? "split" : this.tool ? "tool" : this.link.zoom > 1 ? "pan" : null;
    if (this.dragging) this.element.setPointerCapture(event.pointerId);
    if (this.dragging === "tool") this.tool!.down(...this.pixelAt(at));
  }

  private move(event: PointerEvent): void {
    const at = this.place(event);
    const old = this.pointers.get(event.pointerId);
    if (this.pointers.size === 2 && old) {
      this.pinch(event.pointerId, old, at);
      return;
    }
    if (old) {
      if (this.dragging === "pan") {
        const scale = this.fit() * this.link.zoom;
        this.link.x -= (at.x - old.x) / (scale * this.width);
        this.link.y -= (at.y - old.y) / (scale * this.height);
        this.clamp();
        this.link.redraw();
      } else if (this.dragging === "tool") this.tool!.move(...this.pixelAt(at));
      else if (this.dragging === "split") this.onSplit?.(at.x / this.element.clientWidth);
      this.pointers.set(event.pointerId, at);
    }
    this.point(this.shareAt(at.x, at.y));
  }

  private pinch(id: number, old: { x: number; y: number }, at: { x: number; y: number }): void {
    const other = [...this.pointers].find(([key]) => key !== id)![1];
    const far = (p: { x: number; y: number }) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
    this.zoomBy(far(at) / far(old), { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
    this.pointers.set(id, at);
  }

  private up(event: PointerEvent): void {
    if (this.dragging === "tool" && this.pointers.has(event.pointerId)) this.tool?.up(...this.pixelAt(this.place(event)));
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.dragging = null;
  }

  private pixelAt(at: { x: number; y: number }): [number, number] {
    const share = this.shareAt(at.x, at.y);
    return [share.x * this.width, share.y * this.height];
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pan: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    };
    const by = pan[event.key];
    if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
    else if (event.key === "-") this.zoomBy(1 / 1.5);
    else if (event.key === "0") this.reset();
    else if (by && this.link.zoom > 1) {
      this.link.x += (by[0] * 0.1) / this.link.zoom;
      this.link.y += (by[1] * 0.1) / this.link.zoom;
      this.clamp();
      this.link.redraw();
    } else if (by && by[0] && this.onStep) this.onStep(by[0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private point(share: { x: number; y: number } | null): void {
    const inside = share && share.x >= 0 && share.y >= 0 && share.x < 1 && share.y < 1;
    this.link.pointer = inside ? share : null;
    for (const view of this.link.views) view.tell();
    this.link.redraw();
  }

  /** Tell what lies under the shared pointer. */
  private tell(): void {
    const { pointer } = this.link;
    if (!this.onHover) return;
    const under = this.painted?.under;
    if (!pointer || !under) {
      this.onHover(null);
      return;
    }
    const x = Math.floor(pointer.x * this.width);
    const y = Math.floor(pointer.y * this.height);
    const before = this.before;
    const there = before
      ? before.read(Math.floor(pointer.x * before.width), Math.floor(pointer.y * before.height)) : [];
    this.onHover({ x, y, values: under.read(x, y), before: there });
  }

  private paint(): void {
    const { canvas, element } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    element.style.touchAction = this.tool ? "none" : this.link.zoom > 1 ? "none" : "pan-y";
    element.style.cursor = this.tool ? this.tool.cursor : this.link.zoom > 1 ? "grab" : "";
    const context = canvas.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!this.painted || !this.painted.width) return;
    const scale = this.fit() * this.link.zoom;
    const left = width / 2 - this.link.x * this.width * scale;
    const top = height / 2 - this.link.y * this.height * scale;
    this.layers(context, left, top, scale);
    this.beforeHalf(context, left, top, scale);
    this.cross(context, left, top, scale);
    this.tool?.draw?.(context, (x, y) => [left + x * scale, top + y * scale], scale);
  }

  private layers(context: CanvasRenderingContext2D, left: number, top: number, scale: number): void {
    const painted = this.painted!;
    context.imageSmoothingEnabled = scale < 1;
    context.imageSmoothingQuality = "high";
    const [w, h] = [painted.width * scale, painted.height * scale];
    if (painted.under) context.drawImage(painted.under.image, left, top, w, h);
    else {
      context.fillStyle = "#0b0d10";
      context.fillRect(left, top, w, h);
    }
    for (const raster of painted.over) context.drawImage(raster.image, left, top, w, h);
    const second = painted.second;
    const shift = painted.width + 8;
    if (second) {
      context.drawImage(second.image, left + shift * scale, top, second.width * scale, second.height * scale);
    }
    if (painted.under && scale >= this.numbersFrom) this.numbers(context, painted.under, left, top, scale);
    for (const strokes of painted.strokes) drawStrokes(context, strokes, left, top, scale, second ? shift : 0);
  }

  private numbers(context: CanvasRenderingContext2D, raster: Raster, left: number, top: number, scale: number): void {
    if (raster.lossy && !this.askedExact && this.onExact) {
      this.askedExact = true;
      this.onExact();
    }
    drawNumbers(context, raster, left, top, scale, this.element.clientWidth, this.element.clientHeight);
  }

  private beforeHalf(context: CanvasRenderingContext2D, left: number, top: number, scale: number): void {
    const before = this.before;
    if (!before || this.shareBefore <= 0 || !this.painted) return;
    const at = this.shareBefore * this.element.clientWidth;
    context.save();
    context.beginPath();
    context.rect(0, 0, at, this.element.clientHeight);
    context.clip();
    context.clearRect(0, 0, at, this.element.clientHeight);
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(before.image, left, top, this.painted.width * scale, this.painted.height * scale);
    context.restore();
    drawHandle(context, at, this.element.clientHeight);
  }

  private cross(context: CanvasRenderingContext2D, left: number, top: number, scale: number): void {
    const { pointer } = this.link;
    if (!pointer || !this.painted) return;
    const x = Math.floor(pointer.x * this.width);
    const y = Math.floor(pointer.y * this.height);
    if (scale >= 6) {
      context.lineWidth = 2;
      context.strokeStyle = "#e69f00";
      context.strokeRect(left + x * scale, top + y * scale, scale, scale);
    } else if (this.link.views.size > 1) {
      const [cx, cy] = [left + (x + 0.5) * scale, top + (y + 0.5) * scale];
      context.lineWidth = 1;
      context.strokeStyle = "#e69f00";
      context.beginPath();
      context.moveTo(cx - 9, cy);
      context.lineTo(cx + 9, cy);
      context.moveTo(cx, cy - 9);
      context.lineTo(cx, cy + 9);
      context.stroke();
    }
  }
}
