// The consensus theatre: sample after sample, the model that it makes, who agrees, and how many more rounds it takes.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import type { Tool } from "../core/view";
import { Curve } from "../parts/beside";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { dot, endsOf, flagsOf, rimmed, sheetOf, useAsked, useScene, viewOf } from "./asked";
import { Choice, Room } from "./frame";

type Model = "line" | "homography" | "fundamental";

interface Round {
  sample: number[];
  model: number[] | number[][] | null;
  agree: string;
  count: number;
  better: boolean;
  needed: number | null;
}

interface Theatre {
  rows: number[][];
  sizes: [number, number][];
  rounds: Round[];
  fit: { count: number; rounds: number };
  stopped: boolean;
}

const [SAMPLE, AGREES, OTHER] = ["#e69f00", "#0072b2", "#d55e00"];
const SIZES: Record<Model, number> = { line: 2, homography: 4, fundamental: 7 };
const METHODS: Record<Model, string[]> = { line: ["features.ransac"], homography: ["features.ransac", "geometry.homography"], fundamental: ["features.ransac", "geometry.fundamental"] };

export default function ConsensusRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const given = query.get("model");
  const [model, setModel] = useState<Model>(given === "homography" || given === "fundamental" ? given : "line");
  const [a, setA] = useState(query.get("a") ?? "scene:desk-2");
  const [b, setB] = useState(query.get("b") ?? "scene:desk-4");
  const [threshold, setThreshold] = useState(number("threshold", 5));
  const [confidence, setConfidence] = useState(number("confidence", 0.99));
  const [outliers, setOutliers] = useState(number("outliers", 0.55));
  const [ratio, setRatio] = useState(number("ratio", 0.9));
  const [seed, setSeed] = useState(number("seed", 3));
  const [at, setAt] = useState(number("round", 1e9));
  const scene = useScene("desk");
  const body = model === "line" ? { model, threshold, confidence, outliers, seed } : { model, a, b, threshold, confidence, ratio, seed };
  const found = useAsked<Theatre>("/api/views/rounds", body);
  const value = found.value && (found.value.sizes.length === 1) === (model === "line") ? found.value : null;
  const size = value?.sizes ?? [[480, 360]];
  const first = usePicture(model === "line" ? null : a);
  const second = usePicture(model === "line" ? null : b);
  const index = value ? Math.min(at, value.rounds.length - 1) : 0;
  const round = value?.rounds[index];
  const best = useMemo(() => {
    for (let i = index; value && i >= 0; i--) if (value.rounds[i]!.better) return i;
    return -1;
  }, [value, index]);

  useEffect(() => {
    const next = new URLSearchParams({ model, threshold: String(threshold), confidence: String(confidence), seed: String(seed) });
    for (const [name, one] of model === "line" ? [["outliers", outliers]] : [["a", a], ["b", b], ["ratio", ratio]]) next.set(String(name), String(one));
    if (value && index < value.rounds.length - 1) next.set("round", String(index));
    keep(next);
  }, [model, a, b, threshold, confidence, outliers, ratio, seed, index, value]);

  const agree = useMemo(() => (round && value ? flagsOf(round.agree, value.rows.length) : []), [round, value]);
  const painted = useMemo(() => (model === "line" ? sheetOf("Points", 480, 360) : viewOf("Matches", first, size[0], second)), [model, first, second, size[0]?.[0], size[0]?.[1]]);
  const shift = (size[0]?.[0] ?? 480) + 8;
  const tool = useMemo<Tool>(() => ({
    cursor: "default", down() {}, move() {}, up() {},
    draw(context, to) {
      if (!value || !round) return;
      const chosen = new Set(round.sample);
      if (model === "line") {
        value.rows.forEach(([x, y], i) => dot(context, agree[i] ? AGREES : OTHER, to(x!, y!), agree[i] ? 4 : 3, ""));
        const top = best >= 0 && best !== index ? value.rounds[best]!.model : null;
        if (top) rimmed(context, "#999", endsOf(top as number[]).map(([u, v]) => to(u, v)), 1.5);
        if (round.model) rimmed(context, SAMPLE, endsOf(round.model as number[]).map(([u, v]) => to(u, v)), 2.5);
        for (const i of chosen) dot(context, SAMPLE, to(value.rows[i]![0]!, value.rows[i]![1]!), 8, "#000");
        return;
      }
      value.rows.forEach(([x, y, u, v], i) => {
        if (chosen.has(i)) return;
        context.strokeStyle = agree[i] ? "#56b4e9b0" : "#d55e0038";
        context.lineWidth = 1;
        context.beginPath();
        context.moveTo(...to(x!, y!));
        context.lineTo(...to(u! + shift, v!));
        context.stroke();
      });
      for (const i of chosen) {
        const [x, y, u, v] = value.rows[i]!;
        rimmed(context, SAMPLE, [to(x!, y!), to(u! + shift, v!)], 2.5);
        dot(context, SAMPLE, to(x!, y!), 5, "#000");
        dot(context, SAMPLE, to(u! + shift, v!), 5, "#000");
      }
    },
  }), [value, round, agree, model, best, shift]);
  const most = value?.rounds.length ?? 1;
  const curve = useMemo(() => {
    const rounds = value?.rounds ?? [];
    const x = rounds.map((_, i) => i + 1);
    return [
      { name: "needed", x, y: rounds.map((one) => Math.min(one.needed ?? Infinity, 2.2 * most)) },
      { name: "played", x, y: x },
    ];
  }, [value, most]);
  const count = value?.rows.length ?? 0;
  const bestCount = best >= 0 ? value!.rounds[best]!.count : 0;
  const span = (low: number, high: number, step: number, least = low, top = high) => ({ low, high, step, least, most: top, log: false });
  const controls = (
    <>
      <Choice label="Model" value={model} options={[["line", "Line"], ["homography", "Homography"], ["fundamental", "Fundamental"]]} onValue={(next) => { setModel(next); setAt(1e9); }} text={`A sample has ${SIZES[model]} ${model === "line" ? "points" : "pairs"}: as few as define a model.`} />
      {model === "line"
        ? <Slider label="Wrong points" value={outliers} span={span(0, 0.9, 0.05, 0, 0.95)} onValue={setOutliers} text="Share of the points that belong to no line." />
        : (
          <>
            <Picker label="Left photo" value={a} more={scene} onValue={(ref) => ref && setA(ref)} />
            <Picker label="Right photo" value={b} more={scene} onValue={(ref) => ref && setB(ref)} />
            <Slider label="Ratio" value={ratio} span={span(0.5, 1, 0.01, 0.1, 1)} onValue={setRatio} text="Lowe's test on the matches: 1 keeps all of them, wrong ones too." />
          </>
        )}
      <Slider label="Threshold" value={threshold} span={span(0.5, 20, 0.5, 0.05, 200)} onValue={setThreshold} text="Pixels by which a row may miss the model and still agree." />
      <Slider label="Confidence" value={confidence} span={span(0.5, 0.999, 0.001, 0.5, 0.999999)} onValue={setConfidence} text="Probability that one sample had no wrong row: the more, the more rounds." />
      <Slider label="Seed" value={seed} span={span(0, 30, 1, 0, 1e9)} onValue={(next) => setSeed(Math.round(next))} text="Which samples are drawn." />
    </>
  );
  const [width, height] = model === "line" ? [480, 360] : [shift + (size[1]?.[0] ?? 480), Math.max(size[0]?.[1] ?? 360, size[1]?.[1] ?? 360)];
  return (
    <Room
      title="Consensus theatre" lead="RANSAC round by round: a few rows are drawn, they define a model, and all others say whether they agree. The more agree with the best, the fewer rounds are still needed."
      methods={METHODS[model]} lesson={{ id: "w3d3", title: "Matching and RANSAC" }} controls={controls} error={found.error}
    >
      <StepScrubber bare names={(value?.rounds ?? [{}]).map((_, i) => `round ${i + 1}`)} index={index} onIndex={setAt} pace={most > 60 ? 180 : 500} />
      <Picture painted={painted} tool={tool} tick={tool} aspect={width / height} label="Rounds" />
      {value && round && (
        <div class="room-told" role="status" data-rounds={most} data-round={index + 1} data-best={bestCount} data-needed={round.needed ?? ""}>
          <p><b>Round {index + 1} of {most}.</b> <b class="is-pixel">The sample's model</b> {round.model ? `has ${round.count} of ${count} rows with it` : "does not exist: its rows are degenerate"}{round.better ? ", the most so far." : `; the best so far, of round ${best + 1}, has ${bestCount}.`}</p>
          <p>{(100 * bestCount / count).toFixed(0)} % agree with the best: {round.needed === null ? "that is too few to say how many rounds are needed." : `${round.needed} rounds are needed in all, ${Math.max(0, round.needed - index - 1)} more.`}{index === most - 1 ? (value.stopped ? " Enough: the search stops." : " The theatre closes here; the method itself would go on.") : ""}</p>
          <p><code>features.ransac</code> itself, which improves each new best by least squares, ends with {value.fit.count} rows after {value.fit.rounds} samples.</p>
        </div>
      )}
      <figure class="band"><figcaption>Rounds needed, falling as the best grows, and rounds played: where they meet, it stops</figcaption><Curve lines={curve} axes={["round", "rounds"]} mark={index + 1 < most ? index + 1 : null} height={160} /></figure>
    </Room>
  );
}
