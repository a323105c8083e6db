// Points in space on a plain canvas: drag or use the arrow keys to go around them; the wheel, two fingers, plus and minus zoom.
import { extent, heatCss } from "./colour";
import type { Numbers } from "./trace";

/** From where a cloud is looked at. */
export interface Orbit {
  yaw: number;
  pitch: number;
  zoom: number;
}

/** Return an element that shows N×3 points, N×6 with colours 0–1, or N×7 with sizes; clouds of one orbit turn as one. */
export function drawCloud(rows: Numbers, label = "Cloud of points", orbit: Orbit = { yaw: 0.6, pitch: 0.4, zoom: 1 }): HTMLElement {
  const canvas = document.createElement("canvas");
  canvas.className = "sl-cloud";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${label}: ${rows.shape[0]} points; the arrow keys turn it, plus and minus zoom`);
  const points = centred(rows);
  const colours = coloursOf(rows);
  const sizes = (rows.shape[1] ?? 3) > 6 ? Float32Array.from(colours, (_, i) => rows.data[i * rows.shape[1]! + 6]!) : null;
  let frame = 0;
  const draw = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => paint(canvas, points, colours, sizes, orbit));
  };
  const turn = (yaw: number, pitch: number, zoom = 1) => {
    orbit.yaw += yaw;
    orbit.pitch = Math.max(-1.5, Math.min(1.5, orbit.pitch + pitch));
    orbit.zoom = Math.max(0.3, Math.min(12, orbit.zoom * zoom));
    draw();
  };
  const held = new Map<number, [number, number]>(); // a finger turns, two of them zoom
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, [event.clientX, event.clientY]);
  });
  for (const name of ["pointerup", "pointercancel"] as const) canvas.addEventListener(name, (event) => held.delete(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    const old = held.get(event.pointerId);
    if (!old) return;
    const now: [number, number] = [event.clientX, event.clientY];
    held.set(event.pointerId, now);
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    const far = (at: [number, number]) => Math.hypot(at[0] - other![0], at[1] - other![1]) || 1;
    if (other) turn(0, 0, far(now) / far(old));
    else turn((now[0] - old[0]) * 0.01, (now[1] - old[1]) * 0.01);
  });
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas) return;
    event.preventDefault();
    turn(0, 0, Math.exp(-event.deltaY * 0.001));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const keys: Record<string, [number, number, number?]> = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15], "+": [0, 0, 1.2], "-": [0, 0, 1 / 1.2] };
    const by = keys[event.key];
    if (!by) return;
    turn(...by);
    event.preventDefault();
    event.stopPropagation();
  });
  new ResizeObserver(draw).observe(canvas);
  return canvas;
}

function centred(rows: Numbers): Float32Array {
  const [count = 0, width = 3] = rows.shape;
  const found = new Float32Array(3 * count);
  let largest = 1e-9;
  for (let c = 0; c < 3; c++) {
    const column = Float32Array.from({ length: count }, (_, i) => rows.data[i * width + c]!);
    const [low, high] = extent(column);
    largest = Math.max(largest, high - low);
    for (let i = 0; i < count; i++) found[3 * i + c] = column[i]! - (low + high) / 2;
  }
  return found.map((value) => value / largest);
}

function coloursOf(rows: Numbers): string[] {
  const [count = 0, width = 3] = rows.shape;
  if (width < 6) {
    const depth = Float32Array.from({ length: count }, (_, i) => rows.data[i * width + 2]!);
    const [low, high] = extent(depth);
    return Array.from(depth, (value) => heatCss((value - low) / (high - low || 1)));
  }
  return Array.from({ length: count }, (_, i) => {
    const channel = (c: number) => Math.round(255 * Math.max(0, Math.min(1, rows.data[i * width + 3 + c]!)));
    return `rgb(${channel(0)} ${channel(1)} ${channel(2)})`;
  });
}

function paint(canvas: HTMLCanvasElement, points: Float32Array, colours: string[], sizes: Float32Array | null, { yaw, pitch, zoom }: Orbit): void {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d")!;
  context.clearRect(0, 0, width, height);
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const count = points.length / 3;
  const depth = new Float32Array(count);
  const places = new Float32Array(2 * count);
  const size = Math.min(width, height) * 0.72 * zoom;
  for (let i = 0; i < count; i++) {
    const [x, y, z] = [points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!];
    const [a, b] = [x * cy + z * sy, z * cy - x * sy];
    depth[i] = b * cp + y * sp;
    const shrink = 2.2 / (2.2 + depth[i]!);
    if (sizes && sizes[i]! > 3) depth[i]! -= 10; // what is marked lies on top
    places[2 * i] = width / 2 + a * size * shrink;
    places[2 * i + 1] = height / 2 + (y * cp - b * sp) * size * shrink;
  }
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((i, j) => depth[j]! - depth[i]!);
  const dot = Math.max(1.5, Math.min(7, 160 / Math.sqrt(count))) * ratio;
  for (const i of order) {
    context.fillStyle = colours[i]!;
    const side = dot * (sizes?.[i] ?? 1);
    context.fillRect(places[2 * i]! - side / 2, places[2 * i + 1]! - side / 2, side, side);
  }
}
