// Average precision built detection by detection: the surest first, right or wrong, and the curve that they make.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { pictureRaster, usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import type { Tool } from "../core/view";
import { useAsked, viewOf } from "./asked";
import { drawBox, drawLabel, type Box } from "./boxes";
import { Choice, Room } from "./frame";
import { PrecisionCurve } from "./precision-curve";
import "./detection.css";

type Area = "all" | "eleven" | "coco";

interface Detection {
  photo: number;
  box: Box;
  score: number;
  /** The true box that it overlaps most. */
  thing: number;
  overlap: number;
  why: "right" | "doubled" | "wrong";
}

interface Built {
  size: [number, number];
  things: number;
  photos: { ref: string; truth: Box[] }[];
  detections: Detection[];
  curve: [number, number][];
  averages: number[];
  heights: [number, number][][];
  strict: [number, number | null][];
  mean: number;
}

const [RIGHT, WRONG, TRUE] = ["#009e73", "#d55e00", "#fff"];
const AREAS: Record<Area, string> = {
  all: "Pascal VOC since 2010: the area under the curve, dents filled.",
  eleven: "Pascal VOC before: the mean of eleven heights.",
  coco: "COCO: the mean of 101 heights; a detection takes the free thing that it overlaps most.",
};

export default function PrecisionRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [photos, setPhotos] = useState(number("photos", 6));
  const [missed, setMissed] = useState(number("missed", 0.1));
  const [noise, setNoise] = useState(number("noise", 0.08));
  const [invented, setInvented] = useState(number("invented", 0.15));
  const [doubled, setDoubled] = useState(number("doubled", 0.2));
  const [seed, setSeed] = useState(number("seed", 2));
  const [overlap, setOverlap] = useState(number("overlap", 0.5));
  const [area, setArea] = useState<Area>((["eleven", "coco"] as const).find((one) => one === query.get("area")) ?? "all");
  const [at, setAt] = useState(number("at", 24));
  const found = useAsked<Built>("/api/precision", { photos, missed, noise, invented, doubled, seed, overlap, area });
  const value = found.value;
  const count = value?.detections.length ?? 0;
  const index = Math.min(at, count);
  const now = index ? value!.detections[index - 1]! : null;
  const shown = now?.photo ?? 0;
  const raster = usePicture(value?.photos[shown]?.ref);
  const kept = useRef<ReturnType<typeof viewOf>>(null);
  const painted = useMemo(() => viewOf(`Photo ${shown + 1}`, raster, value?.size) ?? kept.current, [raster, shown, value?.size[0]]);
  kept.current = painted;

  useEffect(() => {
    for (const one of value?.photos ?? []) void pictureRaster(one.ref).catch(() => {});
  }, [value?.photos.length]);
  useEffect(() => {
    keep(new URLSearchParams({ photos: String(photos), missed: String(missed), noise: String(noise), invented: String(invented), doubled: String(doubled), seed: String(seed), overlap: String(overlap), area, at: String(index) }));
  }, [photos, missed, noise, invented, doubled, seed, overlap, area, index]);

  const tool = useMemo<Tool>(() => ({
    cursor: "default", down() {}, move() {}, up() {},
    draw(context, to) {
      if (!value) return;
      const truth = value.photos[shown]!.truth;
      const taken = new Set(value.detections.slice(0, index).filter((one) => one.photo === shown && one.why === "right").map((one) => one.thing));
      truth.forEach((box, i) => drawBox(context, to, box, TRUE, 2, taken.has(i) ? [] : [6, 5]));
      for (const one of value.detections.slice(0, index)) if (one.photo === shown && one !== now) drawBox(context, to, one.box, one.why === "right" ? RIGHT : WRONG, 1.5);
      if (now) drawLabel(context, `${now.score.toFixed(2)} ${now.why}`, drawBox(context, to, now.box, now.why === "right" ? RIGHT : WRONG, 4), now.why === "right" ? "#5fd3a8" : "#f0905a");
    },
  }), [value, shown, index, now]);

  const span = (low: number, high: number, step: number, most = high) => ({ low, high, step, least: low, most, log: false });
  const controls = (
    <>
      <Slider label="Overlap" value={overlap} span={span(0.05, 0.95, 0.05)} onValue={setOverlap} text="Intersection over union from which a box is right." />
      <Choice label="Area" value={area} options={[["all", "all points"], ["eleven", "eleven"], ["coco", "COCO"]]} onValue={setArea} text={AREAS[area]} />
      <Slider label="Photos" value={photos} span={span(1, 12, 1)} onValue={(next) => setPhotos(Math.round(next))} />
      <Slider label="Missed" value={missed} span={span(0, 0.9, 0.01)} onValue={setMissed} text="Share of the things that the made detector misses; covered ones it never finds." />
      <Slider label="Tremble" value={noise} span={span(0, 0.3, 0.005, 0.5)} onValue={setNoise} text="How far its boxes are off, as a share of their size." />
      <Slider label="Doubled" value={doubled} span={span(0, 1, 0.01)} onValue={setDoubled} text="Share of the things that it finds twice." />
      <Slider label="Invented" value={invented} span={span(0, 0.2, 0.01, 1)} onValue={setInvented} text="How often it finds what is not there." />
      <Slider label="Seed" value={seed} span={span(0, 20, 1, 1e9)} onValue={(next) => setSeed(Math.round(next))} />
    </>
  );
  const names = ["nothing yet", ...(value?.detections ?? []).map((one, i) => `${i + 1}: ${one.score.toFixed(2)}, ${one.why}`)];
  const [recall, precision] = index ? value!.curve[index - 1]! : [0, 0];
  const right = value?.detections.slice(0, index).filter((one) => one.why === "right").length ?? 0;
  const average = value?.averages[index] ?? 0;
  return (
    <Room
      title="Average precision" lead="All detections of all photos in one row, the surest first. Each is right, or wrong, or right a second time, which is wrong as well; and each adds a point to a curve whose area is the score."
      methods={["metrics.voc_average_precision", "metrics.mean_average_precision"]} lesson={{ id: "w7d1", title: "Boxes and overlap" }} controls={controls} error={found.error}
    >
      <StepScrubber bare names={names} index={index} onIndex={setAt} pace={450} />
      <div class="room-pair stacked">
        <figure>
          <figcaption>Photo {shown + 1}: true boxes white, dashed until found; detections <b class="is-hit">right</b> and <b class="is-miss">wrong</b></figcaption>
          <Picture painted={painted} tool={tool} tick={tool} label="Photo" aspect={4 / 3} bare />
        </figure>
        <figure>
          <figcaption>Precision against recall; the filled area is the score so far</figcaption>
          {value && <PrecisionCurve curve={value.curve.slice(0, index)} right={value.detections.map((one) => one.why === "right")} heights={value.heights[index]!} steps={area === "all"} />}
        </figure>
      </div>
      {value && (
        <div class="room-told" role="status" data-detections={count} data-at={index} data-right={right} data-average={average.toFixed(6)} data-mean={value.mean.toFixed(6)}>
          {now
            ? <p><b>Detection {index} of {count}</b>, score {now.score.toFixed(3)}, overlaps its nearest thing by {now.overlap.toFixed(3)}: {now.why === "right" ? <b class="is-hit">right.</b> : now.why === "doubled" ? <b class="is-miss">wrong, for a surer one has that thing already.</b> : <b class="is-miss">wrong, for {overlap.toFixed(2)} is asked for.</b>}</p>
            : <p><b>{count} detections</b> of {value.things} things. Play them, the surest first.</p>}
          {now && <p>{right} of {value.things} things are found: recall {recall.toFixed(3)}. {right} of {index} detections are right: precision {precision.toFixed(3)}.</p>}
          <p>Average precision so far <b>{average.toFixed(3)}</b>; of all detections {value.averages[count]!.toFixed(3)}.</p>
        </div>
      )}
      {value && (
        <ul class="strict" aria-label="Average precision by overlap">
          {value.strict.map(([limit, ap]) => (
            <li key={limit}><button type="button" class="plain" aria-pressed={Math.abs(limit - overlap) < 1e-6} onClick={() => setOverlap(Number(limit.toFixed(2)))}><span class="bar" style={{ height: `${100 * (ap ?? 0)}%` }} aria-hidden="true" /><span>{limit.toFixed(2)}</span><span class="number">{(ap ?? 0).toFixed(2)}</span></button></li>
          ))}
        </ul>
      )}
      {value && <p>The stricter the overlap, the lower: COCO's average precision at ten of them. Their mean, <b>{value.mean.toFixed(3)}</b>, is the mAP that papers print (here of a single class).</p>}
    </Room>
  );
}
