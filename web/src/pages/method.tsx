// The page of a method, made from the catalogue alone: controls, the picture live, its steps, its code, its proof.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { method, methods, samples, type MethodDetail, type MethodRow, type Parameter } from "../api";
import { isPicture } from "../controls/guess";
import { Controls, type Setting } from "../controls/controls";
import { ViewLink } from "../core/view";
import { About, EvidenceRows } from "../parts/about";
import { PICTURE_EVENT } from "../parts/drop";
import { Export } from "../parts/export";
import { Icon } from "../parts/icon";
import { PaintDialog } from "../parts/paint-dialog";
import { placeTool } from "../parts/places";
import { StepScrubber } from "../parts/scrubber";
import { SourceView } from "../parts/source";
import { Tabs, type Tab } from "../parts/tabs";
import { usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { inline } from "../text/markdown";
import { picture } from "../state";
import type { FrameSource } from "../frames";
import { carriedOver, readSetting, writeSetting } from "./method-state";
import { inputsOf, useFrames, useRun } from "./run";
import { FrameBar, PageActions } from "./method-bars";
import { Stage } from "./stage";

export function MethodPage({ name }: { name: string }) {
  const [detail, setDetail] = useState<MethodDetail | null>(null);
  const [fallback, setFallback] = useState("");
  const [error, setError] = useState("");
  useEffect(() => {
    setDetail(null);
    setError("");
    method(name).then(setDetail, (problem: Error) => setError(problem.message));
    samples().then((list) => setFallback(list[0]?.ref ?? ""), () => {});
  }, [name]);
  useEffect(() => {
    document.title = `${name} · Sightline lab`;
  }, [name]);
  if (error) return <main class="page"><h1>{name}</h1><p class="error" role="alert">{error}</p><p><a href="/">All methods</a></p></main>;
  if (!detail || !fallback) return <main class="page" aria-busy="true"><h1>{name}</h1></main>;
  return <Loaded key={name} detail={detail} fallback={detail.sample || fallback} />;
}

function withPicture(detail: MethodDetail, setting: Setting, fallback: string): Setting {
  const first = detail.parameters[0];
  if (!first || !isPicture(first) || setting.inputs[first.name]) return setting;
  return { ...setting, inputs: { [first.name]: picture.value ?? fallback, ...setting.inputs } };
}

function Loaded({ detail, fallback }: { detail: MethodDetail; fallback: string }) {
  const query = useRef(place.peek().query).current;
  const [a, setA] = useState<Setting>(() => withPicture(detail, readSetting(detail, query), fallback));
  const [b, setB] = useState<Setting | null>(null);
  const [detailB, setDetailB] = useState<MethodDetail | null>(null);
  const [side, setSide] = useState<"a" | "b">("a");
  const [step, setStep] = useState<number | null>(query.has("_step") ? Number(query.get("_step")) : null);
  const [split, setSplit] = useState(Number(query.get("_split") ?? 0));
  const [tab, setTab] = useState(query.get("_tab") ?? "code");
  const [picking, setPicking] = useState<Parameter | null>(null);
  const [painting, setPainting] = useState<string | null>(null);
  const link = useMemo(() => new ViewLink(), []);
  const [source, setSource] = useState<FrameSource | null>(null);
  const shared = { held: source !== null, whole: step !== null };
  const runA = useRun(detail.runs ? a : null, { ...shared, quick: isQuick(detail) });
  const runB = useRun(b, { ...shared, quick: isQuick(detailB) });
  const frames = useFrames(source, b ? [runA, runB] : [runA]);

  useEffect(() => {
    const other = query.get("b");
    if (other) void method(other).then((found) => { setDetailB(found); setB(withPicture(found, readSetting(found, query, "b."), Object.values(a.inputs)[0] ?? fallback)); }, () => {});
  }, []);
  useEffect(() => {
    const first = detail.parameters[0];
    const taken = (event: Event) => {
      const ref = (event as CustomEvent<string>).detail;
      if (!first || !isPicture(first)) return;
      setSource(null);
      for (const put of [setA, setB] as ((change: (old: Setting | null) => Setting | null) => void)[]) {
        put((old) => old && { ...old, inputs: { ...old.inputs, [Object.keys(old.inputs)[0] ?? first.name]: ref } });
      }
    };
    document.addEventListener(PICTURE_EVENT, taken);
    return () => document.removeEventListener(PICTURE_EVENT, taken);
  }, []);
  useEffect(() => {
    const next = new URLSearchParams();
    writeSetting(a, next);
    if (b) {
      next.set("b", b.method);
      writeSetting(b, next, "b.");
    }
    if (step !== null) next.set("_step", String(step));
    if (split) next.set("_split", split.toFixed(2));
    if (tab !== "code") next.set("_tab", tab);
    keep(next);
  }, [a, b, step, split, tab]);

  const compare = (name: string) => void method(name).then((found) => {
    setDetailB(found);
    setB(name === a.method ? { ...a, parameters: { ...a.parameters } } : carriedOver(a, found));
    setSide("b");
  });
  const stopComparing = () => { setB(null); setDetailB(null); setSide("a"); };

  const inB = side === "b" && b && detailB;
  const [setting, current, run, set] = inB ? [b, detailB, runB, setB] as const : [a, detail, runA, setA] as const;
  const change = (next: Setting) => {
    if (next.inputs !== setting.inputs) setSource(null);
    set(next);
  };
  const trace = run.trace;
  const names = (trace?.steps ?? []).map((item) => item.name);
  const last = Math.max(0, names.length - 1);
  const at = step === null ? last : Math.min(step, last);
  const go = (index: number) => setStep(index === last ? null : index);
  const now = trace?.steps[at];
  const firstRef = Object.values(a.inputs)[0]?.split("|")[0];
  const still = usePicture(source ? null : firstRef);
  const before = source ? frames.before : still;
  const tool = useMemo(
    () => picking && placeTool(picking, setting.parameters[picking.name], (value) => set({ ...setting, parameters: { ...setting.parameters, [picking.name]: value } })),
    [picking, side],
  );
  const first = detail.parameters[0];
  const takesPicture = first !== undefined && isPicture(first);
  const lines = useMemo(() => new Map((trace?.steps ?? []).filter((item) => item.line && item.file === current.source?.file).map((item) => [item.line!, item.name])), [trace, current]);
  const lit = now?.line && (!now.file || now.file === current.source?.file) ? now.line : null;
  // what does not change with every frame is kept: the source alone has hundreds of lines
  const info = useMemo(() => {
    const tabs: Tab[] = [
      { id: "code", title: "Code", body: () => current.source ? <SourceView source={current.source} line={lit} steps={lines} onLine={(line) => go(trace!.steps.findIndex((item) => item.line === line))} /> : <p>No source is at hand.</p> },
      { id: "use", title: "Use it", body: () => <Export inputs={inputsOf(setting)} steps={[{ method: setting.method, parameters: setting.parameters }]} /> },
      { id: "about", title: "About", body: () => <About detail={current} /> },
      { id: "evidence", title: "Evidence", body: () => <EvidenceRows rows={current.evidence} bench={current.bench} /> },
    ];
    return <Tabs tabs={tabs} at={tab} onTab={setTab} label="Code and facts" />;
  }, [current, setting, tab, lit, lines]);
  const wrong = run.error?.argument ?? "";
  const controls = useMemo(() => current.runs && (
    <Controls
      detail={current} setting={setting} onSetting={change} onFrames={takesPicture ? setSource : undefined} onPaint={setPainting}
      onPick={takesPicture ? (parameter) => setPicking(picking?.name === parameter.name ? null : parameter) : undefined} picking={picking?.name ?? null} wrong={wrong}
    />
  ), [current, setting, picking, wrong]);
  const stage = { at: step, split: takesPicture ? split : 0, onSplit: setSplit, link, before, onStep: (by: number) => go(Math.max(0, Math.min(last, at + by))) };
  return (
    <main class="page method">
      <header class="page-head">
        <div>
          <h1>{detail.name} <small>{detail.field} · {detail.task} · {detail.paper}</small></h1>
          <p class="lead" dangerouslySetInnerHTML={{ __html: inline(detail.summary) }} />
        </div>
        {detail.runs && <PageActions setting={a} trace={runA.trace} />}
      </header>
      <div class="workbench">
        <section class="side-controls" aria-label="Controls">
          {b && detailB && (
            <div class="segments ab" role="group" aria-label="Which setting the controls change">
              <button type="button" aria-pressed={side === "a"} onClick={() => setSide("a")}>A {detail.name}</button>
              <button type="button" aria-pressed={side === "b"} onClick={() => setSide("b")}>B {detailB.name}</button>
            </div>
          )}
          {controls}
        </section>
        {!detail.runs ? <section class="stage" aria-label="Picture"><p class="lead">{detail.why_not}</p></section> : <section class="stage" aria-label="Picture">
          <div class="toolbar row wrap">
            {takesPicture && <button type="button" aria-pressed={split > 0} onClick={() => setSplit(split > 0 ? 0 : 0.5)}><Icon name="split" /> Before / after</button>}
            {b ? <button type="button" aria-pressed="true" onClick={stopComparing}><Icon name="compare" /> Stop comparing</button> : <CompareMenu current={a.method} onChoose={compare} />}
            {split > 0 && <label class="inline split"><span class="sr">Share of the picture before</span><input type="range" min={0.02} max={1} step={0.01} value={split} onInput={(event) => setSplit(Number(event.currentTarget.value))} /></label>}
          </div>
          {source && <FrameBar source={source} rate={frames.rate} onStop={() => setSource(null)} />}
          <div class={b ? "pair" : "single"}>
            <Stage {...stage} run={runA} detail={detail} setting={a} tool={side === "a" ? tool : null} title={b ? "A" : ""} />
            {b && detailB && <Stage {...stage} run={runB} detail={detailB} setting={b} tool={side === "b" ? tool : null} title="B" />}
          </div>
          {names.length > 1 && <StepScrubber names={names} index={at} onIndex={go} />}
        </section>}
        <section class="side-info" aria-label="Code and facts">
          {info}
        </section>
      </div>
      {painting && before && <PaintDialog before={before} size={trace?.size ?? [before.width, before.height]} name={painting} onClose={() => setPainting(null)} onMask={(ref) => { set({ ...setting, inputs: { ...setting.inputs, [painting]: ref } }); setPainting(null); }} />}
    </main>
  );
}

/** Whether the result is a picture: alone it looks like the last step. */
function isQuick(detail: MethodDetail | null): boolean {
  return detail !== null && ["image", "mask", "labels"].includes(detail.returns);
}

function CompareMenu({ current, onChoose }: { current: string; onChoose: (name: string) => void }) {
  const [rows, setRows] = useState<MethodRow[]>([]);
  useEffect(() => {
    methods().then((fields) => setRows(fields.flatMap((field) => field.methods)), () => {});
  }, []);
  const mine = rows.find((row) => `${row.field}.${row.name}` === current);
  const near = rows.filter((row) => row !== mine && row.task === mine?.task);
  const others = rows.filter((row) => row !== mine && row.task !== mine?.task && row.first === mine?.first);
  return (
    <label class="compare-with">
      <Icon name="compare" /><span class="sr">Compare with</span>
      <select value="" onChange={(event) => { const { value } = event.currentTarget; event.currentTarget.value = ""; if (value) onChoose(value); }}>
        <option value="">Compare…</option>
        <option value={current}>with another setting</option>
        {near.length > 0 && <optgroup label="Same task">{near.map((row) => <option key={row.name} value={`${row.field}.${row.name}`}>{row.name}</option>)}</optgroup>}
        <optgroup label="Others">{others.map((row) => <option key={row.name} value={`${row.field}.${row.name}`}>{row.name}</option>)}</optgroup>
      </select>
    </label>
  );
}
