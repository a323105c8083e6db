// The tracker's ledger: frame by frame what it predicts, what each pair costs, whom it assigns, and what it keeps.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { colourOf } from "../core/colour";
import type { Tool } from "../core/view";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { pictureRaster, usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { rimmed, useAsked, viewOf } from "./asked";
import { drawBox, drawLabel, type Box } from "./boxes";
import { Choice, Room } from "./frame";
import "./motion.css";

type Kind = "sort" | "byte_track" | "deep_sort";
type Phase = "predict" | "assign" | "update";

interface Stage {
  name: string;
  ids: number[];
  detections: number[];
  cost: (number | null)[][];
  limit: number;
  pairs: [number, number][];
}

interface Page {
  frame: number;
  predicted: { id: number; box: Box; ellipse: [number, number][] }[];
  detections: { box: Box; score: number }[];
  stages: Stage[];
  begun: number[];
  ended: number[];
  tracks: { id: number; box: Box }[];
  is: (number | null)[];
}

interface Ledger {
  frames: Page[];
  switches: { frame: number; thing: number; from: number; to: number }[];
  size: [number, number];
}

const THINGS = ["the coins", "the coffee", "the retina", "the astronaut", "the cat"];
const TITLES: Record<Kind, string> = { sort: "Sort", byte_track: "ByteTrack", deep_sort: "DeepSort" };

export default function TrackerRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [tracker, setTracker] = useState<Kind>((["sort", "byte_track", "deep_sort"] as const).find((one) => one === query.get("tracker")) ?? "sort");
  const [maxAge, setMaxAge] = useState(number("max_age", 3));
  const [overlap, setOverlap] = useState(number("min_overlap", 0.3));
  const [missed, setMissed] = useState(number("missed", 0.05));
  const [noise, setNoise] = useState(number("noise", 0.03));
  const [invented, setInvented] = useState(number("invented", 0.05));
  const [seed, setSeed] = useState(number("seed", 0));
  const [at, setAt] = useState(number("at", -1));
  const [phase, setPhase] = useState<Phase>((["predict", "assign", "update"] as const).find((one) => one === query.get("phase")) ?? "update");
  const found = useAsked<Ledger>("/api/tracking", { tracker, max_age: maxAge, min_overlap: overlap, missed, noise, invented, seed });
  const value = found.value;
  const index = Math.min(at < 0 ? value?.switches[0]?.frame ?? 0 : at, (value?.frames.length ?? 1) - 1);
  const page = value?.frames[index];
  const raster = usePicture(`scene:fair-${index}`);
  const kept = useRef<ReturnType<typeof viewOf>>(null);
  const painted = useMemo(() => viewOf(`Frame ${index + 1}`, raster, value?.size) ?? kept.current, [raster, index, value]);
  kept.current = painted;

  useEffect(() => {
    void pictureRaster(`scene:fair-${index + 1}`).catch(() => {}); // the next one, so that playing does not wait
    const next = new URLSearchParams({ tracker, max_age: String(maxAge), min_overlap: String(overlap), missed: String(missed), noise: String(noise), invented: String(invented), seed: String(seed), phase });
    if (at >= 0) next.set("at", String(at));
    keep(next);
  }, [tracker, maxAge, overlap, missed, noise, invented, seed, at, phase, index]);

  const tool = useMemo<Tool>(() => ({
    cursor: "default", down() {}, move() {}, up() {},
    draw(context, to) {
      if (!page) return;
      const box = (where: Box, colour: string, wide: number, dash: number[] = []) => drawBox(context, to, where, colour, wide, dash);
      const label = (text: string, corner: readonly [number, number], colour: string) => drawLabel(context, text, corner, colour);
      if (phase !== "update") {
        page.detections.forEach((one, i) => label(`d${i + 1}`, box(one.box, "#fff", 2), "#fff"));
        for (const one of page.predicted) {
          const corner = box(one.box, colourOf(one.id), 2, [6, 5]);
          label(String(one.id), corner, colourOf(one.id));
          rimmed(context, colourOf(one.id), [...one.ellipse, one.ellipse[0]!].map(([x, y]) => to(x + 0.5, y + 0.5)), 1.5);
        }
      }
      if (phase === "assign") {
        for (const stage of page.stages) {
          for (const [id, column] of stage.pairs) {
            const [from, onto] = [page.predicted.find((one) => one.id === id)?.box, page.detections[column]?.box];
            if (!from || !onto) continue;
            const middle = ([x1, y1, x2, y2]: Box) => to((x1 + x2) / 2, (y1 + y2) / 2);
            rimmed(context, "#f0e442", [middle(from), middle(onto)], 4);
          }
        }
      }
      if (phase === "update") for (const one of page.tracks) label(String(one.id), box(one.box, colourOf(one.id), 3), colourOf(one.id));
    },
  }), [page, phase]);

  const switches = value?.switches ?? [];
  const here = switches.filter((one) => one.frame === index);
  const span = (high: number, step: number, most: number) => ({ low: 0, high, step, least: 0, most, log: false });
  const controls = (
    <>
      <Choice label="Tracker" value={tracker} options={[["sort", "SORT"], ["byte_track", "ByteTrack"], ["deep_sort", "DeepSORT"]]} onValue={setTracker} text={tracker === "sort" ? "Overlap alone." : tracker === "byte_track" ? "Sure detections first, then unsure ones for the tracks that are left." : "Looks first, overlap for the rest."} />
      <Slider label="Patience" value={maxAge} span={span(30, 1, 100)} onValue={(next) => setMaxAge(Math.round(next))} text="Frames that a track lives without a detection." />
      {tracker !== "byte_track" && <Slider label="Overlap" value={overlap} span={span(0.9, 0.05, 1)} onValue={setOverlap} text="Least overlap of a prediction and its detection." />}
      <Slider label="Missed" value={missed} span={span(0.5, 0.01, 0.9)} onValue={setMissed} text="Share of the things that the made detector misses; covered ones it never finds." />
      <Slider label="Tremble" value={noise} span={span(0.2, 0.005, 0.5)} onValue={setNoise} text="How far its boxes are off, as a share of their size." />
      <Slider label="Invented" value={invented} span={span(0.2, 0.01, 1)} onValue={setInvented} text="How often it finds what is not there." />
      <Slider label="Seed" value={seed} span={span(20, 1, 1e9)} onValue={(next) => setSeed(Math.round(next))} />
    </>
  );
  return (
    <Room
      title="Tracker's ledger" lead="A tracker keeps books: where each thing should be now, what it would cost to take a box for it, the cheapest way to share the boxes out, and what it believes then."
      methods={[`motion.${TITLES[tracker]}`, "motion.KalmanFilter"]} lesson={{ id: "w3d7", title: "Tracking" }} controls={controls} error={found.error}
    >
      <StepScrubber bare names={(value?.frames ?? [0]).map((_, i) => `frame ${i + 1}`)} index={index} onIndex={setAt} pace={220} />
      <div class="row wrap ledger-bar">
        <Choice label="Page" value={phase} options={[["predict", "1 Predict"], ["assign", "2 Assign"], ["update", "3 Update"]]} onValue={setPhase} />
        <div class="control" role="group" aria-label="Identity switches"><span class="label">{switches.length} identity {switches.length === 1 ? "switch" : "switches"}</span>
          <div class="segments">{switches.map((one, i) => <button type="button" class="small" key={i} aria-pressed={one.frame === index} onClick={() => setAt(one.frame)} aria-label={`Frame ${one.frame + 1}: ${THINGS[one.thing]} becomes ${one.to}`}>{one.frame + 1}</button>)}</div>
        </div>
      </div>
      <Picture painted={painted} tool={tool} tick={tool} label="Frame" aspect={4 / 3} />
      {page && (
        <div class="room-told" role="status" data-frame={index + 1} data-tracks={page.tracks.length} data-switches={switches.length}>
          <p><b>Frame {index + 1}.</b> {page.predicted.length} predicted (dashed, with the ellipse that holds the middle with 95 %), {page.detections.length} found (white), {page.tracks.length} shown. {page.begun.length ? `Begins: ${page.begun.join(", ")}. ` : ""}{page.ended.length ? `Given up: ${page.ended.join(", ")}.` : ""}</p>
          {here.map((one) => <p key={one.thing} class="doubt">Identity switch: {THINGS[one.thing]} was {one.from}, and is {one.to} now.</p>)}
        </div>
      )}
      {page?.stages.filter((stage) => stage.ids.length && stage.detections.length).map((stage) => <Cost key={stage.name} stage={stage} />)}
    </Room>
  );
}

/** What each pair would cost, the pairs that are made marked. */
function Cost({ stage }: { stage: Stage }) {
  const made = new Set(stage.pairs.map(([id, column]) => `${id} ${column}`));
  return (
    <div class="sl-table cost" tabIndex={0} role="region" aria-label={`Costs: ${stage.name}`}>
      <table>
        <caption>What each pair costs ({stage.name}); up to {stage.limit.toFixed(2)} may be paid, and framed pairs are made</caption>
        <thead><tr><th scope="col">track</th>{stage.detections.map((column) => <th scope="col" key={column}>d{column + 1}</th>)}</tr></thead>
        <tbody>
          {stage.ids.map((id, r) => (
            <tr key={id}>
              <th scope="row"><span class="swatch" style={{ background: colourOf(id) }} /> {id}</th>
              {stage.detections.map((column, c) => {
                const cost = stage.cost[r]![c] ?? null;
                const share = cost === null ? 1 : Math.min(1, cost);
                return <td key={column} class={made.has(`${id} ${column}`) ? "made" : ""} style={{ background: `rgb(230 159 0 / ${(0.42 * (1 - share)).toFixed(2)})` }}>{cost === null ? "–" : cost.toFixed(2)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
