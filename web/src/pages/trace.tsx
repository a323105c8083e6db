// A trace file played: its own steps, without the server's methods.
import { useEffect, useState } from "preact/hooks";
import type { Trace } from "../core/trace";
import { BesideView } from "../parts/beside";
import { openTrace } from "../parts/drop";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { painted as paint, usePainted } from "../parts/use-painted";
import { openedTrace } from "../state";
import type { Raster } from "../core/raster";

export default function TracePage() {
  const opened = openedTrace.value;
  useEffect(() => {
    document.title = `${opened?.name ?? "Trace"} · Sightline lab`;
  }, [opened]);
  return (
    <main class="page trace-page">
      <h1>{opened ? opened.name : "Play a trace"}</h1>
      <p class="lead">{opened ? <>Steps of <a href={`/method/${opened.trace.method}`}>{opened.trace.method}</a></> : "A trace holds the steps of one call: pictures, numbers and curves in one file. Drop one here, or open it."}</p>
      <p><label class="button">Open a trace file<input type="file" class="sr" accept=".trace" onChange={(event) => { const file = event.currentTarget.files?.[0]; if (file) void openTrace(file); }} /></label></p>
      {opened && <TracePlayer trace={opened.trace} />}
    </main>
  );
}

/** A trace with its scrubber. */
export function TracePlayer({ trace }: { trace: Trace }) {
  const [at, setAt] = useState(0);
  const [split, setSplit] = useState(0);
  const [before, setBefore] = useState<Raster | null>(null);
  const painted = usePainted(trace, at);
  useEffect(() => {
    setAt(0);
    void paint(trace, 0).then((first) => setBefore(first.under));
  }, [trace]);
  const step = trace.steps[at];
  const [width, height] = trace.size ?? [painted?.width ?? 3, painted?.height ?? 2];
  const visual = !painted || painted.under !== null || painted.strokes.length > 0;
  return (
    <section class="trace-player" aria-label={`Steps of ${trace.method}`}>
      <p class="step-title" aria-live="polite"><b>{step?.name}</b> <span>{step?.note}</span></p>
      <div hidden={!visual}><Picture painted={painted} before={before} split={split} onSplit={setSplit} aspect={width / height || 1.5} label={trace.method} onStep={(by) => setAt(Math.max(0, Math.min(trace.steps.length - 1, at + by)))} /></div>
      {painted && <BesideView items={painted.beside} />}
      <StepScrubber names={trace.steps.map((item) => item.name)} index={at} onIndex={setAt} />
    </section>
  );
}

