// A step made ready to draw: what lies under, what is laid over it, what is drawn as strokes, and what stands beside it.
import { mosaic, rasterOf, type CanvasRing, type Raster } from "./raster";
import { listOf, numbersOf, type Layer, type Numbers, type Step, type Trace } from "./trace";

export interface Strokes {
  kind: "boxes" | "points" | "lines" | "matches";
  rows: Numbers;
  labels: string[];
}

export interface Beside {
  kind: "table" | "curve" | "cloud" | "text";
  rows: Numbers | null;
  columns: string[];
  mark: number | null;
  text: string;
  formula: string;
}

export interface Painted {
  name: string;
  width: number;
  height: number;
  /** Null where the step is no picture: a curve, a table, a sentence. */
  under: Raster | null;
  over: Raster[];
  strokes: Strokes[];
  /** The second picture of matches. */
  second: Raster | null;
  beside: Beside[];
}

const BASES = new Set(["picture", "heat", "mask", "labels", "grid"]);
const STROKES = new Set(["boxes", "points", "lines", "matches"]);

/** Paint the layers of a step in their order; what cannot be read becomes a sentence beside it. A moving picture has a `ring`. */
export async function paintStep(trace: Trace, step: Step, ring?: CanvasRing): Promise<Painted> {
  const found: Painted = {
    name: step.name, width: 0, height: 0, under: null, over: [], strokes: [], second: null, beside: [],
  };
  for (const layer of step.layers) {
    try {
      await paintLayer(trace, layer, found, ring);
    } catch (error) {
      found.beside.push(sentence(`The layer '${layer.kind}' cannot be shown: ${(error as Error).message}`));
    }
  }
  if (!found.under && found.strokes.length && trace.size) [found.width, found.height] = trace.size;
  return found;
}

async function paintLayer(trace: Trace, layer: Layer, found: Painted, ring?: CanvasRing): Promise<void> {
  if (BASES.has(layer.kind)) await paintBase(trace, layer, found, ring);
  else if (STROKES.has(layer.kind)) {
    const rows = numbersOf(trace, first(layer));
    if (rows.shape.length === 1) rows.shape = rows.shape[0] ? [1, rows.shape[0]] : [0, 0];
    const kind = layer.kind as Strokes["kind"];
    if (!found.strokes.some((other) => other.kind === kind && same(other.rows, rows))) {
      found.strokes.push({ kind, rows, labels: listOf(layer["labels"]).map(String) });
    }
  } else found.beside.push(besideOf(trace, layer));
}

async function paintBase(trace: Trace, layer: Layer, found: Painted, ring?: CanvasRing): Promise<void> {
  const over = found.under !== null && (layer.kind === "mask" || layer.kind === "labels");
  const raster = layer.kind === "grid" ? mosaic(trace, layer) : await rasterOf(trace, layer.kind, first(layer), over, ring);
  if (over) {
    found.over.push(raster);
    return;
  }
  if (found.under && layer.kind === "picture" && found.strokes.some((item) => item.kind === "matches")) {
    found.second = raster; // matches join two pictures
    return;
  }
  found.under = raster;
  found.over = [];
  found.strokes = found.strokes.filter((item) => item.kind === "matches");
  [found.width, found.height] = [raster.width, raster.height];
}

function besideOf(trace: Trace, layer: Layer): Beside {
  const kind = layer.kind as Beside["kind"];
  const plain = sentence("");
  if (kind === "table") return { ...plain, kind, rows: numbersOf(trace, layer["rows"]), columns: listOf(layer["columns"]).map(String) };
  if (kind === "curve") {
    const mark = typeof layer["mark"] === "number" ? layer["mark"] : null;
    return { ...plain, kind, rows: numbersOf(trace, layer["points"]), columns: listOf(layer["axes"]).map(String), mark };
  }
  if (kind === "cloud") return { ...plain, kind, rows: numbersOf(trace, layer["points"]) };
  return { ...plain, text: sayValue(trace, layer["text"]), formula: String(layer["formula"] ?? "") };
}

function sentence(text: string): Beside {
  return { kind: "text", rows: null, columns: [], mark: null, text, formula: "" };
}

function first(layer: Layer): unknown {
  const name = Object.keys(layer).find((key) => key !== "kind");
  return name ? layer[name] : undefined;
}

function same(a: Numbers, b: Numbers): boolean {
  if (a.data.length !== b.data.length) return false;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
  return true;
}

/** A value of a result in words: numbers, records, lists and small arrays. */
export function sayValue(trace: Trace, value: unknown, depth = 0): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  if (typeof value !== "object") return String(value);
  const record = value as Record<string, unknown>;
  if ("blob" in record) return sayBlob(trace, record);
  const pad = "\n" + "  ".repeat(depth);
  if (Array.isArray(value)) {
    const parts = value.slice(0, 12).map((item) => sayValue(trace, item, depth + 1));
    const flat = depth > 0 || value.every((item) => typeof item !== "object");
    return flat ? `(${parts.join(", ")}${value.length > 12 ? ", …" : ""})` : parts.join("\n");
  }
  if (record["type"] === "dict") {
    const items = record["items"] as [unknown, unknown][];
    return items.slice(0, 30).map(([k, v]) => `${sayValue(trace, k, depth + 1)}: ${sayValue(trace, v, depth + 1)}`).join(pad);
  }
  if (record["type"] === "list") {
    const items = record["items"] as unknown[];
    const parts = items.slice(0, 20).map((item) => sayValue(trace, item, depth + 1));
    if (items.every((item) => typeof item !== "object" || item === null)) return parts.join(", ") + (items.length > 20 ? ", …" : "");
    return parts.join(pad) + (items.length > 20 ? `${pad}… ${items.length} in all` : "") || "none";
  }
  const fields = (record["fields"] ?? record) as Record<string, unknown>;
  return Object.entries(fields).map(([k, v]) => `${k}: ${sayValue(trace, v, depth + 1)}`).join(pad);
}

function sayBlob(trace: Trace, value: Record<string, unknown>): string {
  const entry = value["blob"] as { as: string; dtype: string; shape: number[] };
  const count = entry.shape.reduce((a, b) => a * b, 1);
  if (entry.as !== "raw" || count > 64) return `${entry.shape.join("×")} ${entry.dtype}`;
  const { data } = numbersOf(trace, value);
  const width = entry.shape.at(-1) ?? 1;
  const words = Array.from(data as ArrayLike<number>, (item) => String(Number(item.toPrecision(5))));
  const rows: string[] = [];
  for (let i = 0; i < words.length; i += width) rows.push(words.slice(i, i + width).join("  "));
  return rows.join("\n") || "none";
}
