// A brush: a mask painted over a picture, in the picture's own pixels.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { upload, type Uploaded } from "../api";
import { canvasOf } from "../core/raster";
import type { Painted } from "../core/painted";
import type { Tool } from "../core/view";
import { Picture } from "./picture";

/** The mask that is being painted: white where it is set. */
export class MaskLayer implements Tool {
  readonly cursor = "crosshair";
  readonly canvas: HTMLCanvasElement;
  radius = 12;
  erase = false;
  onChange: () => void = () => {};
  private last: [number, number] | null = null;

  constructor(readonly width: number, readonly height: number, readonly colour = "rgb(230 159 0 / .55)") {
    this.canvas = canvasOf(width, height);
    this.radius = Math.max(2, Math.round(Math.min(width, height) / 18));
  }

  down(x: number, y: number): void {
    this.last = [x, y];
    this.stroke(x, y);
  }

  move(x: number, y: number): void {
    if (this.last) this.stroke(x, y);
  }

  up(): void {
    this.last = null;
    this.onChange();
  }

  /** Paint one dab without a pointer. */
  dab(x: number, y: number): void {
    this.down(x, y);
    this.up();
  }

  clear(): void {
    this.canvas.getContext("2d")!.clearRect(0, 0, this.width, this.height);
    this.onChange();
  }

  fill(x0 = 0, y0 = 0, x1 = this.width, y1 = this.height): void {
    const context = this.canvas.getContext("2d")!;
    context.globalCompositeOperation = "source-over";
    context.fillStyle = "#fff";
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
    this.onChange();
  }

  get isEmpty(): boolean {
    const { data } = this.canvas.getContext("2d")!.getImageData(0, 0, this.width, this.height);
    for (let i = 3; i < data.length; i += 4) if (data[i]! > 127) return false;
    return true;
  }

  draw(context: CanvasRenderingContext2D, place: (x: number, y: number) => [number, number], scale: number): void {
    const [left, top] = place(0, 0);
    const tinted = canvasOf(this.width, this.height);
    const inner = tinted.getContext("2d")!;
    inner.drawImage(this.canvas, 0, 0);
    inner.globalCompositeOperation = "source-in";
    inner.fillStyle = this.colour;
    inner.fillRect(0, 0, this.width, this.height);
    context.drawImage(tinted, left, top, this.width * scale, this.height * scale);
  }

  /** The mask as a black-and-white PNG. */
  async png(): Promise<Blob> {
    const sheet = canvasOf(this.width, this.height);
    const context = sheet.getContext("2d", { willReadFrequently: true })!;
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.width, this.height);
    context.drawImage(this.canvas, 0, 0);
    const pixels = context.getImageData(0, 0, this.width, this.height);
    for (let i = 0; i < pixels.data.length; i += 4) pixels.data.fill(pixels.data[i]! > 127 ? 255 : 0, i, i + 3);
    context.putImageData(pixels, 0, 0);
    return new Promise((resolve, reject) => sheet.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The mask could not be written."))), "image/png"));
  }

  upload(): Promise<Uploaded> {
    return this.png().then((blob) => upload(blob, "mask"));
  }

  private stroke(x: number, y: number): void {
    const context = this.canvas.getContext("2d")!;
    context.globalCompositeOperation = this.erase ? "destination-out" : "source-over";
    context.strokeStyle = "#fff";
    context.lineWidth = 2 * this.radius;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(...(this.last ?? [x, y]));
    context.lineTo(x, y + 0.001);
    context.stroke();
    this.last = [x, y];
  }
}

export interface BrushProps {
  painted: Painted;
  layer: MaskLayer;
  /** Called after each stroke. */
  onStroke?: () => void;
}

/** A picture to paint on. With the keyboard: arrows move a cross, space paints there. */
export function Brush({ painted, layer, onStroke }: BrushProps) {
  const [tick, setTick] = useState(0);
  const [cross, setCross] = useState<[number, number] | null>(null);
  const where = useRef(cross);
  where.current = cross;
  const tool = useMemo<Tool>(() => ({
    cursor: layer.cursor,
    down: (x, y) => { layer.down(x, y); setTick((n) => n + 1); },
    move: (x, y) => { layer.move(x, y); setTick((n) => n + 1); },
    up: () => layer.up(),
    draw: (context, place, scale) => {
      layer.draw(context, place, scale);
      if (!where.current) return;
      const [x, y] = place(...where.current);
      context.strokeStyle = "#d55e00";
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, layer.radius * scale, 0, 2 * Math.PI);
      context.stroke();
    },
  }), [layer]);
  useEffect(() => {
    layer.onChange = () => {
      setTick((n) => n + 1);
      onStroke?.();
    };
  }, [layer, onStroke]);
  const key = (event: KeyboardEvent) => {
    const by: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = by[event.key];
    const [x, y] = cross ?? [layer.width / 2, layer.height / 2];
    if (step) setCross([Math.max(0, Math.min(layer.width, x + step[0] * layer.radius)), Math.max(0, Math.min(layer.height, y + step[1] * layer.radius))]);
    else if (event.key === " " && (event.target as HTMLElement).classList.contains("sl-view")) layer.dab(x, y);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="brush" onKeyDownCapture={key}>
      <Picture painted={painted} tool={tool} tick={`${tick}${cross}`} label="Picture to paint on: arrows move, space paints" />
      <div class="row wrap">
        <label class="inline">Size <input type="range" min={1} max={Math.round(Math.min(layer.width, layer.height) / 4)} value={layer.radius} onInput={(event) => { layer.radius = Number(event.currentTarget.value); setTick(tick + 1); }} /></label>
        <button type="button" class="small" aria-pressed={layer.erase} onClick={() => { layer.erase = !layer.erase; setTick(tick + 1); }}>Eraser</button>
        <button type="button" class="small" onClick={() => layer.clear()}>Clear</button>
        <button type="button" class="small" onClick={() => layer.fill(0, 0, layer.width / 2)}>Left half</button>
      </div>
    </div>
  );
}
