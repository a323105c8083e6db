// The two-view table: a point in one photo is a line in the other, and pairs that match lie on their lines.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import type { Tool } from "../core/view";
import { Curve } from "../parts/beside";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { dot, endsOf, flagsOf, rimmed, useAsked, useScene, viewOf } from "./asked";
import { Choice, Room } from "./frame";

interface Geometry {
  rows: number[][];
  sizes: [number, number][];
  agree: string;
  count: number;
  rounds: number;
  model: number[][];
  distances: number[];
  epipoles: ([number, number] | null)[];
  flat: number;
  doubts: string[];
}

const signed = (value: number, digits: number) => `${value < 0 ? "−" : "+"} ${Math.abs(value).toFixed(digits)}`;

type Side = "left" | "right";

const POINT = "#e69f00";
const LINE = "#56b4e9";
const AGREES = "#56b4e9";
const WRONG = "#d55e00";

export default function ViewsRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [a, setA] = useState(query.get("a") ?? "scene:desk-2");
  const [b, setB] = useState(query.get("b") ?? "scene:desk-5");
  const [threshold, setThreshold] = useState(number("threshold", 1.5));
  const [ratio, setRatio] = useState(number("ratio", 0.8));
  const [side, setSide] = useState<Side>(query.get("side") === "right" ? "right" : "left");
  const [x, setX] = useState(number("x", 0.42));
  const [y, setY] = useState(number("y", 0.55));
  const scene = useScene("desk");
  const found = useAsked<Geometry>("/api/views/geometry", { a, b, threshold, ratio });
  const value = found.value;
  const pictures = [usePicture(a), usePicture(b)];
  const [sizeA, sizeB] = [value?.sizes[0] ?? [480, 360], value?.sizes[1] ?? [480, 360]];
  const size = side === "left" ? sizeA : sizeB;
  const point = useMemo<[number, number]>(() => [x * size[0]!, y * size[1]!], [x, y, size[0], size[1]]);
  const asked = useAsked<{ result: number[][] }>("/api/run/geometry.epipolar_lines", value && { parameters: { points: [point], matrix: value.model, reverse: side === "right" }, as: "json" }, 15);
  const line = asked.value?.result[0] ?? null;
  const agree = useMemo(() => (value ? flagsOf(value.agree, value.rows.length) : []), [value]);

  useEffect(() => {
    keep(new URLSearchParams({ a, b, threshold: String(threshold), ratio: String(ratio), side, x: x.toFixed(3), y: y.toFixed(3) }));
  }, [a, b, threshold, ratio, side, x, y]);

  // the pair nearest to the point, and how far its partner is from the line
  const nearest = useMemo(() => {
    if (!value) return null;
    const at = side === "left" ? 0 : 2;
    let [best, least] = [-1, Infinity];
    value.rows.forEach((row, i) => {
      const far = Math.hypot(row[at]! - point[0], row[at + 1]! - point[1]);
      if (far < least) [best, least] = [i, far];
    });
    return best < 0 || least > 14 ? null : best;
  }, [value, point, side]);

  const tool = (mine: Side, own: [number, number] | number[]): Tool => ({
    cursor: "crosshair",
    down(px, py) {
      setSide(mine);
      setX(Math.max(0, Math.min(1, px / own[0]!)));
      setY(Math.max(0, Math.min(1, py / own[1]!)));
    },
    move(px, py) { this.down(px, py); },
    up() {},
    draw(context, at) {
      const column = mine === "left" ? 0 : 2;
      value?.rows.forEach((row, i) => dot(context, agree[i] ? AGREES : WRONG, at(row[column]! + 0.5, row[column + 1]! + 0.5), agree[i] ? 2 : 2.5, ""));
      const epipole = value?.epipoles[mine === "left" ? 0 : 1];
      if (epipole) dot(context, "#cc79a7", at(epipole[0] + 0.5, epipole[1] + 0.5), 6);
      if (mine !== side && line?.every(Number.isFinite)) rimmed(context, LINE, endsOf(line).map(([u, v]) => at(u + 0.5, v + 0.5)));
      if (nearest !== null) {
        const row = value!.rows[nearest]!;
        const [u, v] = at(row[column]! + 0.5, row[column + 1]! + 0.5);
        context.strokeStyle = "#fff";
        context.lineWidth = 2;
        context.strokeRect(u - 6, v - 6, 12, 12);
      }
      if (mine === side) dot(context, POINT, at(point[0] + 0.5, point[1] + 0.5), 6, "#fff");
    },
  });
  const left = useMemo(() => tool("left", sizeA), [value, agree, line, point, side, nearest, sizeA[0], sizeA[1]]);
  const right = useMemo(() => tool("right", sizeB), [value, agree, line, point, side, nearest, sizeB[0], sizeB[1]]);
  const views = useMemo(() => [viewOf("Left photo", pictures[0]!, value?.sizes[0]), viewOf("Right photo", pictures[1]!, value?.sizes[1])], [pictures[0], pictures[1], value]);
  const spread = useMemo(() => {
    const sorted = (value?.distances ?? []).filter((one, i) => agree[i] && one >= 0).sort((p, q) => p - q);
    return { x: sorted, y: sorted.map((_, i) => (100 * (i + 1)) / sorted.length) };
  }, [value, agree]);
  const share = { low: 0, high: 1, step: 0.01, least: 0, most: 1, log: false };
  const controls = (
    <>
      <Picker label="Left photo" value={a} more={scene} onValue={(ref) => ref && setA(ref)} />
      <Picker label="Right photo" value={b} more={scene} onValue={(ref) => ref && setB(ref)} />
      <Slider label="Threshold" value={threshold} span={{ low: 0.2, high: 6, step: 0.1, least: 0.05, most: 100, log: false }} onValue={setThreshold} text="Pixels by which a pair may miss its line and still agree." />
      <Slider label="Ratio" value={ratio} span={{ low: 0.5, high: 1, step: 0.01, least: 0.1, most: 1, log: false }} onValue={setRatio} text="A match must be so much nearer than the second best; 1 keeps all, wrong ones too." />
      <Choice label="Point in" value={side} options={[["left", "Left"], ["right", "Right"]]} onValue={setSide} text="Click either photo, or place the point with these." />
      <Slider label="Across" value={Number(x.toFixed(3))} span={share} onValue={setX} />
      <Slider label="Down" value={Number(y.toFixed(3))} span={share} onValue={setY} />
    </>
  );
  const aspect = sizeA[0]! / sizeA[1]!;
  return (
    <Room
      title="Two-view table" lead="Click a place in one photo: wherever it is in depth, it must lie on one line of the other. All lines meet where one camera sees the other."
      methods={["geometry.fundamental", "geometry.epipolar_lines", "features.match"]} lesson={{ id: "w3d5", title: "Two views and stereo" }} controls={controls} error={found.error || asked.error}
    >
      <div class="room-pair">
        <figure>
          <figcaption>Left: <b class="is-pixel">{side === "left" ? "your point" : ""}</b><b class="is-cell">{side === "right" ? "its line" : ""}</b></figcaption>
          <Picture painted={views[0]!} tool={left} tick={left} aspect={aspect} label="Left photo" />
        </figure>
        <figure>
          <figcaption>Right: <b class="is-pixel">{side === "right" ? "your point" : ""}</b><b class="is-cell">{side === "left" ? "its line" : ""}</b></figcaption>
          <Picture painted={views[1]!} tool={right} tick={right} aspect={aspect} label="Right photo" />
        </figure>
      </div>
      {value && (
        <div class="room-told" data-pairs={value.count} data-line={line ? line.map((one) => one.toFixed(4)).join(" ") : ""}>
          {value.doubts.map((doubt) => <p key={doubt} class="doubt" role="status">{doubt}</p>)}
          <p><b>{value.count}</b> of {value.rows.length} pairs agree, found in {value.rounds} samples of seven.</p>
          {line && <p><b class="is-cell">The line</b> of ({point[0].toFixed(1)}, {point[1].toFixed(1)}): {line[0]!.toFixed(3).replace("-", "−")}·x {signed(line[1]!, 3)}·y {signed(line[2]!, 1)} = 0. {nearest === null ? "" : side === "left" ? `The pair at your point lies ${value.distances[nearest]!.toFixed(2)} pixels from its line: it ${agree[nearest] ? "agrees" : "does not agree"}.` : ""}</p>}
          <p>The epipoles: {value.epipoles.map((one, i) => `${i ? "right" : "left"} ${one ? `(${one[0].toFixed(0)}, ${one[1].toFixed(0)})` : "at infinity"}`).join(", ")}. A homography alone would explain {(100 * value.flat).toFixed(0)} % of the pairs.</p>
        </div>
      )}
      {spread.x.length > 1 && <figure class="band"><figcaption>How far the pairs that agree are from their lines</figcaption><Curve lines={[{ name: "pairs", ...spread }]} axes={["pixels", "% of pairs"]} mark={threshold} height={150} /></figure>}
    </Room>
  );
}
