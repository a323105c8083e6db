// Steps made ready to draw, as state of a component: the newest one wins, the old one stays until it is there.
import { useEffect, useRef, useState } from "preact/hooks";
import { pictureUrl } from "../api";
import { paintStep, type Painted } from "../core/painted";
import { rasterOfImage, type CanvasRing, type Raster } from "../core/raster";
import type { Trace } from "../core/trace";

type Kept = { promise: Promise<Painted>; value: Painted | null };

const cache = new WeakMap<Trace, Map<number, Kept>>();

function kept(trace: Trace, index: number, ring?: CanvasRing): Kept {
  let steps = cache.get(trace);
  if (!steps) cache.set(trace, (steps = new Map()));
  let found = steps.get(index);
  if (!found) {
    const made: Kept = { promise: paintStep(trace, trace.steps[index]!, ring), value: null };
    void made.promise.then((value) => (made.value = value));
    steps.set(index, (found = made));
  }
  return found;
}

/** Paint one step of a trace; it is decoded once. The answers to frames share a `ring`. */
export function painted(trace: Trace, index: number, ring?: CanvasRing): Promise<Painted> {
  return kept(trace, index, ring).promise;
}

export function usePainted(trace: Trace | null, index: number): Painted | null {
  const [, again] = useState<object>();
  const shown = useRef<Painted | null>(null);
  const at = trace ? Math.max(0, Math.min(index, trace.steps.length - 1)) : 0;
  const ready = trace?.steps.length ? kept(trace, at) : null;
  if (ready?.value) shown.current = ready.value;
  useEffect(() => {
    if (!ready || (ready.value && ready.value === shown.current)) return; // it may be ready since the rendering
    let here = true;
    void ready.promise.then(() => here && again({}));
    return () => { here = false; };
  }, [ready]);
  return trace ? shown.current : null;
}

const pictures = new Map<string, Promise<Raster>>();

/** A picture of the server as a raster, shrunk to about what a screen shows. */
export function pictureRaster(ref: string, width = 1400): Promise<Raster> {
  const key = `${ref} ${width}`;
  let found = pictures.get(key);
  if (!found) {
    found = fetch(pictureUrl(ref, width)).then(async (answer) => {
      if (!answer.ok) throw new Error(`The picture '${ref}' is not there any more. Choose another one.`);
      const blob = await answer.blob();
      const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
      return rasterOfImage(bitmap, 3, blob.type === "image/jpeg");
    });
    found.catch(() => pictures.delete(key));
    pictures.set(key, found);
    if (pictures.size > 24) pictures.delete(pictures.keys().next().value!);
  }
  return found;
}

export function usePicture(ref: string | null | undefined): Raster | null {
  const [found, setFound] = useState<Raster | null>(null);
  useEffect(() => {
    let here = true;
    setFound(null);
    if (ref) pictureRaster(ref).then((raster) => here && setFound(raster), () => {});
    return () => { here = false; };
  }, [ref]);
  return found;
}
