// Proposals: boxes in which something may be, by regions, by windows, by a network; and how many one has to look at.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { colourOf } from "../core/colour";
import { Curve } from "../parts/beside";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { useAsked, viewOf } from "./asked";
import { RunChoice } from "./box-runs";
import { ThingControls, boxTool, drawBox, drawLabel, readRows, withThing, writeRows, type Box } from "./boxes";
import { Choice, Room } from "./frame";
import "./detection.css";

type Way = "selective" | "windows" | "network";

interface Proposed {
  size: [number, number];
  count: number;
  boxes: Box[];
  looked: number[];
  covers: number[][];
  /** The best box for each, and which is the first that overlaps it by half. */
  things: { box: Box; at: number; overlap: number; half: number | null }[];
}

const INK = [4, 5, 2, 6, 0]; // of a thing: the colours of the curve
const IMAGE = "sample:coffee";
const THINGS: Box[] = [[173, 18, 405, 240], [326, 246, 405, 325]];
const WAYS: Record<Way, { text: string; method: string }> = {
  selective: { text: "Regions that look alike are joined, two by two; each region has a box.", method: "image.selective_search" },
  windows: { text: "Windows of four sizes and three shapes, everywhere, in any order.", method: "detect.sliding_window" },
  network: { text: "The proposal network of Faster R-CNN.", method: "detect.faster_rcnn" },
};

export default function ProposalsRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [image, setImage] = useState(query.get("image") ?? IMAGE);
  const [things, setThings] = useState<Box[]>(query.has("things") ? (readRows(query.get("things"), 4) as Box[]) : THINGS);
  const [way, setWay] = useState<Way>((["windows", "network"] as const).find((one) => one === query.get("way")) ?? "selective");
  const [run, setRun] = useState(query.get("run") ?? "");
  const [seed, setSeed] = useState(number("seed", 0));
  const [shown, setShown] = useState(number("shown", 30));
  const found = useAsked<Proposed>("/api/proposals", { input: image, way, run: way === "network" ? run : "", seed, truth: things });
  const value = found.value;
  const raster = usePicture(image);
  const size = value?.size ?? [600, 400];
  const painted = useMemo(() => viewOf("Proposals", raster, size), [raster, size[0], size[1]]);

  useEffect(() => {
    const next = new URLSearchParams({ image, things: writeRows(things), way, seed: String(seed), shown: String(shown) });
    if (run) next.set("run", run);
    keep(next);
  }, [image, things, way, run, seed, shown]);

  const tool = useMemo(() => boxTool(size, (box) => setThings(withThing(things, box)), () => {}, (context, to) => {
    const first = value?.boxes.slice(0, shown) ?? [];
    context.strokeStyle = first.length > 120 ? "#56b4e950" : "#56b4e9a0";
    context.lineWidth = 1.2;
    for (const [x1, y1, x2, y2] of first) {
      const [[u, v], [u2, v2]] = [to(x1, y1), to(x2, y2)];
      context.strokeRect(u, v, u2 - u, v2 - v);
    }
    things.forEach((box, i) => drawLabel(context, `thing ${i + 1}`, drawBox(context, to, box, "#fff", 3), colourOf(INK[i]!)));
    value?.things.forEach((one, i) => drawBox(context, to, one.box, colourOf(INK[i]!), 3, one.at < shown ? [] : [6, 5]));
  }), [value, shown, things, size[0], size[1]]);

  const lines = useMemo(() => (value?.covers ?? []).map((y, i) => ({ name: `thing ${i + 1}`, x: value!.looked.map(Math.log10), y })), [value]);
  const span = (low: number, high: number, step: number, most = high) => ({ low, high, step, least: low, most, log: false });
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => { if (ref) { setImage(ref); setThings(ref === IMAGE ? THINGS : []); } }} />
      <Choice label="Proposed by" value={way} options={[["selective", "Regions"], ["windows", "Windows"], ["network", "Network"]]} onValue={setWay} text={WAYS[way].text} />
      {way === "network" && <RunChoice value={run} onValue={setRun} suits={(recipe) => recipe === "detect/faster_rcnn"} train="detect/faster_rcnn" />}
      {!(run && way === "network") && <Slider label="Seed" value={seed} span={span(0, 20, 1, 1e9)} onValue={(next) => setSeed(Math.round(next))} text={way === "network" ? "Of its first weights." : "Of what is random in the order."} />}
      <Slider label="Boxes looked at" value={Math.min(shown, value?.boxes.length || 400)} span={span(1, Math.max(2, value?.boxes.length ?? 400), 1)} onValue={(next) => setShown(Math.round(next))} text="The first so many, the most promising first." />
      <ThingControls things={things} size={size} onThings={setThings} />
    </>
  );
  return (
    <Room
      title="Proposals" lead="Before a detector asks what is somewhere, something has to say where to look. The fewer boxes it takes to cover what is there, the better a proposer is."
      methods={[WAYS[way].method, "detect.iou"]} lesson={{ id: "w7d3", title: "Two stages" }} controls={controls} onPicture={(ref) => { setImage(ref); setThings([]); }} error={found.error}
    >
      <Picture painted={painted} tool={tool} tick={tool} label="Proposals" />
      {value && (
        <div class="room-told" role="status" data-count={value.count} data-way={way} data-best={value.things.map((one) => one.overlap.toFixed(4)).join(" ")} data-busy={found.busy}>
          <p><b>{value.count.toLocaleString("en")} proposals</b>, of which {Math.min(shown, value.boxes.length)} are drawn{found.busy ? "; looking for others …" : "."} {things.length === 0 && "Drag a box around a thing to see how soon it is covered."}</p>
          {value.things.map((one, i) => <p key={i} class={one.half === null ? "doubt" : ""}><span class="swatch" style={{ background: colourOf(INK[i]!) }} /> Thing {i + 1}: {one.half === null ? "no box overlaps it by half" : `box ${(one.half + 1).toLocaleString("en")} is the first that overlaps it by half`}; the best is box {(one.at + 1).toLocaleString("en")} with {one.overlap.toFixed(3)}{one.at >= shown ? " (dashed: not looked at yet)" : ""}.</p>)}
        </div>
      )}
      {lines.length > 0 && <figure class="band"><figcaption>Best overlap among the first boxes, by their number as a power of ten</figcaption><Curve lines={lines} axes={["log₁₀ boxes", "overlap"]} mark={Math.log10(shown)} height={170} onMark={(x) => setShown(Math.max(1, Math.min(value?.boxes.length ?? 1, Math.round(10 ** x))))} /></figure>}
    </Room>
  );
}
