// Codes: read from a photo or the camera, step by step, and made from typed text.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Json } from "../api";
import { ViewLink } from "../core/view";
import type { FrameSource } from "../frames";
import { FrameBar } from "../pages/method-bars";
import { useFrames, useRun } from "../pages/run";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { codesIn, type Found } from "./codes-found";
import { MakeCode, readMade, type Made } from "./codes-make";
import { Choice, Room } from "./frame";
import "./codes.css";

const KINDS: [string, string][] = [["qr", "QR"], ["ean13", "EAN-13"], ["upca", "UPC-A"], ["ean8", "EAN-8"], ["code128", "Code 128"]];
const NAMES = new Map(KINDS);

export default function CodesRoom() {
  const query = useRef(place.peek().query).current;
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:codes");
  const [kinds, setKinds] = useState<string[]>(() => (query.get("kinds") ?? "").split(" ").filter((kind) => NAMES.has(kind)));
  const [effort, setEffort] = useState<"quick" | "thorough">(query.get("effort") === "quick" ? "quick" : "thorough");
  const [step, setStep] = useState<number | null>(query.has("step") ? Number(query.get("step")) : null);
  const [made, setMade] = useState<Made>(() => readMade(query));
  const [source, setSource] = useState<FrameSource | null>(null);
  const [seen, setSeen] = useState<Found[]>([]);
  const link = useMemo(() => new ViewLink(), []);

  const parameters: Record<string, Json> = { ...(kinds.length ? { kinds } : {}), ...((source ? "quick" : effort) === "quick" ? { effort: "quick" } : {}) };
  const run = useRun({ method: "image.scan_codes", inputs: { image }, parameters }, { held: source !== null, whole: step !== null });
  const frames = useFrames(source, [run]);
  const { trace } = run;
  const last = Math.max(0, (trace?.steps.length ?? 1) - 1);
  const at = step === null ? last : Math.min(step, last);
  const painted = usePainted(trace, at);
  const found = useMemo(() => (trace ? codesIn(trace) : []), [trace]);
  const [width, height] = trace?.size ?? [4, 3];

  useEffect(() => {
    if (source && found.length) setSeen((old) => [...old, ...found.filter((code) => !old.some((other) => other.kind === code.kind && other.text === code.text))].slice(-20));
  }, [found, source]);
  useEffect(() => {
    const next = new URLSearchParams({ image });
    if (kinds.length) next.set("kinds", kinds.join(" "));
    if (effort === "quick") next.set("effort", effort);
    if (step !== null) next.set("step", String(step));
    for (const [name, value] of Object.entries(made)) next.set(`make.${name}`, String(value));
    keep(next);
  }, [image, kinds, effort, step, made]);

  const choose = (ref: string) => {
    setSource(null);
    setImage(ref);
  };
  const start = (next: FrameSource) => {
    setSeen([]);
    setStep(null);
    setSource(next);
  };
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => ref && choose(ref)} onFrames={start} />
      <p class="hint">A photo with a code on it, or the camera: hold a code before it.</p>
      <div class="control" role="group" aria-label="Kinds">
        <span class="label">Kinds</span>
        <div class="segments">
          {KINDS.map(([kind, title]) => <button type="button" class="small" key={kind} aria-pressed={kinds.includes(kind)} onClick={() => setKinds(kinds.includes(kind) ? kinds.filter((item) => item !== kind) : [...kinds, kind])}>{title}</button>)}
        </div>
        <p class="hint">What to look for; none chosen looks for all.</p>
      </div>
      <Choice label="Effort" value={source ? "quick" : effort} options={[["thorough", "Thorough"], ["quick", "Quick"]]} onValue={setEffort} text="Quick looks once, as for the frames of a camera; thorough tries other thresholds and sizes while nothing is found." />
    </>
  );
  const shown = source ? seen : found;
  return (
    <Room
      title="Code scanner" lead="QR codes and bar codes are found, straightened, read and checked. Step through it: the light is evened out, three eyes give the corners, the grid is sampled, and what the parity bytes confirm is told."
      methods={["image.scan_codes", "image.make_code"]} lesson={{ id: "w2d6", title: "Votes: lines, circles, pages, roads, codes" }} controls={controls} onPicture={choose} error={run.error?.message ?? ""}
      program={{ inputs: { image }, steps: [{ method: "image.scan_codes", parameters }] }}
    >
      {source && <FrameBar source={source} rate={frames.rate} onStop={() => setSource(null)} />}
      <div class="codes-stage">
        <figure>
          <figcaption><b>{trace?.steps[at]?.name ?? "…"}</b> {trace?.steps[at]?.note}</figcaption>
          <Picture painted={painted} link={link} label="Picture with its codes" aspect={width / height} onExact={run.exact} />
        </figure>
        <section aria-label="What was found">
          <p role="status" class="codes-count" data-codes={shown.length}>{!trace ? "…" : shown.length ? `${shown.length} ${shown.length === 1 ? "code" : "codes"}${source ? " so far" : ""}.` : "No code is found. Another picture, or the thorough effort, may help."}</p>
          <ul class="codes-list">
            {shown.map((code, i) => (
              <li key={i}>
                <b>{NAMES.get(code.kind) ?? code.kind}</b>
                <span class="codes-text">{code.text}</span>
                {code.version !== null && <span class="hint">version {code.version}, level {code.level}, mask {code.mask}; {code.corrected} wrong {code.corrected === 1 ? "byte" : "bytes"} put right</span>}
              </li>
            ))}
          </ul>
        </section>
      </div>
      {!source && trace && trace.steps.length > 1 && <StepScrubber names={trace.steps.map((item) => item.name)} index={at} onIndex={(index) => setStep(index === last ? null : index)} />}
      <MakeCode made={made} onMade={setMade} onScan={choose} />
    </Room>
  );
}
