// From a parameter's kind, range, choices and default to a control: what range a slider should have where none is stated.
import type { Json, Parameter } from "../api";

export interface Span {
  /** Ends of the slider. */
  low: number;
  high: number;
  step: number;
  /** Ends that the number field allows. */
  least: number;
  most: number;
  /** Whether the slider moves by factors. */
  log: boolean;
}

export type Shape = "slider" | "choice" | "switch" | "matrix" | "footprint" | "rows" | "list" | "text" | "picture" | "fixed";

const PICTURES = new Set(["image", "images", "mask", "labels"]);
const HIDDEN = new Set(["out"]);

/** Whether a parameter has a control at all: buffers for results have none. */
export function isShown(parameter: Parameter): boolean {
  return !HIDDEN.has(parameter.name);
}

export function isPicture(parameter: Parameter): boolean {
  return PICTURES.has(parameter.kind) || (parameter.kind === "array" && (parameter.name === "image" || parameter.name === "mask"));
}

/** What kind of control fits a parameter; `example` is its value in the method's example. */
export function shapeOf(parameter: Parameter, example: Json | undefined): Shape {
  const { kind, name } = parameter;
  if (isPicture(parameter)) return "picture";
  if (name === "footprint" || name === "pattern") return "footprint";
  if (kind === "bool") return "switch";
  if (kind === "choice" && parameter.choices) return "choice";
  if (kind === "int" || kind === "float") return "slider";
  if (kind === "text") return "text";
  const value = example ?? plain(parameter.default);
  if (kind === "points" || kind === "boxes") return "rows";
  if (isTable(value)) return value.length * (value[0] as Json[]).length > 120 ? "fixed" : kind === "array" && value.length < 16 ? "matrix" : "rows";
  if (kind === "array" || kind === "other" || kind === "bytes") {
    if (Array.isArray(value) && value.every((item) => typeof item !== "object")) return value.length > 64 ? "fixed" : "list";
    if (name === "box" || name === "start" || kind === "array") return value === undefined || value === null ? "list" : "fixed";
    return kind === "other" && (value === undefined || value === null || typeof value === "string") ? "list" : "fixed";
  }
  return "fixed";
}

export function isTable(value: Json | undefined): value is Json[][] {
  return Array.isArray(value) && value.length > 0 && value.every((row) => Array.isArray(row) && row.every((cell) => typeof cell === "number" || typeof cell === "boolean"));
}

/** A default as a value: tuples are written as Python writes them. */
export function plain(value: Json | undefined): Json | undefined {
  if (typeof value !== "string" || !/^[([]/.test(value)) return value;
  const read = readList(value);
  return read === undefined ? value : read;
}

/** Read what somebody typed: `8, 8`, `(8, 8)`, `[[1, 2], [3, 4]]`, `1 2; 3 4`, `None`, words. */
export function readList(text: string): Json | undefined {
  const trimmed = text.trim();
  if (!trimmed || trimmed === "None" || trimmed === "none") return null;
  const json = trimmed
    .replace(/\(/g, "[").replace(/\)/g, "]").replace(/'/g, '"').replace(/,\s*\]/g, "]")
    .replace(/\bTrue\b/g, "true").replace(/\bFalse\b/g, "false").replace(/\bNone\b/g, "null");
  try {
    const value = JSON.parse(json) as Json;
    return value;
  } catch {
    // not JSON: rows of numbers
  }
  const rows = trimmed.split(/[;\n]/).map((row) => row.trim()).filter(Boolean).map((row) => row.split(/[,\s]+/).filter(Boolean).map(Number));
  if (rows.some((row) => row.some(Number.isNaN))) return undefined;
  return rows.length === 1 && !/[;\n]/.test(trimmed) ? rows[0]! : rows;
}

export function writeList(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  if (!Array.isArray(value)) return String(value);
  return isTable(value) ? value.map((row) => row.join(", ")).join("\n") : value.map((item) => (typeof item === "object" ? JSON.stringify(item) : String(item))).join(", ");
}

/** The value that a control shows when nothing was set. */
export function startOf(parameter: Parameter, example: Json | undefined): Json {
  return example ?? (parameter.required ? null : (plain(parameter.default) ?? null));
}

/** Ends and step of a number's slider. */
export function spanOf(parameter: Parameter, example: Json | undefined): Span {
  const whole = parameter.kind === "int";
  const start = startOf(parameter, example);
  const typical = [start, example].find((value) => typeof value === "number") as number | undefined;
  const least = parameter.low ?? (typical !== undefined && typical < 0 ? -Infinity : whole || parameter.name !== "offset" ? 0 : -Infinity);
  const most = parameter.high ?? Infinity;
  const free = parameter.low === undefined;
  let low = Number.isFinite(least) ? least : -guessHigh(typical, whole);
  let high = Number.isFinite(most) ? most : guessHigh(typical, whole);
  const around = Math.max(Math.abs(typical ?? 0), whole ? 5 : 1);
  if (Number.isFinite(most) && high - low > 400 && high > 12 * around) high = Math.max(low + 1, nice(6 * around));
  const stated = parameter.step;
  const step = stated ?? (whole ? 1 : nice((high - low) / 200));
  const log = !stated && !whole && low > 0 && high / low >= 500;
  return { low, high, step, least: free && parameter.kind === "float" ? -Infinity : least, most, log };
}

function guessHigh(typical: number | undefined, whole: boolean): number {
  if (typical === undefined) return whole ? 100 : 10;
  if (typical === 0) return whole ? 100 : 1;
  return nice(4 * Math.abs(typical));
}

/** The next round number: 1, 2 or 5 times a power of ten. */
export function nice(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const found = [1, 2, 5, 10].find((m) => m * power >= value * 0.999)!;
  return Number((found * power).toPrecision(6));
}
