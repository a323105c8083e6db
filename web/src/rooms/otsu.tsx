// Otsu's room: a threshold dragged over the histogram, the variance between the classes, and the two-valued picture.
import { useEffect, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import type { Beside } from "../core/painted";
import type { Line } from "../core/curve";
import { numbersOf, type Trace } from "../core/trace";
import { useRun } from "../pages/run";
import { Curve } from "../parts/beside";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { Choice, Room } from "./frame";
import { useGrey } from "./made";

type Rule = "otsu" | "triangle" | "multi";
const METHODS: Record<Rule, string> = { otsu: "image.otsu_threshold", triangle: "image.triangle_threshold", multi: "image.multi_otsu" };

function lineOf(beside: Beside | undefined, name: string): Line | null {
  if (!beside?.rows || beside.kind !== "curve") return null;
  const { data } = beside.rows;
  const count = data.length / 2;
  return { name, x: Array.from({ length: count }, (_, i) => data[2 * i]!), y: Array.from({ length: count }, (_, i) => data[2 * i + 1]!) };
}

/** What a rule chose: the number or numbers that the method gave. */
function chosen(trace: Trace | null): number[] {
  const layer = trace?.steps.at(-1)?.layers.find((one) => one.kind === "text");
  return trace && layer ? Array.from(numbersOf(trace, layer["text"]).data) : [];
}

export default function OtsuRoom() {
  const query = useRef(place.peek().query).current;
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:coins");
  const [rule, setRule] = useState<Rule>((["otsu", "triangle", "multi"] as Rule[]).find((one) => one === query.get("rule")) ?? "otsu");
  const [own, setOwn] = useState<number | null>(query.has("value") ? Number(query.get("value")) : null);
  const [classes, setClasses] = useState(Number(query.get("classes")) || 3);
  const grey = useGrey(image);
  const inputs = grey.value && { image: grey.value.ref };

  const otsu = useRun(inputs && { method: METHODS.otsu, inputs, parameters: {} }, { whole: true });
  const other = useRun(inputs && rule !== "otsu" ? { method: METHODS[rule], inputs, parameters: rule === "multi" ? { classes } : {} } : null, { whole: true });
  const picked = chosen(rule === "otsu" ? otsu.trace : other.trace);
  const value = own ?? picked[0] ?? null;
  const binary = useRun(inputs && value !== null && rule !== "multi" ? { method: "image.threshold", inputs, parameters: { value } } : null, { quick: true });

  const histogram = lineOf(usePainted(otsu.trace, 1)?.beside[0], "pixels");
  const variance = lineOf(usePainted(otsu.trace, 2)?.beside[0], "variance");
  const line = lineOf(usePainted(rule === "triangle" ? other.trace : null, 2)?.beside[0], "from peak to tail");
  const distance = lineOf(usePainted(rule === "triangle" ? other.trace : null, 3)?.beside[0], "distance");
  const before = usePainted(otsu.trace, 0);
  const shades = usePainted(rule === "multi" ? other.trace : null, 2);
  const white = usePainted(rule === "multi" ? null : binary.latest, (binary.latest?.steps.length ?? 1) - 1);

  useEffect(() => {
    const next = new URLSearchParams({ image, rule });
    if (own !== null) next.set("value", String(own));
    if (rule === "multi") next.set("classes", String(classes));
    keep(next);
  }, [image, rule, own, classes]);

  const take = (ref: string) => {
    setImage(ref);
    setOwn(null);
  };
  const drag = rule === "multi" ? undefined : (x: number) => setOwn(Math.round(x));
  const top = histogram ? Math.max(...Array.from(histogram.y)) : 1;
  const posts = rule === "multi" ? picked.map((at, i): Line => ({ name: `cut ${i + 1}`, x: [at, at], y: [0, top] })) : [];
  const lines = histogram ? [histogram, ...(line ? [line] : []), ...posts] : [];
  const mark = rule === "multi" ? null : value;
  const lower = rule === "triangle" ? distance : variance;
  const [first, last] = histogram ? [histogram.x[0]!, histogram.x[histogram.x.length - 1]!] : [0, 255];

  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => ref && take(ref)} />
      <Choice label="Rule" value={rule} options={[["otsu", "Otsu"], ["triangle", "Triangle"], ["multi", "Several classes"]]} onValue={(next) => { setRule(next); setOwn(null); }} text="Otsu parts the two classes whose means lie farthest apart for their weights. The triangle looks for the foot of one high peak. Several classes: Otsu's idea with more than one cut." />
      {rule === "multi" ? (
        <Slider label="Classes" value={classes} span={{ low: 2, high: 6, step: 1, least: 2, most: 16, log: false }} onValue={(next) => setClasses(Math.round(next))} text="How many shades the picture is parted into." />
      ) : (
        <>
          <Slider label="Threshold" value={value ?? 0} span={{ low: first, high: last, step: 1, least: first, most: last, log: false }} onValue={setOwn} text="White is what is above it. The line in the histogram can be dragged, too." />
          <button type="button" disabled={own === null} onClick={() => setOwn(null)}>Back to the rule's choice{picked.length ? `, ${picked[0]}` : ""}</button>
        </>
      )}
    </>
  );
  return (
    <Room
      title="Otsu and the histogram" lead="A threshold cuts the histogram in two. Drag it and watch how far apart the two classes lie: where the curve below is highest, Otsu's method puts it."
      methods={[METHODS[rule], "image.threshold"]} lesson={{ id: "w2d5", title: "Threshold, outline, measure" }} controls={controls} onPicture={take}
      error={grey.error || otsu.error?.message || other.error?.message || binary.error?.message}
      program={{ inputs: { image }, steps: [rule === "multi" ? { method: METHODS.multi, parameters: { classes } } : own === null ? { method: METHODS[rule], parameters: {} } : { method: "image.threshold", parameters: { value: own } }] }}
    >
      <div class="room-pair">
        <div>
          <h2>Histogram</h2>
          {lines.length > 0 && <Curve lines={lines} axes={["value", "pixels"]} mark={mark} onMark={drag} height={200} />}
          {rule !== "multi" && <h2>{rule === "triangle" ? "Distance below the line" : "Variance between the classes"}</h2>}
          {rule !== "multi" && lower && <Curve lines={[lower]} axes={["threshold", rule === "triangle" ? "distance" : "variance"]} mark={mark} onMark={drag} height={170} />}
          <Told rule={rule} value={value} picked={picked} line={lower} histogram={histogram} />
        </div>
        <div>
          <h2>{rule === "multi" ? `${classes} shades` : "Above the threshold"}</h2>
          <Picture painted={rule === "multi" ? shades : white} before={before?.under ?? null} aspect={before ? before.width / before.height : 1.3} label="Result" />
          <h2>In grey</h2>
          <Picture painted={before} bare label="The picture in grey" />
        </div>
      </div>
    </Room>
  );
}

function Told({ rule, value, picked, line, histogram }: { rule: Rule; value: number | null; picked: number[]; line: Line | null; histogram: Line | null }) {
  if (!picked.length || value === null || !histogram) return <p>…</p>;
  const name = rule === "triangle" ? "The triangle" : "Otsu";
  if (rule === "multi") return <p data-picked={picked.join(" ")}>Cut at {picked.join(", ")}.</p>;
  const at = (x: number) => {
    const i = line ? Array.from(line.x).findIndex((level) => level >= x) : -1;
    const found = i >= 0 ? line!.y[i]! : NaN;
    return found < 0 || Number.isNaN(found) ? "none" : Number(found.toPrecision(5)).toLocaleString("en");
  };
  const [all, above] = Array.from(histogram.y).reduce(([sum, more], count, i) => [sum + count, more + (histogram.x[i]! > value ? count : 0)], [0, 0] as [number, number]);
  return (
    <p data-picked={picked[0]} data-value={value}>
      At {value}: {(100 * above / all).toFixed(1)} % of the pixels are white, {rule === "triangle" ? "distance" : "variance"} {at(value)}. {name} chooses <b>{picked[0]}</b>, {at(picked[0]!)}.
    </p>
  );
}
