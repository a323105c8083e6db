// What rooms ask the server for by a request of their own: the newest answer, the old one until it is there.
import { useEffect, useRef, useState } from "preact/hooks";
import { once, post, postRaw } from "../api";
import type { Painted } from "../core/painted";
import { rasterOfImage, canvasOf, type Raster } from "../core/raster";
import { readTrace, type Trace } from "../core/trace";

export interface Asked<T> {
  value: T | null;
  error: string;
  busy: boolean;
}

function useAnswer<T>(key: string, ask: () => Promise<T>, rest: number): Asked<T> {
  const [found, setFound] = useState<Asked<T>>({ value: null, error: "", busy: false });
  const turn = useRef(0);
  useEffect(() => {
    if (!key) return;
    const mine = ++turn.current;
    setFound((old) => ({ ...old, busy: true }));
    const timer = setTimeout(() => {
      ask().then(
        (value) => mine === turn.current && setFound({ value, error: "", busy: false }),
        (problem: Error) => mine === turn.current && setFound((old) => ({ value: old.value, error: problem.message, busy: false })),
      );
    }, rest);
    return () => clearTimeout(timer);
  }, [key]);
  return found;
}

/** Ask again whenever the body has changed and rested for `rest` milliseconds; null asks nothing. */
export function useAsked<T>(path: string, body: unknown, rest = 120): Asked<T> {
  const text = body ? JSON.stringify(body) : "";
  return useAnswer(text && path + text, () => post<T>(path, JSON.parse(text)), rest);
}

/** The same for a trace. */
export function useTraceOf(path: string, body: unknown, rest = 120): Asked<Trace> {
  const text = body ? JSON.stringify(body) : "";
  return useAnswer(text && path + text, async () => readTrace(await (await postRaw(path, JSON.parse(text))).arrayBuffer()), rest);
}

export interface Scene {
  name: string;
  title: string;
  refs: string[];
}

/** The made photos of a scene, for a picker. */
export function useScene(name: string): { ref: string; title: string }[] {
  const [found, setFound] = useState<{ ref: string; title: string }[]>([]);
  useEffect(() => {
    once<Scene[]>("/api/scenes").then((scenes) => {
      const scene = scenes.find((one) => one.name === name);
      setFound((scene?.refs ?? []).map((ref, i) => ({ ref, title: `${scene!.title}, view ${i + 1}` })));
    }, () => {});
  }, [name]);
  return found;
}

/** A picture as a painted step whose places count in pixels of `size`, as the server counts them. */
export function viewOf(name: string, under: Raster | null, size: [number, number] | undefined, second: Raster | null = null): Painted | null {
  if (!under) return null;
  const [width, height] = size ?? [under.width, under.height];
  return { name, width, height, under, over: [], strokes: [], second, beside: [] };
}

/** An empty sheet of a size. */
export function sheetOf(name: string, width: number, height: number): Painted {
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  return viewOf(name, rasterOfImage(canvas, 3, false), [width, height])!;
}

/** Flags that came as base64, eight to a byte. */
export function flagsOf(text: string, count: number): boolean[] {
  const bytes = atob(text);
  return Array.from({ length: count }, (_, i) => ((bytes.charCodeAt(i >> 3) >> (i & 7)) & 1) === 1);
}

type Place = [number, number];

/** A stroke with a dark rim, that shows on anything. */
export function rimmed(context: CanvasRenderingContext2D, colour: string, points: Place[], wide = 2): void {
  for (const [style, width] of [["rgb(0 0 0 / .65)", wide + 2], [colour, wide]] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
}

export function dot(context: CanvasRenderingContext2D, colour: string, [x, y]: Place, radius: number, rim = "rgb(0 0 0 / .7)"): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  if (rim) {
    context.strokeStyle = rim;
    context.lineWidth = 1;
    context.stroke();
  }
}

/** The ends of a line a·x + b·y + c = 0 far outside a picture. */
export function endsOf([a, b, c]: number[], reach = 20_000): [Place, Place] {
  const foot: Place = [-a! * c!, -b! * c!];
  return [[foot[0] - b! * reach, foot[1] + a! * reach], [foot[0] + b! * reach, foot[1] - a! * reach]];
}
