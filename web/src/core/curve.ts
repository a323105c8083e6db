// A curve as SVG: axes with round numbers, one or several lines, the chosen place, and the value under the pointer.
import { PALETTE } from "./colour";
import { short } from "./raster";

export interface Line {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
}

export interface CurveOptions {
  axes: [string, string];
  mark?: number | null;
  height?: number;
  label?: string;
}

const NS = "http://www.w3.org/2000/svg";
const [WIDE, LEFT, RIGHT, TOP, BOTTOM] = [420, 46, 10, 10, 34];

function make(name: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

/** Round numbers between two ends, about `count` of them. */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw) ?? raw;
  const found: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(10)));
  return found;
}

function range(lines: Line[], key: "x" | "y"): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const line of lines) {
    for (let i = 0; i < line[key].length; i++) {
      const value = line[key][i]!;
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Return an SVG of the lines; redraw by making a new one. */
export function drawCurve(lines: Line[], options: CurveOptions): SVGSVGElement {
  const high = options.height ?? 170;
  const [x0, x1] = range(lines, "x");
  let [y0, y1] = range(lines, "y");
  if (y0 > 0 && y0 < 0.35 * y1) y0 = 0;
  const px = (x: number) => LEFT + ((x - x0) / (x1 - x0)) * (WIDE - LEFT - RIGHT);
  const py = (y: number) => high - BOTTOM - ((y - y0) / (y1 - y0)) * (high - TOP - BOTTOM);
  const label = options.label ?? `${options.axes[1]} against ${options.axes[0]}`;
  const svg = make("svg", { viewBox: `0 0 ${WIDE} ${high}`, role: "img", "aria-label": label, class: "sl-curve" }) as SVGSVGElement;
  axesOf(svg, options.axes, [x0, x1], [y0, y1], px, py, high);
  lines.forEach((line, index) => {
    svg.append(make("path", { d: pathOf(line, px, py), class: "line", stroke: inkOf(index, lines.length) }));
    if (lines.length > 1) {
      svg.append(make("text", { x: WIDE - RIGHT - 4, y: TOP + 10 + 13 * index, "text-anchor": "end", class: "name", fill: inkOf(index, 2) }, line.name));
    }
  });
  const mark = options.mark;
  if (mark !== null && mark !== undefined && mark >= x0 && mark <= x1) {
    svg.append(make("line", { x1: px(mark), x2: px(mark), y1: TOP, y2: high - BOTTOM, class: "mark" }));
    svg.append(make("text", { x: px(mark) + (px(mark) > WIDE * 0.8 ? -4 : 4), y: TOP + 10, class: "mark-text", "text-anchor": px(mark) > WIDE * 0.8 ? "end" : "start" }, short(mark)));
  }
  pointAt(svg, lines, px, py, [x0, x1], high);
  return svg;
}

function inkOf(index: number, count: number): string {
  return count === 1 ? "currentColor" : [PALETTE[4], PALETTE[5], PALETTE[2], PALETTE[6], PALETTE[0], PALETTE[1]][index % 6]!;
}

function pathOf(line: Line, px: (x: number) => number, py: (y: number) => number): string {
  let path = "";
  let drawn = false;
  const stride = Math.max(1, Math.floor(line.x.length / 4000));
  for (let i = 0; i < line.x.length; i += stride) {
    if (!Number.isFinite(line.y[i]!)) {
      drawn = false;
      continue;
    }
    path += `${drawn ? "L" : "M"}${px(line.x[i]!).toFixed(1)} ${py(line.y[i]!).toFixed(1)}`;
    drawn = true;
  }
  return path;
}

function axesOf(
  svg: SVGSVGElement, axes: [string, string], [x0, x1]: [number, number], [y0, y1]: [number, number],
  px: (x: number) => number, py: (y: number) => number, high: number,
): void {
  for (const value of ticks(y0, y1, 3)) {
    svg.append(make("line", { x1: LEFT, x2: WIDE - RIGHT, y1: py(value), y2: py(value), class: "rule" }));
    svg.append(make("text", { x: LEFT - 5, y: py(value) + 3, "text-anchor": "end" }, tickText(value)));
  }
  for (const value of ticks(x0, x1, 5)) svg.append(make("text", { x: px(value), y: high - BOTTOM + 13, "text-anchor": "middle" }, tickText(value)));
  svg.append(make("text", { x: (LEFT + WIDE - RIGHT) / 2, y: high - 5, "text-anchor": "middle", class: "axis" }, axes[0]));
  svg.append(make("text", { x: 11, y: (TOP + high - BOTTOM) / 2, "text-anchor": "middle", class: "axis", transform: `rotate(-90 11 ${(TOP + high - BOTTOM) / 2})` }, axes[1]));
}

function tickText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return size && size < 1e-3 ? value.toExponential(0) : String(Number(value.toPrecision(4)));
}

function pointAt(
  svg: SVGSVGElement, lines: Line[], px: (x: number) => number, py: (y: number) => number,
  [x0, x1]: [number, number], high: number,
): void {
  const dot = make("circle", { r: 3.5, class: "dot", visibility: "hidden" });
  const text = make("text", { class: "read", visibility: "hidden" });
  svg.append(dot, text);
  Object.assign(svg.dataset, { x0, x1 });
  svg.addEventListener("pointermove", (event) => {
    const x = valueAt(svg, event.clientX);
    const line = lines[0];
    if (!line?.x.length) return;
    let near = 0;
    for (let i = 1; i < line.x.length; i++) if (Math.abs(line.x[i]! - x) < Math.abs(line.x[near]! - x)) near = i;
    const [cx, cy] = [px(line.x[near]!), py(line.y[near]!)];
    if (!Number.isFinite(cy)) return;
    for (const [key, value] of [["cx", cx], ["cy", cy], ["visibility", "visible"]] as const) dot.setAttribute(key, String(value));
    text.textContent = `${short(line.x[near]!)}: ${short(line.y[near]!)}`;
    text.setAttribute("x", String(cx));
    text.setAttribute("y", String(Math.max(TOP + 8, Math.min(cy - 7, high - BOTTOM))));
    text.setAttribute("text-anchor", cx > WIDE / 2 ? "end" : "start");
    text.setAttribute("visibility", "visible");
  });
  svg.addEventListener("pointerleave", () => {
    dot.setAttribute("visibility", "hidden");
    text.setAttribute("visibility", "hidden");
  });
}

/** The value on the x axis below a place of the screen. */
export function valueAt(svg: SVGSVGElement, clientX: number): number {
  const box = svg.getBoundingClientRect();
  const share = (((clientX - box.left) / box.width) * WIDE - LEFT) / (WIDE - LEFT - RIGHT);
  const [x0, x1] = [Number(svg.dataset["x0"]), Number(svg.dataset["x1"])];
  return x0 + Math.max(0, Math.min(1, share)) * (x1 - x0);
}
