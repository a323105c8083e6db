// Running a setting: live over the socket, exact on demand, frame by frame from a camera.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { postRaw, type ApiError } from "../api";
import type { Setting } from "../controls/controls";
import { readTrace, type Trace } from "../core/trace";
import type { FrameSource } from "../frames";
import { useLive, type LiveRequest } from "../live";
import { rasterOfImage, type Raster } from "../core/raster";

export const SIZE = 1_000_000;

export function requestOf(setting: Setting): LiveRequest {
  const inputs = Object.fromEntries(Object.entries(setting.inputs).map(([name, ref]) => [name, ref.includes("|") ? ref.split("|") : ref]));
  return { method: setting.method, inputs, parameters: setting.parameters, steps: true, size: SIZE };
}

export interface Run {
  trace: Trace | null;
  error: ApiError | null;
  busy: boolean;
  /** Milliseconds from asking to the answer. */
  latency: number;
  /** Ask for the trace without loss: numbers that can be read off. */
  exact(): void;
  /** Run on a frame; settles when its answer is there. */
  frame(jpeg: Uint8Array): Promise<void>;
}

/** Run a setting whenever it changes; null runs nothing, `held` waits (frames come instead). */
export function useRun(setting: Setting | null, held = false): Run {
  const request = useMemo(() => (setting ? requestOf(setting) : null), [JSON.stringify(setting)]);
  const live = useLive(held ? null : request);
  const [exactTrace, setExact] = useState<{ of: Trace; trace: Trace } | null>(null);
  const latest = useRef(request);
  latest.current = request;
  const trace = live.trace.value;
  const run: Run = {
    trace: request ? (exactTrace && exactTrace.of === trace ? exactTrace.trace : trace) : null,
    error: live.error.value,
    busy: live.busy.value,
    latency: live.latency.value,
    exact: () => {
      if (held || !latest.current || !trace) return;
      void exactRun(latest.current).then((found) => setExact({ of: trace, trace: found }), () => {});
    },
    frame: (jpeg) => {
      if (!latest.current) return Promise.resolve();
      const inputs = Object.fromEntries(Object.entries(latest.current.inputs).slice(1));
      return live.ask({ ...latest.current, inputs }, jpeg);
    },
  };
  return run;
}

/** The trace of a request as it is saved: lossless. */
export async function exactRun(request: LiveRequest): Promise<Trace> {
  const { method, pipeline, ...rest } = request;
  const answer = pipeline
    ? await postRaw("/api/pipeline", { inputs: rest.inputs, steps: pipeline, size: rest.size })
    : await postRaw(`/api/run/${method}`, { ...rest, as: "trace" });
  return readTrace(await answer.arrayBuffer());
}

export interface Frames {
  /** The frame that is shown, as the picture before. */
  before: Raster | null;
  rate: number;
}

/** Feed frames of a source to runs, the next one being taken while the last one is worked on. */
export function useFrames(source: FrameSource | null, runs: Run[]): Frames {
  const [before, setBefore] = useState<Raster | null>(null);
  const [rate, setRate] = useState(0);
  const latest = useRef(runs);
  latest.current = runs;
  useEffect(() => {
    if (!source) return;
    let on = true;
    const loop = async () => {
      let next = source.take();
      let [count, since] = [0, performance.now()];
      while (on) {
        const frame = await next;
        if (!on) return;
        if (!frame) {
          await new Promise((resolve) => setTimeout(resolve, 40));
          next = source.take();
          continue;
        }
        next = source.take();
        await Promise.all(latest.current.map((run) => run.frame(frame.jpeg)));
        setBefore(rasterOfImage(frame.image, 3, true));
        count++;
        const now = performance.now();
        if (now - since > 1000) {
          setRate((count * 1000) / (now - since));
          [count, since] = [0, now];
        }
        while (on && source.paused) await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    void loop();
    return () => {
      on = false;
      source.close();
      setRate(0);
    };
  }, [source]);
  return { before: source ? before : null, rate };
}
