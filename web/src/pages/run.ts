// Running a setting: live over the socket, exact on demand, frame by frame from a camera.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { postRaw, type ApiError } from "../api";
import type { Setting } from "../controls/controls";
import { readTrace, type Trace } from "../core/trace";
import type { Frame, FrameSource } from "../frames";
import { useLive, type LiveRequest, type Sent } from "../live";
import { rasterOfImage, type Raster } from "../core/raster";

export const SIZE = 1_000_000;

/** The pictures of a setting by name; several of one name as a list. */
export function inputsOf(setting: Setting): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(setting.inputs).map(([name, ref]) => [name, ref.includes("|") ? ref.split("|") : ref]));
}

export function requestOf(setting: Setting): LiveRequest {
  return { method: setting.method, inputs: inputsOf(setting), parameters: setting.parameters, steps: true, size: SIZE };
}

export interface Run {
  /** The newest trace with all its steps. */
  trace: Trace | null;
  /** The newest answer: while a slider moves it has the result alone. */
  latest: Trace | null;
  error: ApiError | null;
  busy: boolean;
  /** Milliseconds from asking to the answer. */
  latency: number;
  /** Ask for the trace without loss: numbers that can be read off. */
  exact(): void;
  /** Run on a frame. */
  frame(jpeg: Uint8Array): Sent;
}

export interface RunOptions {
  /** Wait: frames come instead. */
  held?: boolean;
  /** A step before the last is looked at: every answer must have them all. */
  whole?: boolean;
  /** The result alone looks like the last step, so it may come first. */
  quick?: boolean;
}

const STILL_MS = 280;

/** Run a setting whenever it changes; null runs nothing. The result comes first, the steps when the slider rests. */
export function useRun(setting: Setting | null, { held = false, whole = false, quick = false }: RunOptions = {}): Run {
  const text = setting ? JSON.stringify(requestOf(setting)) : "";
  const request = useMemo(() => (text ? (JSON.parse(text) as LiveRequest) : null), [text]);
  const live = useLive();
  const full = useRef<Trace | null>(null);
  const [exactTrace, setExact] = useState<{ of: Trace; trace: Trace } | null>(null);
  const latest = live.trace.value;
  if (latest && live.answered.peek()?.steps !== false) full.current = latest;
  if (!request) full.current = null;
  const fast = quick && !whole;
  useEffect(() => {
    if (!request || held) return;
    if (!fast || !full.current) {
      live.send(request);
      return;
    }
    live.send({ ...request, steps: false });
    const timer = setTimeout(() => live.send(request), STILL_MS);
    return () => clearTimeout(timer);
  }, [request, held]);
  const { current } = full;
  const trace = current && exactTrace?.of === current ? exactTrace.trace : current;
  return {
    trace: request ? trace : null,
    latest: request ? (latest === current ? trace : latest) : null,
    error: live.error.value,
    busy: live.busy.value,
    latency: live.latency.value,
    exact: () => {
      if (held || !request || !current || latest !== current) return;
      void exactRun(request).then((found) => setExact({ of: current, trace: found }), () => {});
    },
    frame: (jpeg) => {
      if (!request) return { room: Promise.resolve(), landed: Promise.resolve() };
      const inputs = Object.fromEntries(Object.entries(request.inputs).slice(1));
      return live.frame({ ...request, inputs, steps: !fast }, jpeg);
    },
  };
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

/** The newest frame as one raster that stays: it is drawn with the answer, and nothing is rendered for it alone. */
class FrameRaster implements Raster {
  private now: Raster;
  readonly lossy = true;
  readonly width: number;
  readonly height: number;
  constructor(private frame: Frame) {
    this.now = rasterOfImage(frame.image, 3, true);
    ({ width: this.width, height: this.height } = this.now);
  }
  get image(): CanvasImageSource {
    return this.now.image;
  }
  read(x: number, y: number): number[] {
    return this.now.read(x, y);
  }
  fits(frame: Frame): boolean {
    return frame.image.width === this.width && frame.image.height === this.height;
  }
  turn(frame: Frame): void {
    if (frame !== this.frame) this.frame.close();
    this.frame = frame;
    this.now = rasterOfImage(frame.image, 3, true);
  }
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
    let [count, since] = [0, performance.now()];
    let kept: FrameRaster | null = null;
    const answered = (frame: Frame) => {
      if (kept?.fits(frame)) kept.turn(frame);
      else setBefore((kept = new FrameRaster(frame)));
      count++;
      const now = performance.now();
      if (now - since > 1000) {
        setRate((count * 1000) / (now - since));
        [count, since] = [0, now];
      }
    };
    const loop = async () => {
      let next = source.take();
      while (on) {
        const frame = await next;
        if (!on) return;
        if (!frame) {
          await new Promise((resolve) => setTimeout(resolve, 40));
          next = source.take();
          continue;
        }
        next = source.take();
        const sent = latest.current.map((run) => run.frame(frame.jpeg));
        void Promise.all(sent.map((one) => one.landed)).then(() => {
          if (on) answered(frame);
        });
        await Promise.all(sent.map((one) => one.room));
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
