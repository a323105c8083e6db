// A mask of a room: painted over the picture, sent to the server after each stroke.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { pictureUrl, type Uploaded } from "../api";
import type { Painted } from "../core/painted";
import type { Raster } from "../core/raster";
import { MaskLayer } from "../parts/brush";
import { usePicture } from "../parts/use-painted";

/** A picture as a step that can be painted on. */
export function asPainted(raster: Raster | null, name: string): Painted | null {
  return raster && { name, width: raster.width, height: raster.height, under: raster, over: [], strokes: [], second: null, beside: [] };
}

export interface RoomMask {
  layer: MaskLayer | null;
  /** The mask on the server; null while there is none, and where nothing is painted and nothing was to begin with. */
  ref: string | null;
  /** What it is painted over. */
  picture: Raster | null;
  error: string;
  /** Send what is painted now. */
  send(): void;
}

/** A mask over a picture. It begins with `saved`, a reference, where that is still there, else with what `begin` paints. */
export function useMask(size: Uploaded | null, saved: string | null, begin: ((layer: MaskLayer) => void) | null, colour?: string): RoomMask {
  const [ref, setRef] = useState<string | null>(null);
  const [error, setError] = useState("");
  const picture = usePicture(size?.ref);
  const layer = useMemo(() => (size ? new MaskLayer(size.width, size.height, colour) : null), [size]);
  const kept = useRef(saved);
  const send = () => {
    if (!layer) return;
    if (!begin && layer.isEmpty) setRef(null);
    else layer.upload().then((found) => { setRef(found.ref); setError(""); }, (problem: Error) => setError(problem.message));
  };
  useEffect(() => {
    if (!layer) return;
    setRef(null);
    const fresh = () => {
      begin?.(layer);
      if (begin) send();
    };
    const old = kept.current;
    kept.current = null;
    if (old?.includes(":")) restore(layer, old).then(send, fresh);
    else fresh();
  }, [layer]);
  return { layer, ref, picture, error, send };
}

/** Paint a mask that the server still has: white where it is white. */
async function restore(layer: MaskLayer, ref: string): Promise<void> {
  const answer = await fetch(pictureUrl(ref));
  if (!answer.ok) throw new Error(`The mask '${ref}' is not there any more.`);
  const context = layer.canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(await createImageBitmap(await answer.blob()), 0, 0, layer.width, layer.height);
  const pixels = context.getImageData(0, 0, layer.width, layer.height);
  for (let i = 0; i < pixels.data.length; i += 4) pixels.data[i + 3] = pixels.data[i]! > 127 ? 255 : 0;
  context.putImageData(pixels, 0, 0);
}
