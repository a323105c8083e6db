// One round of k-means or mean shift as the server gives it, and the cloud of its colours.
import { canvasFrom, rasterOfImage } from "../core/raster";
import { paintStep, type Painted } from "../core/painted";
import { blobOf, numbersOf, type Numbers, type Trace } from "../core/trace";
import type { LiveRequest } from "../live";
import { exactRun } from "../pages/run";
import { pictureRaster } from "../parts/use-painted";

export interface Round {
  before: Painted;
  after: Painted;
  /** Centres as red, green and blue of 0–255, by brightness. */
  centres: number[][];
  /** Share of the pixels that each centre has. */
  shares: number[];
}

const SAMPLES = 2600;

export async function loadRound(request: LiveRequest, first: Round | undefined): Promise<Round> {
  const trace = await exactRun(request);
  const ref = Object.values(request.inputs)[0] as string;
  const layer = trace.steps[0]!.layers[0]!;
  if (layer.kind !== "labels") {
    const after = await paintStep(trace, trace.steps[0]!);
    return { before: first?.before ?? (await beforeOf(ref, after.width, after.height)), after, centres: [], shares: [] };
  }
  const { centres, after, shares } = coloured(trace, layer["labels"]);
  return { before: first?.before ?? (await beforeOf(ref, after.width, after.height)), after, centres, shares };
}

/** The labels in the colours of their centres. */
function coloured(trace: Trace, value: unknown): { centres: number[][]; after: Painted; shares: number[] } {
  const labels = numbersOf(trace, value);
  const table = numbersOf(trace, trace.steps[1]!.layers[0]!["values"]);
  const width = table.shape[1]!;
  const rows = Array.from({ length: table.shape[0]! }, (_, i) => [0, 1, 2].map((c) => table.data[i * width + c]!));
  const grey = rows.every(([, g, b]) => g === 0 && b === 0);
  const centres = grey ? rows.map(([level]) => [level!, level!, level!]) : rows;
  const inks = centres.map(([r, g, b]) => ((255 << 24) | (Math.round(b!) << 16) | (Math.round(g!) << 8) | Math.round(r!)) >>> 0);
  const counts = new Array<number>(centres.length).fill(0);
  const pixels = Uint32Array.from({ length: labels.data.length }, (_, i) => {
    counts[labels.data[i]!]!++;
    return inks[labels.data[i]!]!;
  });
  const [high, wide] = blobOf(value)!.shape as [number, number];
  return { centres, after: paintedOf("Clusters", canvasFrom(pixels, wide, high)), shares: counts.map((count) => count / pixels.length) };
}

function paintedOf(name: string, canvas: HTMLCanvasElement): Painted {
  return { name, width: canvas.width, height: canvas.height, under: rasterOfImage(canvas, 3, false), over: [], strokes: [], second: null, beside: [] };
}

/** The picture itself, at the size of the result. */
async function beforeOf(ref: string, width: number, height: number): Promise<Painted> {
  const raster = await pictureRaster(ref);
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  canvas.getContext("2d", { willReadFrequently: true })!.drawImage(raster.image, 0, 0, width, height);
  return paintedOf("Picture", canvas);
}

/** Colours of pixels here and there, the edges of the cube, and the ways of the centres: N×7 for a cloud. */
export function cloudOf(round: Round, rounds: Round[], isMeans: boolean): Numbers {
  const rows: number[][] = [];
  const point = ([r, g, b]: number[], [inkR, inkG, inkB]: number[], size: number) => rows.push([r!, 255 - g!, b!, inkR! / 255, inkG! / 255, inkB! / 255, size]);
  for (let edge = 0; edge < 12; edge++) {
    const [axis, corner] = [edge % 3, Math.floor(edge / 3)];
    for (let i = 0; i <= 24; i++) {
      const colour = [255 * (corner & 1), 255 * (corner >> 1)];
      colour.splice(axis, 0, (255 * i) / 24);
      point(colour, colour.map((value) => 90 + value * 0.6), 0.5);
    }
  }
  const { before, after } = round;
  const stride = Math.max(1, Math.floor((before.width * before.height) / SAMPLES));
  for (let i = 0; i < before.width * before.height; i += stride) {
    const [x, y] = [i % before.width, Math.floor(i / before.width)];
    const own = before.under!.read(x, y);
    point(!isMeans && rounds.length ? three(after.under!.read(x, y)) : own, isMeans && rounds.length ? three(after.under!.read(x, y)) : own, 1);
  }
  rounds.forEach(({ centres }, turn) => {
    const last = turn === rounds.length - 1;
    for (const centre of centres) {
      if (last) point(centre, [255, 255, 255], 6);
      point(centre, last ? [20, 20, 20] : [213, 94, 0], last ? 5 : 2);
      if (last) point(centre, centre, 4);
    }
  });
  return { shape: [rows.length, 7], dtype: "float64", data: rows.flat() };
}

function three(values: number[]): number[] {
  return values.length >= 3 ? values : [values[0]!, values[0]!, values[0]!];
}
