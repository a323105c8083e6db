// A small picture of pixels that are on or off: as rows, as text for the address, ready to draw.
import { canvasFrom, rasterOfImage } from "../core/raster";
import type { Painted } from "../core/painted";

export type Pixels = boolean[][];

const FIRST = [
  "........................",
  ".#.......######.........",
  "........########....#...",
  "...###..########........",
  "...###..###.####..#####.",
  "...###############.....#",
  "........########.......#",
  "..#.....########..######",
  "........########..#.....",
  ".........######...#.....",
  "....#.............######",
  "..##.....##.............",
  "..##..#..##..########...",
  "........................",
];
export const WIDTH = FIRST[0]!.length;
export const HEIGHT = FIRST.length;

/** Read rows of six hexadecimal digits; none gives the first picture, "0" an empty one. */
export function pixelsOf(text: string | null): Pixels {
  if (text === "0") return FIRST.map((row) => [...row].map(() => false));
  const digits = WIDTH / 4;
  if (!text || !new RegExp(`^[0-9a-f]{${digits * HEIGHT}}$`).test(text)) return FIRST.map((row) => [...row].map((sign) => sign === "#"));
  return FIRST.map((_, y) => [...parseInt(text.slice(y * digits, (y + 1) * digits), 16).toString(2).padStart(WIDTH, "0")].map((bit) => bit === "1"));
}

export function textOf(pixels: Pixels): string {
  return pixels.map((row) => parseInt(row.map(Number).join(""), 2).toString(16).padStart(WIDTH / 4, "0")).join("");
}

export function paintedOf(pixels: Pixels): Painted {
  const colours = Uint32Array.from(pixels.flat(), (on) => (on ? 0xffffffff : 0xff000000));
  const under = rasterOfImage(canvasFrom(colours, WIDTH, HEIGHT), 1, false);
  return { name: "Pixels", width: WIDTH, height: HEIGHT, under, over: [], strokes: [], second: null, beside: [] };
}
