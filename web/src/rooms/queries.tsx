// The lens on the queries of DETR: layer by layer what a query answers, and where in the picture it looks for it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { colourOf } from "../core/colour";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { useTraceOf } from "./asked";
import { boxTool, drawBox, drawLabel, type Box } from "./boxes";
import { RunChoice } from "./box-runs";
import { Choice, Room } from "./frame";
import { paintedOf, tileOf, valuesOf, veil } from "./inspector-model";
import "./detection.css";

type Fresh = "detr" | "deformable_detr";

/** Q queries, the surest in the end first, after each of L layers. */
interface Queries {
  queries: number[];
  boxes: Box[][];
  scores: number[][];
  labels: number[][];
  /** With the box after the last layer. */
  overlaps: number[][];
  classes: string[];
}

const CHOSEN = "#e69f00";

export default function QueriesRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [image, setImage] = useState(query.get("image") ?? "sample:astronaut");
  const [run, setRun] = useState(query.get("run") ?? "");
  const [fresh, setFresh] = useState<Fresh>(query.get("fresh") === "deformable_detr" ? "deformable_detr" : "detr");
  const [seed, setSeed] = useState(number("seed", 0));
  const [rank, setRank] = useState(number("rank", 1));
  const [at, setAt] = useState(number("layer", 1e9));
  const [least, setLeast] = useState(number("least", 0.5));
  const [others, setOthers] = useState(number("others", 12));
  const found = useTraceOf("/api/queries", run ? { input: image, run } : { input: image, fresh, seed });
  const trace = found.value;
  const told = trace as unknown as Queries | null;
  const seen = usePainted(trace, 0);
  const maps = useMemo(() => valuesOf(trace, "attention"), [trace]);
  const layers = told?.scores[0]?.length ?? 1;
  const count = told?.queries.length ?? 1;
  const [layer, chosen] = [Math.min(at, layers - 1), Math.min(rank, count) - 1];
  const map = useMemo(() => (maps ? tileOf(maps, chosen * layers + layer) : null), [maps, chosen, layer, layers]);
  const most = useMemo(() => (map ? map.reduce((a, b) => Math.max(a, b), 0) : 0), [map]);
  const painted = useMemo(() => {
    if (!seen?.under || !map || !maps) return seen;
    const [height, width] = [maps.shape[1]!, maps.shape[2]!];
    return paintedOf(`Query after layer ${layer + 1}`, seen.under, [veil(map.map((one) => one / Math.max(most, 1e-12)), width, height)]);
  }, [seen, map, maps, most, layer]);

  useEffect(() => {
    const next = new URLSearchParams({ image, rank: String(rank), least: String(least), others: String(others) });
    if (run) next.set("run", run);
    else next.set("fresh", fresh), next.set("seed", String(seed));
    if (layer < layers - 1) next.set("layer", String(layer));
    keep(next);
  }, [image, run, fresh, seed, rank, layer, layers, least, others]);

  const size: [number, number] = [seen?.under?.width ?? 320, seen?.under?.height ?? 320];
  const pick = (x: number, y: number) => {
    if (!told) return;
    const area = ([x1, y1, x2, y2]: Box) => (x >= x1 && x < x2 && y >= y1 && y < y2 ? (x2 - x1) * (y2 - y1) : Infinity);
    const sizes = told.boxes.slice(0, others).map((one, i) => (i === chosen ? Infinity : area(one[layer]!)));
    const smallest = Math.min(...sizes);
    if (smallest < Infinity) setRank(sizes.indexOf(smallest) + 1);
  };
  const tool = useMemo(() => boxTool(size, () => {}, pick, (context, to) => {
    if (!told?.boxes[chosen]) return;
    told.boxes.slice(0, others).forEach((one, i) => {
      if (i === chosen) return;
      context.globalAlpha = told.scores[i]![layer]! >= least ? 1 : 0.45;
      drawBox(context, to, one[layer]!, colourOf(1 + (i % 6)), told.scores[i]![layer]! >= least ? 2 : 1);
      context.globalAlpha = 1;
    });
    const middles = told.boxes[chosen]!.slice(0, layer + 1).map(([x1, y1, x2, y2]) => to((x1 + x2) / 2, (y1 + y2) / 2));
    context.strokeStyle = context.fillStyle = CHOSEN;
    context.lineWidth = 2;
    context.beginPath();
    for (const [u, v] of middles) context.lineTo(u, v);
    context.stroke();
    for (const [u, v] of middles) context.fillRect(u - 3, v - 3, 6, 6);
    drawLabel(context, `q${told.queries[chosen]} ${told.scores[chosen]![layer]!.toFixed(2)}`, drawBox(context, to, told.boxes[chosen]![layer]!, CHOSEN, 3), CHOSEN);
  }), [told, chosen, layer, least, others, size[0], size[1]]);

  const name = (label: number) => told?.classes[label] ?? `class ${label}`;
  const span = (low: number, high: number, step: number, top = high) => ({ low, high, step, least: low, most: top, log: false });
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => ref && setImage(ref)} />
      <RunChoice value={run} onValue={setRun} suits={(recipe) => /^detect\/.*(detr)$/.test(recipe)} train="detect/detr" />
      {!run && <Choice label="Attention" value={fresh} options={[["detr", "everywhere"], ["deformable_detr", "deformable"]]} onValue={setFresh} text={fresh === "detr" ? "DETR: a query may look at every place." : "Deformable DETR: a few places, on maps of several sizes."} />}
      {!run && <Slider label="Seed" value={seed} span={span(0, 20, 1, 1e9)} onValue={(next) => setSeed(Math.round(next))} text="Of its first weights." />}
      <Slider label="Query" value={chosen + 1} span={span(1, Math.max(2, count), 1)} onValue={(next) => setRank(Math.round(next))} text="By how sure it is in the end, or click a box." />
      <Slider label="Others drawn" value={others} span={span(1, 100, 1)} onValue={(next) => setOthers(Math.round(next))} />
      <Slider label="Sure from" value={least} span={span(0, 1, 0.01)} onValue={setLeast} text="Surer answers are drawn in full." />
    </>
  );
  const scores = told?.scores[chosen];
  return (
    <Room
      title="Query lens" lead="DETR has no anchors and no suppression: a fixed number of queries ask the picture, layer after layer, and each of them becomes one thing, or nothing."
      methods={[run ? "explain.query_attention" : `detect.${fresh}`, "explain.query_attention"].filter((one, i, all) => all.indexOf(one) === i)} lesson={{ id: "w7d5", title: "Detection as a set" }} controls={controls} onPicture={setImage} error={found.error}
    >
      <StepScrubber names={Array.from({ length: layers }, (_, i) => `layer ${i + 1}`)} index={layer} onIndex={setAt} pace={900} />
      <Picture painted={painted} tool={tool} tick={tool} label="Query" />
      {told && scores && (
        <div class="room-told" role="status" data-queries={count} data-layers={layers} data-layer={layer + 1} data-query={told.queries[chosen]} data-score={scores[layer]!.toFixed(5)}>
          {!run && <p class="doubt">This network has learnt nothing: its answers are chance. Train one and choose it.</p>}
          <p><b class="is-pixel">Query {told.queries[chosen]}</b> after layer {layer + 1} of {layers}: {name(told.labels[chosen]![layer]!)}, {scores[layer]!.toFixed(3)}. Its box overlaps that of the last layer by {told.overlaps[chosen]![layer]!.toFixed(3)}.</p>
          <p>{maps && map && <>Of {maps.shape[2]}×{maps.shape[1]} places, the one it looks at most has {(100 * most).toFixed(1)} % of its attention; if it looked everywhere alike, each had {(100 / map.length).toFixed(2)} %.</>}</p>
          <p>{told.scores.filter((one) => one[layer]! >= least).length} of {count} queries are as sure as {least.toFixed(2)} here.</p>
        </div>
      )}
      {told && scores && (
        <div class="sl-table court-table" tabIndex={0} role="region" aria-label="The query after each layer">
          <table>
            <caption>Query {told.queries[chosen]} after each layer</caption>
            <thead><tr><th scope="col">layer</th><th scope="col">answer</th><th scope="col">score</th><th scope="col">overlap with the last</th></tr></thead>
            <tbody>{scores.map((score, i) => <tr key={i}><th scope="row"><button type="button" class="small" aria-pressed={i === layer} aria-label={`Layer ${i + 1}`} onClick={() => setAt(i)}>{i + 1}</button></th><td>{name(told.labels[chosen]![i]!)}</td><td>{score.toFixed(3)}</td><td>{told.overlaps[chosen]![i]!.toFixed(3)}</td></tr>)}</tbody>
          </table>
        </div>
      )}
    </Room>
  );
}
