// What is drawn as strokes over a picture: points, lines, boxes, matches. Widths are in pixels of the screen, not of the picture.
import { colourOf } from "./colour";
import type { Strokes } from "./painted";

/** Points and lines count from the middle of the top-left pixel, boxes from its corner. */
export function drawStrokes(
  context: CanvasRenderingContext2D, strokes: Strokes, left: number, top: number, scale: number, shift: number,
): void {
  const { rows, kind } = strokes;
  const count = rows.shape[0] ?? 0;
  const width = rows.shape[1] ?? 2;
  const at = (row: number, column: number) => rows.data[row * width + column] ?? 0;
  const x = (value: number) => left + (value + (kind === "boxes" ? 0 : 0.5)) * scale;
  const y = (value: number) => top + (value + (kind === "boxes" ? 0 : 0.5)) * scale;
  const line = (x1: number, y1: number, x2: number, y2: number, colour: string) => {
    for (const [ink, thick] of [["rgb(0 0 0 / .5)", 3.5], [colour, 1.75]] as const) {
      context.strokeStyle = ink;
      context.lineWidth = thick;
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
    }
  };
  for (let i = 0; i < count; i++) {
    if (kind === "points") dot(context, x(at(i, 0)), y(at(i, 1)), count > 400 ? 2 : 3.5, colourOf(0));
    else if (kind === "lines") line(x(at(i, 0)), y(at(i, 1)), x(at(i, 2)), y(at(i, 3)), colourOf(0));
    else if (kind === "matches") {
      const colour = shift ? colourOf(i) : colourOf(5);
      line(x(at(i, 0)), y(at(i, 1)), x(at(i, 2) + shift), y(at(i, 3)), colour);
      dot(context, x(at(i, 2) + shift), y(at(i, 3)), 2.5, colour);
    } else drawBox(context, x(at(i, 0)), y(at(i, 1)), x(at(i, 2)), y(at(i, 3)), colourOf(i), strokes.labels[i] ?? "");
  }
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  context.strokeStyle = "rgb(0 0 0 / .7)";
  context.lineWidth = 1;
  context.stroke();
}

/** A box with its label, on anything; places are in pixels of the canvas. */
export function drawBox(
  context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number, colour: string, label: string,
): void {
  context.strokeStyle = "rgb(0 0 0 / .5)";
  context.lineWidth = 4;
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  if (!label) return;
  context.font = "600 12px system-ui";
  context.textAlign = "left";
  context.textBaseline = "bottom";
  const wide = context.measureText(label).width + 8;
  const y = y1 < 17 ? y1 + 17 : y1;
  context.fillStyle = colour;
  context.fillRect(x1 - 1, y - 17, wide, 17);
  context.fillStyle = "#000";
  context.fillText(label, x1 + 3, y - 1);
}
