// Methods in a chain: add, reorder, remove; the picture after each; the whole thing as Python, command line or TOML.
import { useEffect, useMemo, useState } from "preact/hooks";
import { method, methods, samples, type ChainStep, type MethodDetail, type MethodRow } from "../api";
import { Controls, type Setting } from "../controls/controls";
import { isPicture } from "../controls/guess";
import type { Raster } from "../core/raster";
import { ViewLink } from "../core/view";
import { useLive, type LiveRequest } from "../live";
import { Code } from "../parts/copy";
import { BesideView } from "../parts/beside";
import { PICTURE_EVENT } from "../parts/drop";
import { Export } from "../parts/export";
import { Icon } from "../parts/icon";
import { PaintDialog } from "../parts/paint-dialog";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted, usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture, tell } from "../state";
import { save } from "./method-bars";
import { exactRun, SIZE } from "./run";

const START: ChainStep[] = [
  { method: "image.gaussian_blur", parameters: { sigma: 1 } },
  { method: "image.canny", parameters: { low: 40, high: 120 } },
  { method: "image.dilate", parameters: {} },
];
const START_PICTURE = "sample:camera";

function readSteps(): ChainStep[] {
  try {
    const found = JSON.parse(place.peek().query.get("steps") ?? "null") as ChainStep[] | null;
    if (Array.isArray(found) && found.every((step) => typeof step.method === "string")) return found.map((step) => ({ method: step.method, parameters: step.parameters ?? {} }));
  } catch {
    tell("The pipeline in this address cannot be read; this is the usual one.");
  }
  return START;
}

export default function PipelinePage() {
  const [steps, setSteps] = useState<ChainStep[]>(readSteps);
  const [image, setImage] = useState(place.peek().query.get("image") ?? picture.peek() ?? "");
  const [at, setAt] = useState(steps.length - 1);
  const [split, setSplit] = useState(0);
  const link = useMemo(() => new ViewLink(), []);
  useEffect(() => {
    document.title = "Pipeline · Sightline lab";
    if (!image) samples().then((list) => setImage(list.find((sample) => sample.ref === START_PICTURE)?.ref ?? list[0]?.ref ?? ""), () => {});
    const taken = (event: Event) => setImage((event as CustomEvent<string>).detail);
    document.addEventListener(PICTURE_EVENT, taken);
    return () => document.removeEventListener(PICTURE_EVENT, taken);
  }, []);
  useEffect(() => keep(new URLSearchParams({ image, steps: JSON.stringify(steps) })), [image, steps]);

  const inputs = useMemo(() => ({ image: image.includes("|") ? image.split("|") : image }), [image]);
  const request: LiveRequest | null = image && steps.length ? { pipeline: steps, inputs, steps: true, size: SIZE } : null;
  const live = useLive(request);
  const trace = live.trace.value;
  // the trace may begin with the input: steps of the chain are its last ones
  const lead = Math.max(0, (trace?.steps.length ?? 0) - steps.length);
  const painted = usePainted(trace, Math.min(at, steps.length - 1) + lead);
  const before = usePicture(image.split("|")[0]);
  const change = (index: number, step: ChainStep) => setSteps(steps.map((old, i) => (i === index ? step : old)));
  const move = (index: number, by: number) => {
    const next = [...steps];
    const [taken] = next.splice(index, 1);
    next.splice(index + by, 0, taken!);
    setSteps(next);
    setAt(index + by);
  };
  const remove = (index: number) => { setSteps(steps.filter((_, i) => i !== index)); setAt(Math.max(0, Math.min(at, steps.length - 2))); };
  const add = (name: string) => { setSteps([...steps, { method: name, parameters: {} }]); setAt(steps.length); };
  const saveTrace = () => request && exactRun(request).then((found) => save(found.bytes, "pipeline.trace"), (error: Error) => tell(error.message));
  const [width, height] = trace?.size ?? [3, 2];
  return (
    <main class="page pipeline-page">
      <header class="page-head">
        <div><h1>Pipeline</h1><p class="lead">Each method takes what the one before it gave. Export it and it runs without the lab.</p></div>
        <div class="row actions"><button type="button" onClick={() => void saveTrace()}><Icon name="save" /> Save trace</button></div>
      </header>
      <div class="workbench">
        <section class="side-controls" aria-label="Steps of the pipeline">
          <Picker label="picture" value={image || null} several={image.includes("|")} onValue={(ref) => ref && setImage(ref)} />
          <ol class="chain">
            {steps.map((step, i) => (
              <ChainItem
                key={`${i} ${step.method}`} step={step} index={i} count={steps.length} open={i === at} image={image} before={before} onOpen={() => setAt(i)} onChange={(next) => change(i, next)}
                onMove={(by) => move(i, by)} onRemove={() => remove(i)} wrong={live.error.value?.argument ?? ""}
              />
            ))}
          </ol>
          <AddStep onAdd={add} />
        </section>
        <section class="stage" aria-label="Picture">
          <div class="toolbar row wrap">
            <button type="button" aria-pressed={split > 0} onClick={() => setSplit(split ? 0 : 0.5)}><Icon name="split" /> Before / after</button>
            {split > 0 && <label class="inline split"><span class="sr">Share of the picture before</span><input type="range" min={0.02} max={1} step={0.01} value={split} onInput={(event) => setSplit(Number(event.currentTarget.value))} /></label>}
          </div>
          <p class="step-title" aria-live="polite"><b>{steps.length ? `${at + 1}. ${shortName(steps[at]?.method ?? "")}` : "An empty pipeline: add a method."}</b></p>
          <Picture painted={painted} before={before} split={split} onSplit={setSplit} link={link} aspect={width / height || 1.5} label="Result of the step" onStep={(by) => setAt(Math.max(0, Math.min(steps.length - 1, at + by)))} />
          {painted && <BesideView items={painted.beside} />}
          {live.error.value && <p class="error" role="alert">{live.error.value.message}</p>}
          {trace?.milliseconds !== undefined && <p class="called"><span class="ms">{trace.milliseconds.toFixed(1)} ms</span></p>}
          {trace && steps.length > 1 && (
            <ol class="film" aria-label="Pictures of the steps">
              {steps.map((step, i) => <FilmStep key={`${i} ${step.method}`} trace={trace} index={i + lead} name={shortName(step.method)} current={i === at} onPick={() => setAt(i)} />)}
            </ol>
          )}
        </section>
        <section class="side-info" aria-label="Export">
          <h2>Take it with you</h2>
          {steps.length && image ? <Export inputs={inputs} steps={steps} /> : <Code text="" label="nothing" />}
        </section>
      </div>
    </main>
  );
}

