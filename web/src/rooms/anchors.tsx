// Anchors and assignment: boxes of a few shapes everywhere, things drawn by hand, and who is taught to find what.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { colourOf } from "../core/colour";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { useAsked, viewOf } from "./asked";
import { ThingControls, boxTool, drawBox, drawLabel, readRows, withThing, writeRows, type Box } from "./boxes";
import { Choice, Room } from "./frame";
import "./detection.css";

interface Anchor {
  box: Box;
  overlap: number;
  /** A thing's number, −1 background, −2 neither. */
  thing: number;
  level: number;
}

interface Assignment {
  size: [number, number];
  levels: { stride: number; rows: number; columns: number; sizes: number[]; anchors: number; matched: number; neither: number }[];
  matched: Anchor[];
  neither: Anchor[];
  things: { best: number; anchors: number; low: number }[];
  verdicts: number[];
  here: Anchor[];
}

const IMAGE = "sample:astronaut";
const THINGS: Box[] = [[163, 50, 258, 176], [334, 2, 422, 268], [126, 327, 196, 397]];
const NEITHER = "#f0e442";
const RATIOS: Record<string, number[]> = { one: [1], three: [0.5, 1, 2], five: [1 / 3, 0.5, 1, 2, 3] };
type Ratios = "one" | "three" | "five";
type Best = "ties" | "one" | "none";

