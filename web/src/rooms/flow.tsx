// The flow room: what moved between two pictures, from coarse to fine, in colours and as arrows, and what is left over.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Json } from "../api";
import { Slider } from "../controls/slider";
import { ViewLink } from "../core/view";
import { BesideView } from "../parts/beside";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { useScene, useTraceOf } from "./asked";
import { Choice, Room } from "./frame";
import "./motion.css";

type Method = "farneback" | "lucas_kanade" | "horn_schunck" | "tv_l1";

const MADE = 6; // steps that the room adds: flow, wheel, arrows, two differences, speeds
const WORDS: Record<Method, string> = {
  farneback: "Each neighbourhood becomes a polynomial; two polynomials tell how far it moved.",
  lucas_kanade: "A window moves as one. Where it is too plain, nothing can be told: black.",
  horn_schunck: "One smooth field for the whole picture: edges of motion are blurred.",
  tv_l1: "A field that may jump: edges of motion stay sharp.",
};
const WINDOWED = ["farneback", "lucas_kanade"];

export default function FlowRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [a, setA] = useState(query.get("a") ?? "scene:fair-12");
  const [b, setB] = useState(query.get("b") ?? "scene:fair-13");
  const [method, setMethod] = useState<Method>((Object.keys(WORDS) as Method[]).find((one) => one === query.get("method")) ?? "farneback");
  const [levels, setLevels] = useState(number("levels", 3));
  const [window, setWindow] = useState(number("window", 15));
  const [spacing, setSpacing] = useState(number("spacing", 16));
  const [step, setStep] = useState<number | null>(query.has("step") ? Number(query.get("step")) : null);
  const link = useMemo(() => new ViewLink(), []);
  const scene = useScene("fair");
  const parameters: Record<string, Json> = { levels, ...(WINDOWED.includes(method) ? { window } : {}) };
  const found = useTraceOf("/api/flow", { a, b, method, parameters, spacing });
  const trace = found.value;
  const count = Math.max(0, (trace?.steps.length ?? 0) - MADE);
  const at = Math.min(step ?? count - 1, count - 1);
  const level = usePainted(trace, Math.max(0, at));
  const [wheel, arrows, before, after, speeds] = [1, 2, 3, 4, 5].map((i) => usePainted(trace, count + i));
  const [top, mean, off, left, known] = (trace?.steps[count]?.note ?? "").split(" ").map(Number);

  useEffect(() => {
    const next = new URLSearchParams({ a, b, method, levels: String(levels), window: String(window), spacing: String(spacing) });
    if (step !== null) next.set("step", String(step));
    keep(next);
  }, [a, b, method, levels, window, spacing, step]);

  const span = (low: number, high: number, step: number, most = high) => ({ low, high, step, least: low, most, log: false });
  const controls = (
    <>
      <Picker label="First picture" value={a} more={scene} onValue={(ref) => ref && setA(ref)} />
      <Picker label="Second picture" value={b} more={scene} onValue={(ref) => ref && setB(ref)} />
      <Choice label="Method" value={method} options={[["farneback", "Farnebäck"], ["lucas_kanade", "Lucas–Kanade"], ["horn_schunck", "Horn–Schunck"], ["tv_l1", "TV-L1"]]} onValue={(next) => { setMethod(next); setStep(null); }} text={WORDS[method]} />
      <Slider label="Levels" value={levels} span={span(0, 6, 1, 8)} onValue={(next) => { setLevels(Math.round(next)); setStep(null); }} text="How often the pictures are halved: with none, motion of more than a pixel or two is lost." />
      {WINDOWED.includes(method) && <Slider label="Window" value={window} span={span(5, 45, 2, 63)} onValue={(next) => setWindow(2 * Math.round((next - 1) / 2) + 1)} text="Side of the square that moves as one, in pixels: wider is surer and coarser." />}
      <Slider label="Arrows" value={spacing} span={span(8, 48, 1, 100)} onValue={(next) => setSpacing(Math.round(next))} text="Pixels between the arrows." />
      {top !== undefined && top > 0 && (
        <figure class="wheel">
          <figcaption>Where to, by hue; the rim is {top.toFixed(1)} pixels a frame</figcaption>
          <Picture painted={wheel!} bare label="Colour wheel" aspect={1} />
        </figure>
      )}
    </>
  );
  const size = trace?.size ?? [4, 3];
  const aspect = size[0] / size[1];
  return (
    <Room
      title="Optical flow" lead="Two pictures, one after the other: where did each pixel go? Small motion is found on small pictures first, and made exact level by level."
      methods={[`motion.${method}`, "image.draw.flow"]} lesson={{ id: "w3d6", title: "Optical flow" }} controls={controls} error={found.error}
    >
      <StepScrubber names={(trace?.steps ?? []).slice(0, count).map((one) => one.name)} index={Math.max(0, at)} onIndex={(index) => setStep(index === count - 1 ? null : index)} />
      <div class="room-pair">
        <figure>
          <figcaption>{trace?.steps[at]?.name ?? "…"}{trace?.steps[at]?.note ? `: ${trace.steps[at]!.note}` : ""}</figcaption>
          <Picture painted={level} link={link} aspect={aspect} label="Flow" />
        </figure>
        <figure>
          <figcaption>The first picture, and where some of its pixels go</figcaption>
          <Picture painted={arrows!} link={link} aspect={aspect} label="Arrows" />
        </figure>
      </div>
      {mean !== undefined && mean >= 0 && <p class="room-told" role="status" data-flow={mean} data-left={left} data-off={off}>On average a pixel moves by <b>{mean.toFixed(2)}</b> pixels. Brightness differs by <b>{off!.toFixed(2)}</b> grey levels before, and by <b>{left!.toFixed(2)}</b> once the second picture is taken back along the flow.{known! < 1 ? ` Of ${(100 * (1 - known!)).toFixed(0)} % of the pixels nothing can be told.` : ""}</p>}
      <div class="room-pair">
        <figure><figcaption>Difference of the two pictures</figcaption><Picture painted={before!} link={link} aspect={aspect} label="Difference" /></figure>
        <figure><figcaption>What is left along the flow</figcaption><Picture painted={after!} link={link} aspect={aspect} label="Left over" /></figure>
      </div>
      {speeds && <figure class="band"><figcaption>How fast pixels are</figcaption><BesideView items={speeds.beside} /></figure>}
    </Room>
  );
}