const shortName = (name: string) => name.replace(/^.*\./, "");

function FilmStep({ trace, index, name, current, onPick }: { trace: Parameters<typeof usePainted>[0]; index: number; name: string; current: boolean; onPick: () => void }) {
  const painted = usePainted(trace, index);
  return (
    <li>
      <button type="button" aria-current={current ? "step" : undefined} onClick={onPick}>
        <canvas aria-hidden="true" width={120} height={80} ref={(canvas) => {
          const under = painted?.under;
          const context = canvas?.getContext("2d");
          if (!context) return;
          context.clearRect(0, 0, 120, 80);
          if (!under) return;
          const scale = Math.min(120 / under.width, 80 / under.height);
          context.drawImage(under.image, 60 - (under.width * scale) / 2, 40 - (under.height * scale) / 2, under.width * scale, under.height * scale);
        }} />
        <span>{name}</span>
      </button>
    </li>
  );
}

interface ChainItemProps {
  step: ChainStep;
  index: number;
  count: number;
  open: boolean;
  image: string;
  /** The picture that the chain begins with: masks are painted over it. */
  before: Raster | null;
  wrong: string;
  onOpen: () => void;
  onChange: (step: ChainStep) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
}

function ChainItem({ step, index, count, open, image, before, wrong, onOpen, onChange, onMove, onRemove }: ChainItemProps) {
  const [detail, setDetail] = useState<MethodDetail | null>(null);
  useEffect(() => {
    method(step.method).then(setDetail, (error: Error) => tell(error.message));
  }, [step.method]);
  const [painting, setPainting] = useState<string | null>(null);
  const first = detail?.parameters[0];
  const setting = detail && settingOf(step, detail, image);
  const name = shortName(step.method);
  const change = (next: Setting) => {
    const { [first?.name ?? "image"]: _, ...others } = next.inputs;
    onChange({ method: step.method, parameters: { ...next.parameters, ...others } });
  };
  return (
    <li class={open ? "open" : ""}>
      <div class="chain-head">
        <button type="button" class="plain" aria-expanded={open} onClick={onOpen}><span class="count">{index + 1}</span> {name}</button>
        <button type="button" class="icon" aria-label={`Move ${name} up`} disabled={index === 0} onClick={() => onMove(-1)}><Icon name="up" /></button>
        <button type="button" class="icon" aria-label={`Move ${name} down`} disabled={index === count - 1} onClick={() => onMove(1)}><Icon name="down" /></button>
        <button type="button" class="icon" aria-label={`Remove ${name}`} onClick={onRemove}><Icon name="close" /></button>
      </div>
      {open && detail && setting && <Controls detail={detail} setting={setting} withoutFirst wrong={wrong} onSetting={change} onPaint={setPainting} />}
      {painting && before && setting && <PaintDialog before={before} size={[before.width, before.height]} name={painting} onClose={() => setPainting(null)} onMask={(ref) => { change({ ...setting, inputs: { ...setting.inputs, [painting]: ref } }); setPainting(null); }} />}
    </li>
  );
}

/** A step as its controls take it: what stands for pictures among its parameters goes to the inputs. */
function settingOf(step: ChainStep, detail: MethodDetail, image: string): Setting {
  const first = detail.parameters[0];
  const others = new Set(detail.parameters.slice(1).filter(isPicture).map((parameter) => parameter.name));
  const inputs: Record<string, string> = { [first?.name ?? "image"]: image };
  const parameters: Setting["parameters"] = {};
  for (const [name, value] of Object.entries(step.parameters)) {
    if (others.has(name) && typeof value === "string") inputs[name] = value;
    else parameters[name] = value;
  }
  return { method: step.method, inputs, parameters };
}

function AddStep({ onAdd }: { onAdd: (name: string) => void }) {
  const [rows, setRows] = useState<MethodRow[]>([]);
  useEffect(() => {
    methods().then((fields) => setRows(fields.flatMap((field) => field.methods).filter((row) => ["image", "mask", "labels"].includes(row.first) && row.field !== "metrics" && row.task !== "files")), () => {});
  }, []);
  const tasks = [...new Set(rows.map((row) => row.task))].sort();
  return (
    <label class="add-step">
      <Icon name="plus" /><span class="sr">Add a method</span>
      <select value="" onChange={(event) => { const { value } = event.currentTarget; event.currentTarget.value = ""; if (value) onAdd(value); }}>
        <option value="">Add a method…</option>
        {tasks.map((task) => <optgroup key={task} label={task}>{rows.filter((row) => row.task === task).map((row) => <option key={row.name} value={`${row.field}.${row.name}`}>{row.name}</option>)}</optgroup>)}
      </select>
    </label>
  );
}
