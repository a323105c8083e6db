// Drawn over the pixels themselves: their numbers, and the handle between before and after.
import { short, type Raster } from "./raster";

const GRID = "rgb(128 128 128 / .35)";
const CHANNELS = ["#ff9d94", "#9af0a8", "#a8c8ff"];

/** Write the numbers into the pixels that are on the screen, with the grid between them. */
export function drawNumbers(
  context: CanvasRenderingContext2D, raster: Raster, left: number, top: number, scale: number, wide: number, high: number,
): void {
  const [x0, y0] = [Math.max(0, Math.floor(-left / scale)), Math.max(0, Math.floor(-top / scale))];
  const x1 = Math.min(raster.width, Math.ceil((wide - left) / scale));
  const y1 = Math.min(raster.height, Math.ceil((high - top) / scale));
  const channels = Math.min(3, raster.read(x0, y0).length || 1);
  const size = Math.min(13, (scale * 0.9) / (channels > 1 ? 3.2 : 2.6));
  context.font = `${size}px ui-monospace, monospace`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      context.lineWidth = 1;
      context.strokeStyle = GRID;
      context.strokeRect(left + x * scale, top + y * scale, scale, scale);
      if (size < 7) continue;
      raster.read(x, y).slice(0, 3).forEach((value, c) => {
        const cy = top + (y + 0.5) * scale + (c - (channels - 1) / 2) * size * 1.05;
        const word = short(value);
        context.lineWidth = 2.5;
        context.strokeStyle = "rgb(0 0 0 / .75)";
        context.strokeText(word, left + (x + 0.5) * scale, cy, scale);
        context.fillStyle = channels > 1 ? CHANNELS[c]! : "#fff";
        context.fillText(word, left + (x + 0.5) * scale, cy, scale);
      });
    }
  }
}

/** Draw the line between before and after, with its handle. */
export function drawHandle(context: CanvasRenderingContext2D, at: number, high: number): void {
  context.fillStyle = "#fff";
  context.strokeStyle = "rgb(0 0 0 / .6)";
  context.lineWidth = 1;
  context.fillRect(at - 1, 0, 2, high);
  context.beginPath();
  context.arc(at, high / 2, 11, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  context.fillStyle = "#222";
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(at + side * 8, high / 2);
    context.lineTo(at + side * 3, high / 2 - 4);
    context.lineTo(at + side * 3, high / 2 + 4);
  }
  context.fill();
}
