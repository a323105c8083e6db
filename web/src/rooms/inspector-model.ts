// What the inspector knows of a model, and how numbers of it become pictures.
import { useEffect, useRef, useState } from "preact/hooks";
import { postRaw } from "../api";
import { extent, heatPixels } from "../core/colour";
import type { Painted } from "../core/painted";
import { canvasFrom, type Raster } from "../core/raster";
import { numbersOf, readTrace, type Numbers, type Trace } from "../core/trace";

export interface Layer {
  name: string;
  kind: string;
  shape: number[];
  /** Rows and columns of its maps; one by one where nothing has a place. */
  grid: [number, number];
  parameters: number;
  /** Null where every unit sees the whole picture. */
  field: { size: [number, number]; stride: [number, number]; offset: [number, number] } | null;
}

export interface Told {
  input: { height: number; width: number; channels: number };
  classes: string[];
  parameters: number;
  layers: Layer[];
  attention: { layers: number; heads: number; tokens: number; grid: [number, number]; skipped: number } | null;
}

export type Place = [number, number];

export const placed = (layer: Layer) => layer.grid[0] * layer.grid[1] > 1;

/** The layer to begin with: the first that has places, where one still recognises the picture. */
export function firstLayer(layers: Layer[]): string {
  return (layers.find(placed) ?? layers[0])?.name ?? "";
}

/** The box that a unit sees, xyxy with continuous edges; the whole picture where it sees all of it. */
export function boxOf(layer: Layer, [row, column]: Place, told: Told): [number, number, number, number] {
  const { field } = layer;
  if (!field) return [0, 0, told.input.width, told.input.height];
  const y = field.offset[0] + row * field.stride[0] + 0.5;
  const x = field.offset[1] + column * field.stride[1] + 0.5;
  return [x - field.size[1] / 2, y - field.size[0] / 2, x + field.size[1] / 2, y + field.size[0] / 2];
}

export interface Traced {
  trace: Trace | null;
  error: string;
  /** Whether the trace is the answer to what is asked now. */
  fresh: boolean;
}

/** Ask the server for a trace; the old answer stays until the new one is there, and the newest question wins. */
export function useTraced(path: string, body: Record<string, unknown> | null): Traced {
  const key = body ? `${path} ${JSON.stringify(body)}` : "";
  const [found, setFound] = useState<{ of: string; trace: Trace | null; error: string }>({ of: "", trace: null, error: "" });
  const kept = useRef(new Map<string, Trace>()).current;
  useEffect(() => {
    if (!body) return;
    const known = kept.get(key);
    if (known) {
      setFound({ of: key, trace: known, error: "" });
      return;
    }
    let here = true;
    postRaw(path, body).then((answer) => answer.arrayBuffer()).then(
      (bytes) => {
        const trace = readTrace(bytes);
        kept.set(key, trace);
        if (kept.size > 24) kept.delete(kept.keys().next().value!);
        if (here) setFound({ of: key, trace, error: "" });
      },
      (problem: Error) => here && setFound({ of: key, trace: null, error: problem.message }),
    );
    return () => { here = false; };
  }, [key]);
  return body ? { trace: found.trace, error: found.of === key ? found.error : "", fresh: found.of === key } : { trace: null, error: "", fresh: true };
}

/** The first field of a step's first layer, as numbers. */
export function valuesOf(trace: Trace | null, step: string | number): Numbers | null {
  const found = typeof step === "number" ? trace?.steps.at(step) : trace?.steps.find((one) => one.name === step);
  const layer = found?.layers[0];
  const name = layer && Object.keys(layer).find((key) => key !== "kind");
  return trace && layer && name ? numbersOf(trace, layer[name]) : null;
}

/** One tile of N×h×w numbers. */
export function tileOf({ data, shape }: Numbers, index: number): Float32Array {
  const size = shape[1]! * shape[2]!;
  const found = new Float32Array(size);
  for (let i = 0; i < size; i++) found[i] = data[index * size + i]!;
  return found;
}

export function heatRaster(values: Float32Array, width: number, height: number, range = extent(values)): Raster {
  return {
    width, height, range, lossy: false,
    image: canvasFrom(heatPixels(values, range[0], range[1]), width, height),
    read: (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? [] : [values[y * width + x]!]),
  };
}

/** Evidence between 0 and 1 as a veil: where there is none, it is clear. */
export function veil(values: ArrayLike<number>, width: number, height: number): Raster {
  const pixels = heatPixels(values, 0, 1);
  for (let i = 0; i < pixels.length; i++) pixels[i] = ((pixels[i]! & 0xffffff) | (Math.round(40 + 170 * Math.min(1, values[i]!)) << 24)) >>> 0;
  return { width, height, lossy: false, image: canvasFrom(pixels, width, height), read: (x, y) => [values[y * width + x]!] };
}

export function paintedOf(name: string, under: Raster | null, over: Raster[] = [], box: number[] | null = null): Painted | null {
  if (!under) return null;
  const [x1, y1, x2, y2] = box ?? [0, 0, 0, 0]; // cut at the picture's rim
  const cut = under ? [Math.max(0, x1!), Math.max(0, y1!), Math.min(under.width, x2!), Math.min(under.height, y2!)] : [];
  const rows: Numbers = { shape: [1, 4], dtype: "float64", data: cut };
  return { name, width: under.width, height: under.height, under, over, strokes: box ? [{ kind: "boxes", rows, labels: [] }] : [], second: null, beside: [] };
}
