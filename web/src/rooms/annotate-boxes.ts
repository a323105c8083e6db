// Boxes on a picture as a tool: drawn by dragging, chosen by a click, moved and resized by their rim.
import { colourOf } from "../core/colour";
import { drawBox } from "../core/strokes";
import type { Tool } from "../core/view";

/** x1, y1, x2, y2 in pixels of the picture, and the class's number. */
export type Box = [number, number, number, number, number];

export interface BoxesProps {
  boxes: Box[];
  chosen: number | null;
  names: string[];
  size: [number, number];
  /** What a new box is. */
  label: number;
  onBoxes: (boxes: Box[], chosen: number | null) => void;
}

const REACH = 9; // pixels of the screen about a corner or a rim that take hold of it
const SMALLEST = 3; // pixels of the picture

type Held = { kind: "new" | "move" | "size"; from: [number, number]; box: Box; sides: [boolean, boolean, boolean, boolean]; moved: boolean };

/** What a person does with the boxes of a picture; `set` gives it what is there now. */
export class BoxTool implements Tool {
  cursor = "crosshair";
  private now: BoxesProps | null = null;
  private held: Held | null = null;
  private scale = 1;

  set(props: BoxesProps): void {
    this.now = props;
  }

  down(x: number, y: number): void {
    const { chosen, boxes, label } = this.now!;
    const mine = chosen === null ? undefined : boxes[chosen];
    const reach = REACH / this.scale;
    if (mine) {
      const sides: Held["sides"] = [Math.abs(x - mine[0]) < reach, Math.abs(y - mine[1]) < reach, Math.abs(x - mine[2]) < reach, Math.abs(y - mine[3]) < reach];
      const near = x > mine[0] - reach && x < mine[2] + reach && y > mine[1] - reach && y < mine[3] + reach;
      if (near) {
        const kind = sides.some(Boolean) ? "size" : "move";
        this.held = { kind, from: [x, y], box: [...mine], sides, moved: false };
        return;
      }
    }
    this.held = { kind: "new", from: [x, y], box: [x, y, x, y, label], sides: [false, false, true, true], moved: false };
  }

  move(x: number, y: number): void {
    const { held, now } = this;
    if (!held || !now) return;
    held.moved ||= Math.hypot(x - held.from[0], y - held.from[1]) * this.scale > 4;
    if (!held.moved) return;
    const box = this.dragged(x, y);
    if (held.kind !== "new") now.onBoxes(now.boxes.map((one, i) => (i === now.chosen ? box : one)), now.chosen);
    else if (box[2] - box[0] >= SMALLEST && box[3] - box[1] >= SMALLEST) {
      now.onBoxes([...now.boxes, box], now.boxes.length); // from here on it is sized like any other
      this.held = { ...held, kind: "size", box: [...held.from, ...held.from, now.label] as Box };
    }
  }

  up(x: number, y: number): void {
    const { held, now } = this;
    this.held = null;
    if (!held || !now || held.moved) return;
    const under = now.boxes.map((box, i) => ({ i, box })).filter(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]);
    under.sort((a, b) => area(a.box) - area(b.box)); // of nested ones the inner one
    now.onBoxes(now.boxes, under.find(({ i }) => i !== now.chosen)?.i ?? (held.kind === "new" ? null : now.chosen));
  }

  draw(context: CanvasRenderingContext2D, place: (x: number, y: number) => [number, number], scale: number): void {
    this.scale = scale;
    const { boxes = [], chosen = null, names = [] } = this.now ?? {};
    boxes.forEach((box, i) => {
      const [x1, y1] = place(box[0], box[1]);
      const [x2, y2] = place(box[2], box[3]);
      const colour = colourOf(box[4]);
      drawBox(context, x1, y1, x2, y2, colour, names[box[4]] ?? String(box[4]));
      if (i === chosen) for (const x of [x1, x2]) for (const y of [y1, y2]) handle(context, x, y, colour);
    });
  }

  /** The held box with the pointer at a place, within the picture, its corners in order. */
  private dragged(x: number, y: number): Box {
    const { kind, from, box, sides } = this.held!;
    const [width, height] = this.now!.size;
    const [dx, dy] = [x - from[0], y - from[1]];
    if (kind === "move") {
      const [w, h] = [box[2] - box[0], box[3] - box[1]];
      const left = Math.round(Math.max(0, Math.min(width - w, box[0] + dx)));
      const top = Math.round(Math.max(0, Math.min(height - h, box[1] + dy)));
      return [left, top, left + w, top + h, box[4]];
    }
    const at = box.slice(0, 4).map((value, i) => (sides[i] ? value + (i % 2 ? dy : dx) : value));
    return fitted([at[0]!, at[1]!, at[2]!, at[3]!, box[4]], [width, height]);
  }
}

/** A box with whole pixels, its corners in order, within a picture and with an area. */
export function fitted(box: Box, [width, height]: [number, number]): Box {
  const cut = (value: number, most: number) => Math.round(Math.max(0, Math.min(most, value)));
  const [x1, x2] = [cut(Math.min(box[0], box[2]), width - 1), cut(Math.max(box[0], box[2]), width)];
  const [y1, y2] = [cut(Math.min(box[1], box[3]), height - 1), cut(Math.max(box[1], box[3]), height)];
  return [x1, y1, Math.max(x2, x1 + 1), Math.max(y2, y1 + 1), box[4]];
}

const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);

function handle(context: CanvasRenderingContext2D, x: number, y: number, colour: string): void {
  context.fillStyle = "#fff";
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.fillRect(x - 4, y - 4, 8, 8);
  context.strokeRect(x - 4, y - 4, 8, 8);
}
