// One setting on the stage: its picture at a step, what stands beside it, how it was called and how long it took.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { MethodDetail } from "../api";
import type { Setting } from "../controls/controls";
import type { Raster } from "../core/raster";
import type { Tool, ViewLink } from "../core/view";
import { BesideView } from "../parts/beside";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { callLine } from "./method-state";
import type { Run } from "./run";

export interface StageProps {
  run: Run;
  detail: MethodDetail;
  setting: Setting;
  /** The step to show; null is the last one. */
  at: number | null;
  split: number;
  onSplit: (share: number) => void;
  link: ViewLink;
  before: Raster | null;
  tool: Tool | null;
  title: string;
  onStep: (by: number) => void;
}

export function Stage({ run, detail, setting, at, split, onSplit, link, before, tool, title, onStep }: StageProps) {
  const { trace } = run;
  const last = (trace?.steps.length ?? 1) - 1;
  const index = at === null ? last : Math.min(at, last);
  const step = trace?.steps[index];
  const shown = at === null ? run.latest : trace;
  const painted = usePainted(shown, at === null ? (shown?.steps.length ?? 1) - 1 : index);
  const [wide, high] = shown?.size ?? [3, 2];
  const second = painted?.second; // matches lie between two pictures
  const [width, height] = second ? [painted.width + second.width, Math.max(painted.height, second.height)] : [wide, high];
  const box = useRef<HTMLDivElement>(null);
  const visual = !painted || painted.under !== null || painted.strokes.length > 0;
  // a step without a picture keeps the place of one: what is below does not jump
  const tall = useRef(0);
  useLayoutEffect(() => {
    if (visual && painted) tall.current = box.current!.offsetHeight;
  });
  return (
    <div class="stage-view">
      <p class="step-title" aria-live="polite">
        {title && <b class="side">{title}</b>} <b>{step ? step.name : "…"}</b> <span>{step?.note}</span>
      </p>
      <div style={visual ? undefined : { minHeight: `${tall.current}px` }}>
      <div ref={box} hidden={!visual}>
        <Picture
          painted={painted} before={before} split={split} onSplit={onSplit} link={link} tool={tool} aspect={width / height || 1.5} tick={setting}
          label={`${detail.name}${title && `, ${title}`}`} onStep={onStep} onExact={run.exact}
        />
      </div>
      {painted && <BesideView items={painted.beside} />}
      </div>
      {run.error && <p class="error" role="alert">{run.error.message}</p>}
      <p class="called"><code>{callLine(detail, setting)}</code> <span class="ms" data-latency={run.latency.toFixed(0)}>{shown?.milliseconds !== undefined ? `${shown.milliseconds.toFixed(1)} ms` : ""}</span></p>
    </div>
  );
}
