// Boxes in rooms: drawn with a dark rim and a label, dragged open with the pointer, moved by sliders, kept in the address.
import { Slider } from "../controls/slider";
import type { Tool } from "../core/view";
import { rimmed } from "./asked";

/** Left, top, right, bottom in pixels. */
export type Box = [number, number, number, number];

type To = (x: number, y: number) => [number, number];

/** Draw a box; returns its top left corner on the screen. */
export function drawBox(context: CanvasRenderingContext2D, to: To, [x1, y1, x2, y2]: Box, colour: string, wide = 2, dash: number[] = []): [number, number] {
  const [[u1, v1], [u2, v2]] = [to(x1, y1), to(x2, y2)];
  context.setLineDash(dash);
  rimmed(context, colour, [[u1, v1], [u2, v1], [u2, v2], [u1, v2], [u1, v1]], wide);
  context.setLineDash([]);
  return [u1, v1];
}

/** A word on a plate, above a corner. */
export function drawLabel(context: CanvasRenderingContext2D, text: string, [u, v]: readonly [number, number], colour: string): void {
  context.font = "600 13px system-ui";
  const width = context.measureText(text).width + 8;
  const foot = Math.max(v, 17); // inside, where there is no room above
  context.fillStyle = colour;
  context.fillRect(u, foot - 17, width, 17);
  context.fillStyle = "#000";
  context.fillText(text, u + 4, foot - 4);
}

/** Dragging opens a box, a click points at a place. */
export function boxTool(size: [number, number], onBox: (box: Box) => void, onPoint: (x: number, y: number) => void, draw: NonNullable<Tool["draw"]>): Tool {
  let [from, now]: [[number, number] | null, [number, number]] = [null, [0, 0]];
  const inside = (x: number, y: number): [number, number] => [Math.max(0, Math.min(size[0], Math.round(x))), Math.max(0, Math.min(size[1], Math.round(y)))];
  const opened = (): Box => [Math.min(from![0], now[0]), Math.min(from![1], now[1]), Math.max(from![0], now[0]), Math.max(from![1], now[1])];
  const wide = ([x1, y1, x2, y2]: Box) => x2 - x1 > 5 && y2 - y1 > 5;
  return {
    cursor: "crosshair",
    down(x, y) {
      from = now = inside(x, y);
    },
    move(x, y) {
      now = inside(x, y);
    },
    up(x, y) {
      now = inside(x, y);
      const box = opened();
      if (wide(box)) onBox(box);
      else onPoint(...from!);
      from = null;
    },
    draw(context, to, scale) {
      draw(context, to, scale);
      if (from && wide(opened())) drawBox(context, to, opened(), "#fff", 2, [4, 4]);
    },
  };
}

/** Boxes out of an address: numbers joined by commas, boxes by semicolons; what is no box is left out. */
export function readRows(text: string | null, width: number): number[][] {
  return (text ?? "").split(";").map((row) => row.split(",").map(Number)).filter((row) => row.length === width && row.every(Number.isFinite));
}

export function writeRows(rows: number[][]): string {
  return rows.map((row) => row.join(",")).join(";");
}

/** A box by its middle and its sides: for those who do not drag. */
export function BoxSliders({ label, box, size: [width, height], onBox }: { label: string; box: Box; size: [number, number]; onBox: (box: Box) => void }) {
  const [x1, y1, x2, y2] = box;
  const span = (high: number, least = 0) => ({ low: least, high, step: 1, least, most: high, log: false });
  const made = (x: number, y: number, w: number, h: number) => {
    const [left, top] = [Math.max(0, Math.min(width - w, Math.round(x - w / 2))), Math.max(0, Math.min(height - h, Math.round(y - h / 2)))];
    onBox([left, top, left + w, top + h]);
  };
  const [w, h] = [x2 - x1, y2 - y1];
  return (
    <details class="box-sliders">
      <summary>{label} by sliders</summary>
      <Slider label={`${label}: across`} value={Math.round((x1 + x2) / 2)} span={span(width)} onValue={(x) => made(x, (y1 + y2) / 2, w, h)} />
      <Slider label={`${label}: down`} value={Math.round((y1 + y2) / 2)} span={span(height)} onValue={(y) => made((x1 + x2) / 2, y, w, h)} />
      <Slider label={`${label}: width`} value={Math.round(w)} span={span(width, 6)} onValue={(next) => made((x1 + x2) / 2, (y1 + y2) / 2, Math.round(next), h)} />
      <Slider label={`${label}: height`} value={Math.round(h)} span={span(height, 6)} onValue={(next) => made((x1 + x2) / 2, (y1 + y2) / 2, w, Math.round(next))} />
    </details>
  );
}

const MOST_THINGS = 5;

/** The true boxes of a picture, as a room that asks for them keeps them. */
export function withThing(things: Box[], box: Box): Box[] {
  return [...things, box].slice(-MOST_THINGS);
}

/** Adding, moving and clearing things without the pointer. */
export function ThingControls({ things, size: [width, height], onThings }: { things: Box[]; size: [number, number]; onThings: (things: Box[]) => void }) {
  const middle = [0.3 * width, 0.3 * height, 0.6 * width, 0.7 * height].map(Math.round) as Box;
  return (
    <div class="control" role="group" aria-label="Things">
      <span class="label">Things</span>
      <p class="hint">Drag a box around each in the picture.</p>
      <div class="row wrap">
        <button type="button" class="small" onClick={() => onThings(withThing(things, middle))}>Add one</button>
        <button type="button" class="small" disabled={!things.length} onClick={() => onThings([])}>Clear</button>
      </div>
      {things.length > 0 && <BoxSliders label="Last thing" box={things.at(-1)!} size={[width, height]} onBox={(box) => onThings([...things.slice(0, -1), box])} />}
    </div>
  );
}
