// The court of suppression: the best box is taken, and every box that overlaps it is judged by how much.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { useAsked, viewOf } from "./asked";
import { BoxSliders, boxTool, drawBox, drawLabel, readRows, writeRows, type Box } from "./boxes";
import { courtAt, type Court, type Fate } from "./court-fates";
import { Choice, Room } from "./frame";
import "./detection.css";

type Source = "crowd" | "alike" | "mine";
type Rule = "hard" | "linear" | "gaussian";

const [BEST, TAKEN, GONE, WAITS] = ["#e69f00", "#009e73", "#d55e00", "#56b4e9"];
const RULES: Record<Rule, string> = {
  hard: "A box that overlaps a better one by more than the threshold goes.",
  linear: "Above the threshold, a score is multiplied by 1 − overlap.",
  gaussian: "Every score is multiplied by exp(−overlap² / width).",
};
const COIN: Box = [132, 28, 180, 76];

export default function CourtRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [source, setSource] = useState<Source>((["alike", "mine"] as const).find((one) => one === query.get("source")) ?? "crowd");
  const [image, setImage] = useState(query.get("image") ?? "sample:coins");
  const [model, setModel] = useState<Box>((readRows(query.get("model"), 4)[0] as Box | undefined) ?? COIN);
  const [drawn, setDrawn] = useState(readRows(query.get("drawn"), 5));
  const [least, setLeast] = useState(number("least", 0.6));
  const [rule, setRule] = useState<Rule>((["linear", "gaussian"] as const).find((one) => one === query.get("rule")) ?? "hard");
  const [threshold, setThreshold] = useState(number("threshold", 0.5));
  const [sigma, setSigma] = useState(number("sigma", 0.5));
  const [floor, setFloor] = useState(number("floor", 0.05));
  const [at, setAt] = useState(number("round", 1));
  const [asked, setAsked] = useState(number("box", 0));
  const [score, setScore] = useState(0.8);
  const found = useAsked<Court>("/api/court", { source, input: image, rule, threshold, sigma, floor, ...(source === "alike" ? { model, least } : {}), ...(source === "mine" ? { drawn } : {}) }, 80);
  const value = found.value;
  const raster = usePicture(value?.ref);
  const painted = useMemo(() => viewOf("Boxes", raster, value?.size), [raster, value?.size[0], value?.size[1]]);
  const index = Math.min(at, value?.rounds.length ?? 0);
  const fates = useMemo(() => (value ? courtAt(value, index) : []), [value, index]);
  const now = index ? value!.rounds[index - 1]! : null;
  const count = value?.boxes.length ?? 0;
  const chosen = asked >= 1 && asked <= count ? asked - 1 : -1;
  const size = value?.size ?? [480, 360];

  useEffect(() => {
    const next = new URLSearchParams({ source, rule, threshold: String(threshold), sigma: String(sigma), floor: String(floor), round: String(index) });
    if (source !== "crowd") next.set("image", image);
    if (source === "alike") next.set("model", writeRows([model])), next.set("least", String(least));
    if (source === "mine") next.set("drawn", writeRows(drawn));
    if (chosen >= 0) next.set("box", String(asked));
    keep(next);
  }, [source, image, model, drawn, least, rule, threshold, sigma, floor, index, asked, chosen]);

  const onBox = (box: Box) => {
    setAt(1);
    if (source === "alike") setModel(box);
    else if (source === "mine") setDrawn([...drawn, [...box, score]]);
  };
  const onPoint = (x: number, y: number) => {
    const under = (value?.boxes ?? []).map(([x1, y1, x2, y2], i) => ({ i, area: x >= x1 && x < x2 && y >= y1 && y < y2 ? (x2 - x1) * (y2 - y1) : Infinity }));
    const smallest = under.filter((one) => one.area < Infinity && one.i !== chosen).sort((a, b) => a.area - b.area)[0];
    setAsked(smallest ? smallest.i + 1 : 0);
  };
  const tool = useMemo(() => boxTool(size, onBox, onPoint, (context, to) => {
    if (!value) return;
    const told = new Set(now?.rivals ?? []);
    value.boxes.forEach((box, i) => {
      const { state, score } = fates[i]!;
      if (told.has(i) || i === now?.best || state === "gone") return;
      context.globalAlpha = state === "taken" ? 1 : 0.25 + 0.75 * score;
      drawBox(context, to, box, state === "taken" ? TAKEN : WAITS, state === "taken" ? 3 : 1.5);
      context.globalAlpha = 1;
    });
    now?.rivals.forEach((i, k) => {
      const weight = now.weights[k]!;
      drawBox(context, to, value.boxes[i]!, weight === 0 ? GONE : weight < 1 ? "#cc79a7" : WAITS, 2, weight < 1 ? [5, 4] : []);
    });
    if (now) drawLabel(context, `${name(now.best)} ${now.score.toFixed(2)}`, drawBox(context, to, value.boxes[now.best]!, BEST, 4), BEST);
    if (source === "alike") drawBox(context, to, model, "#f0e442", 2, [2, 4]);
    if (chosen >= 0) drawLabel(context, name(chosen), drawBox(context, to, value.boxes[chosen]!, "#fff", 3), "#fff");
  }), [value, fates, now, chosen, source, model, drawn, score]);

  const span = (high: number, step: number, low = 0) => ({ low, high, step, least: low, most: high, log: false });
  const another = (next: Source) => {
    setSource(next);
    setAt(1);
    setAsked(0);
  };
  const controls = (
    <>
      <Choice label="Candidates" value={source} options={[["crowd", "A crowd"], ["alike", "Alike"], ["mine", "Mine"]]} onValue={another} text={source === "crowd" ? "What a made detector says of things that cover one another." : source === "alike" ? "Drag a box around something: all that looks like it is found, by match_template at five sizes." : "Drag boxes; each gets the score below."} />
      {source !== "crowd" && <Picker label="Picture" value={image} onValue={(ref) => { if (ref) { setImage(ref); setDrawn([]); setAsked(0); } }} />}
      {source === "alike" && <Slider label="Likeness" value={least} span={span(1, 0.01, 0.2)} onValue={setLeast} text="Correlation from which a place is a candidate." />}
      {source === "alike" && <BoxSliders label="Pattern" box={model} size={size} onBox={onBox} />}
      {source === "mine" && <Slider label="Score of the next box" value={score} span={span(1, 0.01)} onValue={setScore} />}
      {source === "mine" && <div class="row wrap"><button type="button" class="small" onClick={() => onBox([size[0] * 0.3, size[1] * 0.3, size[0] * 0.6, size[1] * 0.7].map(Math.round) as Box)}>Add a box</button><button type="button" class="small" disabled={!drawn.length} onClick={() => setDrawn(drawn.slice(0, -1))}>Take the last away</button></div>}
      {source === "mine" && drawn.length > 0 && <BoxSliders label="Last box" box={drawn.at(-1)!.slice(0, 4) as Box} size={size} onBox={(box) => setDrawn([...drawn.slice(0, -1), [...box, drawn.at(-1)![4]!]])} />}
      <Choice label="Rule" value={rule} options={[["hard", "Hard"], ["linear", "Linear"], ["gaussian", "Gaussian"]]} onValue={setRule} text={RULES[rule]} />
      {rule !== "gaussian" && <Slider label="Threshold" value={threshold} span={span(1, 0.01)} onValue={setThreshold} text="Intersection over union." />}
      {rule === "gaussian" && <Slider label="Width" value={sigma} span={span(2, 0.01, 0.01)} onValue={setSigma} text="The wider, the milder." />}
      {rule !== "hard" && <Slider label="Floor" value={floor} span={span(0.9, 0.01)} onValue={setFloor} text="A box whose score falls below this goes." />}
      <Slider label="Box asked about" value={asked} span={span(Math.max(1, count), 1)} onValue={(next) => setAsked(Math.round(next))} text="Or click one; 0 is none." />
    </>
  );
  const names = ["candidates", ...(value?.rounds ?? []).map((_, i) => `round ${i + 1}`)];
  const waiting = fates.filter((one) => one.state === "waits").length;
  return (
    <Room
      title="NMS court" lead="A detector says the same thing many times. The surest box is taken, and those that overlap it are judged: sent away, or only doubted. Then the next one."
      methods={[rule === "hard" ? "detect.nms" : "detect.soft_nms", "detect.iou"]} lesson={{ id: "w7d1", title: "Boxes and overlap" }} controls={controls} onPicture={(ref) => { setImage(ref); another("mine"); }} error={found.error}
    >
      <StepScrubber bare names={names} index={index} onIndex={setAt} pace={700} />
      <Picture painted={painted} tool={tool} tick={tool} label="Boxes" />
      {value && (
        <div class="room-told" role="status" data-boxes={count} data-round={index} data-kept={value.kept.length} data-waiting={waiting} data-gone={fates.filter((one) => one.state === "gone").length}>
          <p>{now ? <><b>Round {index} of {value.rounds.length}.</b> <b class="is-pixel">{name(now.best)}</b> has the best score, {now.score.toFixed(3)}, and is taken. {now.rivals.length ? `${now.rivals.length} ${now.rivals.length === 1 ? "box that waits overlaps" : "boxes that wait overlap"} it.` : "Nobody who waits overlaps it."}</> : <><b>{count} candidates</b>, before anything is judged.</>} {waiting} wait; {value.kept.length} are kept in the end.</p>
          {chosen >= 0 && <p><b>{name(chosen)}</b>, score {value.scores[chosen]!.toFixed(3)}: {story(value, chosen, fates[chosen]!)}</p>}
        </div>
      )}
      {now && now.rivals.length > 0 && (
        <div class="sl-table court-table" tabIndex={0} role="region" aria-label="Who is judged in this round">
          <table>
            <caption>Judged in round {index}, by overlap with {name(now.best)}</caption>
            <thead><tr><th scope="col">box</th><th scope="col">overlap</th><th scope="col">weight</th><th scope="col">score then</th></tr></thead>
            <tbody>
              {now.rivals.map((i, k) => ({ i, k })).sort((a, b) => now.overlaps[b.k]! - now.overlaps[a.k]!).map(({ i, k }) => (
                <tr key={i} class={now.weights[k] === 0 ? "is-gone" : ""}>
                  <th scope="row"><button type="button" class="small" aria-pressed={i === chosen} onClick={() => setAsked(i + 1)}>{name(i)}</button></th>
                  <td>{now.overlaps[k]!.toFixed(3)}</td><td>{now.weights[k]!.toFixed(3)}</td>
                  <td>{now.weights[k] === 0 ? "sent away" : now.scores[k]!.toFixed(3)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Room>
  );
}

function name(index: number): string {
  return `b${index + 1}`;
}

/** What became of a box in the end, and through whom. */
function story(court: Court, index: number, fate: Fate): string {
  const won = court.rounds.findIndex((one) => one.best === index);
  const hits = court.rounds.flatMap((one, r) => {
    const k = one.rivals.indexOf(index);
    return k < 0 || one.weights[k] === 1 ? [] : [{ r, k, one }];
  });
  const doubts = hits.map(({ r, k, one }) => `in round ${r + 1} ${name(one.best)} overlaps it by ${one.overlaps[k]!.toFixed(3)}${one.weights[k] === 0 ? " and sends it away" : ` and lowers it to ${one.scores[k]!.toFixed(3)}`}`);
  const end = won >= 0 ? `it is taken in round ${won + 1}${hits.length ? ` with ${court.rounds[won]!.score.toFixed(3)}` : ""}` : hits.some(({ k, one }) => one.weights[k] === 0) ? "" : "it falls below the floor";
  return `${[...doubts, end].filter(Boolean).join("; ")}. Now it ${fate.state === "taken" ? "is taken" : fate.state === "gone" ? "is gone" : "waits"}.`;
}
