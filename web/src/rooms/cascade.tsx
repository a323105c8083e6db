// The cascade room: windows of all sizes, thrown out stage by stage, until what is left looks like a face.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import type { Tool } from "../core/view";
import { call } from "../api";
import { readTrace, type Trace } from "../core/trace";
import { Curve } from "../parts/beside";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { usePainted, usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { rimmed, useAsked, viewOf } from "./asked";
import { Room } from "./frame";
import "./motion.css";

interface Cascade {
  asked: number[];
  stage: number;
  stages: number;
  questions: number[];
  count: number;
  windows: [number, number, number, number][];
  every: number;
  found: { boxes: [number, number, number, number][]; scores: number[] };
  size: [number, number];
}

/** The questions of a stage, as tiles. */
function useQuestions(stage: number): Trace | null {
  const [trace, setTrace] = useState<Trace | null>(null);
  useEffect(() => {
    let here = true;
    call(`/api/cascade/${Math.max(1, stage)}`).then((answer) => answer.arrayBuffer()).then((bytes) => here && setTrace(readTrace(bytes)), () => {});
    return () => { here = false; };
  }, [stage]);
  return trace;
}

export default function CascadeRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [image, setImage] = useState(query.get("image") ?? "sample:astronaut");
  const [scale, setScale] = useState(number("scale", 1.1));
  const [neighbours, setNeighbours] = useState(number("neighbours", 3));
  const [stage, setStage] = useState(number("stage", 12));
  const found = useAsked<Cascade>("/api/cascade", { input: image, stage, scale, neighbours }, 60);
  const value = found.value;
  const raster = usePicture(image);
  const painted = useMemo(() => viewOf("Windows", raster, value?.size), [raster, value]);
  const questions = usePainted(useQuestions(stage), 0);

  useEffect(() => {
    keep(new URLSearchParams({ image, scale: String(scale), neighbours: String(neighbours), stage: String(stage) }));
  }, [image, scale, neighbours, stage]);

  const tool = useMemo<Tool>(() => ({
    cursor: "default", down() {}, move() {}, up() {},
    draw(context, to) {
      if (!value) return;
      const many = value.windows.length;
      context.strokeStyle = many > 400 ? "#56b4e930" : many > 60 ? "#56b4e990" : "#56b4e9";
      context.lineWidth = many > 400 ? 1 : 1.5;
      for (const [x, y, w, h] of value.windows) {
        const [[u, v], [u2, v2]] = [to(x, y), to(x + w, y + h)];
        context.strokeRect(u, v, u2 - u, v2 - v);
      }
      if (value.stage === value.stages) {
        for (const [x1, y1, x2, y2] of value.found.boxes) rimmed(context, "#e69f00", [to(x1, y1), to(x2, y1), to(x2, y2), to(x1, y2), to(x1, y1)], 4);
      }
    },
  }), [value]);
  const names = ["all windows", ...Array.from({ length: value?.stages ?? 25 }, (_, i) => `stage ${i + 1}`)];
  const curve = useMemo(() => ({ x: (value?.asked ?? []).map((_, i) => i), y: (value?.asked ?? []).map((count) => Math.log10(Math.max(count, 1))) }), [value]);
  const at = Math.min(stage, names.length - 1);
  const total = value?.asked[0] ?? 0;
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => ref && setImage(ref)} />
      <Slider label="Scale" value={scale} span={{ low: 1.05, high: 1.5, step: 0.01, least: 1.01, most: 2, log: false }} onValue={setScale} text="From one size of the window to the next: the finer, the more windows." />
      <Slider label="Neighbours" value={neighbours} span={{ low: 0, high: 12, step: 1, least: 0, most: 50, log: false }} onValue={(next) => setNeighbours(Math.round(next))} text="A face needs more than so many windows that agree." />
      <figure class="questions">
        <figcaption>What stage {Math.max(1, at)} asks{value ? `, ${value.questions[Math.max(1, at) - 1]} questions` : ""}: is it brighter in white than in black?</figcaption>
        <Picture painted={questions} bare label="Questions" />
      </figure>
    </>
  );
  return (
    <Room
      title="Cascade" lead="Hundreds of thousands of windows, and almost none is a face. A few questions throw half of them out; only what passes is asked more."
      methods={["faces.HaarCascade"]} lesson={{ id: "w7d2", title: "Windows and cascades" }} controls={controls} onPicture={setImage} error={found.error}
    >
      <StepScrubber bare names={names} index={at} onIndex={setStage} pace={450} />
      {value && (
        <p class="room-told" role="status" data-windows={value.count} data-stage={value.stage} data-found={value.found.boxes.length}>
          {value.stage === 0 ? <><b>{total.toLocaleString("en")}</b> windows of all places and sizes, before any question.</> : <>After stage {value.stage} of {value.stages}, <b>{value.count.toLocaleString("en")}</b> of {total.toLocaleString("en")} windows are left ({(100 * value.count / Math.max(1, total)).toPrecision(2)} %).{value.every > 1 ? ` One in ${value.every} is drawn.` : ""}{value.stage === value.stages ? ` Windows that agree make ${value.found.boxes.length} ${value.found.boxes.length === 1 ? "face" : "faces"} (orange).` : ""}</>}
        </p>
      )}
      <Picture painted={painted} tool={tool} tick={tool} label="Windows" />
      <figure class="band"><figcaption>Windows left after each stage, as powers of ten</figcaption><Curve lines={[{ name: "windows", ...curve }]} axes={["stage", "log₁₀ windows"]} mark={at} height={150} onMark={(x) => setStage(Math.max(0, Math.min(names.length - 1, Math.round(x))))} /></figure>
    </Room>
  );
}
