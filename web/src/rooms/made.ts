// What rooms make on the server before they begin: a picture that a method gives, as a picture to go on with.
import { useEffect, useState } from "preact/hooks";
import { call, pictureUrl, postRaw, samples, upload, type Json, type Uploaded } from "../api";
import { exactRun } from "../pages/run";
import type { LiveRequest } from "../live";
import { blobOf, bytesOf, type Trace } from "../core/trace";

const kept = new Map<string, Promise<Uploaded>>();

function once(key: string, make: () => Promise<Uploaded>): Promise<Uploaded> {
  let found = kept.get(key);
  if (!found) {
    found = make();
    found.catch(() => kept.delete(key));
    kept.set(key, found);
    if (kept.size > 40) kept.delete(kept.keys().next().value!);
  }
  return found;
}

export interface Made {
  value: Uploaded | null;
  error: string;
}

function useMade(key: string, make: () => Promise<Uploaded>): Made {
  const [found, setFound] = useState<Made>({ value: null, error: "" });
  useEffect(() => {
    let here = true;
    once(key, make).then(
      (value) => here && setFound({ value, error: "" }),
      (problem: Error) => here && setFound({ value: null, error: problem.message }),
    );
    return () => { here = false; };
  }, [key]);
  return found;
}

async function resultOf(method: string, inputs: Record<string, string>, parameters: Record<string, Json>, size: number): Promise<Uploaded> {
  const answer = await postRaw(`/api/run/${method}`, { inputs, parameters, steps: false, size, as: "picture" });
  return upload(await answer.blob());
}

/** The picture that a method makes of others, kept on the server: what comes next starts from it. */
export function useResult(method: string, inputs: Record<string, string>, parameters: Record<string, Json>, size = 400_000): Made {
  return useMade(JSON.stringify([method, inputs, parameters, size]), () => resultOf(method, inputs, parameters, size));
}

/** A picture at most `width` wide, with its size: methods that count in pixels need to know it. Samples are small as they are. */
export function useSized(ref: string, width = 640): Made {
  return useMade(`${ref} ${width}`, async () => {
    const sample = (await samples()).find((one) => one.ref === ref);
    if (sample) return sample;
    const blob = await (await call(pictureUrl(ref, width))).blob();
    return upload(blob);
  });
}

/** The picture in grey, be it in colour or not: the first step of Otsu's method is just that. */
export function useGrey(ref: string): Made {
  return useMade(`grey ${ref}`, async () => {
    const trace = await exactRun({ method: "image.otsu_threshold", inputs: { image: ref }, parameters: {}, steps: true, size: 400_000 });
    const entry = blobOf(trace.steps[0]!.layers[0]!["image"]);
    if (entry?.as !== "png") throw new Error("This picture cannot be made grey. Choose another one.");
    return upload(new Blob([bytesOf(trace, entry)], { type: "image/png" }));
  });
}

/** The trace without loss, asked for when a request has rested a moment: numbers that can be read off. */
export function useExact(request: LiveRequest | null, rest = 200): Trace | null {
  const text = request ? JSON.stringify(request) : "";
  const [found, setFound] = useState<{ of: string; trace: Trace } | null>(null);
  useEffect(() => {
    if (!text) return;
    let here = true;
    const timer = setTimeout(() => exactRun(JSON.parse(text) as LiveRequest).then((trace) => here && setFound({ of: text, trace }), () => {}), rest);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [text]);
  return found?.of === text ? found.trace : null;
}