export default function AnchorsRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [image, setImage] = useState(query.get("image") ?? IMAGE);
  const [things, setThings] = useState<Box[]>(query.has("things") ? (readRows(query.get("things"), 4) as Box[]) : THINGS);
  const [anchor, setAnchor] = useState(number("size", 4));
  const [octaves, setOctaves] = useState(number("octaves", 1));
  const [ratios, setRatios] = useState<Ratios>((["one", "five"] as const).find((one) => one === query.get("ratios")) ?? "three");
  const [high, setHigh] = useState(number("high", 0.5));
  const [low, setLow] = useState(number("low", 0.4));
  const [best, setBest] = useState<Best>((["one", "none"] as const).find((one) => one === query.get("best")) ?? "ties");
  const [level, setLevel] = useState(number("level", 2));
  const [at, setAt] = useState<[number, number]>((readRows(query.get("at"), 2)[0] as [number, number] | undefined) ?? [5, 3]);
  const found = useAsked<Assignment>("/api/anchors", { input: image, truth: things, size: anchor, octaves, ratios: RATIOS[ratios]!, high, low: Math.min(low, high), best, level, place: at }, 60);
  const value = found.value;
  const raster = usePicture(image);
  const size = value?.size ?? [480, 480];
  const painted = useMemo(() => viewOf("Anchors", raster, size), [raster, size[0], size[1]]);
  const looked = value?.levels[level];

  useEffect(() => {
    keep(new URLSearchParams({ image, things: writeRows(things), size: String(anchor), octaves: String(octaves), ratios, high: String(high), low: String(low), best, level: String(level), at: at.join(",") }));
  }, [image, things, anchor, octaves, ratios, high, low, best, level, at]);

  const tool = useMemo(() => boxTool(size, (box) => setThings(withThing(things, box)), (x, y) => looked && setAt([Math.floor(x / looked.stride), Math.floor(y / looked.stride)]), (context, to, scale) => {
    if (!value || !looked) return;
    for (const one of value.neither) if (one.level === level) drawBox(context, to, one.box, NEITHER, 1, [3, 3]);
    for (const one of value.matched) drawBox(context, to, one.box, colourOf(one.thing), one.level === level ? 2 : 1, one.overlap < high ? [6, 4] : []);
    value.verdicts.forEach((verdict, i) => {
      const [column, row] = [i % looked.columns, Math.floor(i / looked.columns)];
      const [u, v] = to((column + 0.5) * looked.stride, (row + 0.5) * looked.stride);
      const radius = Math.max(1, Math.min(4, looked.stride * scale * 0.12)) * (verdict === -1 ? 0.7 : 1.3);
      context.beginPath();
      context.arc(u, v, radius, 0, 2 * Math.PI);
      context.fillStyle = verdict >= 0 ? colourOf(verdict) : verdict === -2 ? NEITHER : "rgb(255 255 255 / .55)";
      context.fill();
    });
    things.forEach((box, i) => drawLabel(context, `thing ${i + 1}`, drawBox(context, to, box, "#fff", 3), colourOf(i)));
    for (const one of value.here) drawBox(context, to, one.box, "#fff", 1.5);
  }), [value, looked, things, level, high, size[0], size[1]]);

  const span = (low: number, high: number, step: number) => ({ low, high, step, least: low, most: high, log: false });
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => { if (ref) { setImage(ref); setThings(ref === IMAGE ? THINGS : []); } }} />
      <ThingControls things={things} size={size} onThings={setThings} />
      <Choice label="Level looked at" value={String(level)} options={(value?.levels ?? []).map((one, i): [string, string] => [String(i), `${one.stride}`])} onValue={(next) => setLevel(Number(next))} text="By its stride: pixels between two places." />
      <Slider label="Size" value={anchor} span={span(1, 8, 0.5)} onValue={setAnchor} text="Side of a square anchor, in strides." />
      <Slider label="Sizes to an octave" value={octaves} span={span(1, 4, 1)} onValue={(next) => setOctaves(Math.round(next))} text="RetinaNet takes three, Faster R-CNN one." />
      <Choice label="Shapes" value={ratios} options={[["one", "1"], ["three", "½ 1 2"], ["five", "⅓ ½ 1 2 3"]]} onValue={setRatios} text="Height by width." />
      <Slider label="Match from" value={high} span={span(0, 1, 0.01)} onValue={setHigh} text="Overlap from which an anchor stands for a thing." />
      <Slider label="Background below" value={Math.min(low, high)} span={span(0, 1, 0.01)} onValue={setLow} text="Between the two it is neither, and teaches nothing." />
      <Choice label="A thing without a match" value={best} options={[["ties", "its best"], ["one", "one"], ["none", "nobody"]]} onValue={setBest} text="Takes all its best anchors, its single best one, or none." />
    </>
  );
  const total = value?.levels.reduce((sum, one) => sum + one.anchors, 0) ?? 0;
  const matched = value?.levels.reduce((sum, one) => sum + one.matched, 0) ?? 0;
  const neither = value?.levels.reduce((sum, one) => sum + one.neither, 0) ?? 0;
  return (
    <Room
      title="Anchors" lead="A detector with anchors answers at every place for a few boxes. Before it can learn, each of them must be told: you stand for this thing, you for background, and you for neither."
      methods={["detect.anchors", "detect.match", "detect.iou"]} lesson={{ id: "w7d4", title: "One stage" }} controls={controls} onPicture={(ref) => { setImage(ref); setThings([]); }} error={found.error}
    >
      <Picture painted={painted} tool={tool} tick={tool} label="Anchors" />
      {value && looked && (
        <div class="room-told" role="status" data-anchors={total} data-matched={matched} data-neither={neither}>
          <p><b>{total.toLocaleString("en")} anchors</b>: {matched.toLocaleString("en")} stand for a thing, {neither.toLocaleString("en")} for neither (yellow), {(total - matched - neither).toLocaleString("en")} for background{matched > 0 ? `: ${Math.round((total - matched - neither) / matched)} to one` : ""}.</p>
          {things.length === 0 && <p>Drag a box around a thing.</p>}
          {value.things.map((one, i) => <p key={i} class={one.anchors ? "" : "doubt"}><span class="swatch" style={{ background: colourOf(i) }} /> Thing {i + 1}: {one.anchors} {one.anchors === 1 ? "anchor" : "anchors"}, of which {one.low} only for want of better (dashed); the best overlap is {one.best.toFixed(3)}.</p>)}
          <p>At place ({Math.min(at[0], looked.columns - 1)}, {Math.min(at[1], looked.rows - 1)}) of stride {looked.stride}: {value.here.map((one) => `${Math.round(one.box[2] - one.box[0])}×${Math.round(one.box[3] - one.box[1])} overlaps ${one.overlap.toFixed(2)} (${one.thing >= 0 ? `thing ${one.thing + 1}` : one.thing === -2 ? "neither" : "background"})`).join(", ")}. Click another place to see its anchors.</p>
        </div>
      )}
      {value && (
        <div class="sl-table court-table" tabIndex={0} role="region" aria-label="Levels">
          <table>
            <caption>Levels of the pyramid</caption>
            <thead><tr><th scope="col">stride</th><th scope="col">places</th><th scope="col">sides</th><th scope="col">anchors</th><th scope="col">for things</th><th scope="col">neither</th></tr></thead>
            <tbody>
              {value.levels.map((one, i) => (
                <tr key={i}><th scope="row"><button type="button" class="small" aria-pressed={i === level} onClick={() => setLevel(i)} aria-label={`Stride ${one.stride}`}>{one.stride}</button></th><td>{one.columns}×{one.rows}</td><td>{one.sizes.map((side) => Math.round(side)).join(", ")}</td><td>{one.anchors.toLocaleString("en")}</td><td>{one.matched}</td><td>{one.neither}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Room>
  );
}
