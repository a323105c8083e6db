// The clock of k-means: points on a sheet, centres that a person may put down badly, and round after round.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { Curve } from "../parts/beside";
import { StepScrubber } from "../parts/scrubber";
import { keep, place } from "../router";
import { useAsked } from "./asked";
import { Choice, Room } from "./frame";
import "./clock.css";

type Shape = "crowds" | "lines" | "rings" | "nothing";
type Start = "one place" | "any" | "far" | "mine";
type Place = [number, number];

interface Clock {
  points: Place[];
  rounds: { centres: Place[]; labels: number[]; sum: number; changed: number }[];
  best: number;
}

export const INKS = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#b8a800", "#7f7f7f", "#8c564b", "#17becf"];
const whole = (low: number, high: number, most = high) => ({ low, high, step: 1, least: low, most, log: false });

export default function ClockRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) || 0 : fallback);
  const word = <T extends string>(name: string, words: readonly T[]) => words.find((one) => one === query.get(name)) ?? words[0]!;
  const [shape, setShape] = useState<Shape>(word("shape", ["crowds", "lines", "rings", "nothing"] as const));
  const [start, setStart] = useState<Start>(word("start", ["one place", "any", "far", "mine"] as const));
  const [k, setK] = useState(number("k", 5));
  const [seed, setSeed] = useState(number("seed", 0));
  const [at, setAt] = useState(number("round", 0));
  const [mine, setMine] = useState<Place[]>(() => (query.get("places") ?? "").split(";").map((one) => one.split(",").map(Number) as Place).filter((one) => one.length === 2 && one.every(Number.isFinite)));
  const found = useAsked<Clock>("/api/clock", start === "mine" && !mine.length ? { shape, k, seed, start: "any" } : { shape, k, seed, start, places: start === "mine" ? mine : [] });
  const value = found.value;
  const index = value ? Math.min(at, value.rounds.length - 1) : 0;
  const round = value?.rounds[index];
  useEffect(() => {
    const next = new URLSearchParams({ shape, start, k: String(k), seed: String(seed), round: String(index) });
    if (start === "mine" && mine.length) next.set("places", mine.map((one) => one.map((c) => c.toFixed(1)).join()).join(";"));
    keep(next);
  }, [shape, start, k, seed, index, mine]);
  const curve = useMemo(() => {
    const sums = value?.rounds.map((one) => one.sum) ?? [];
    const x = sums.map((_, i) => i);
    return [{ name: "this start", x, y: sums }, { name: "best of twelve", x, y: x.map(() => value?.best ?? 0) }];
  }, [value]);
  const put = (event: MouseEvent) => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const here: Place = [(100 * (event.clientX - box.left)) / box.width, (100 * (event.clientY - box.top)) / box.height];
    setMine((old) => (start === "mine" ? [...old, here] : [here]).slice(-9));
    setStart("mine");
    setAt(0);
  };
  const last = value?.rounds.at(-1);
  const worse = value && last ? last.sum / value.best : 1;
  const controls = (
    <>
      <Choice label="Points" value={shape} options={[["crowds", "Five crowds"], ["lines", "Lines"], ["rings", "Rings"], ["nothing", "Nothing"]]} onValue={(next) => { setShape(next); setAt(0); }} text="K-means finds round groups of like size, and finds them where there are none." />
      <Choice label="Start" value={start} options={[["one place", "One corner"], ["any", "Any points"], ["far", "Far apart"], ["mine", "Mine"]]} onValue={(next) => { setStart(next); setAt(0); }} text="Click on the sheet to put the first centres down yourself, up to nine." />
      {start === "mine" ? <button type="button" class="small" onClick={() => setMine([])}>Take them all away</button>
        : <Slider label="k" value={k} span={whole(1, 9)} onValue={(next) => { setK(Math.round(next)); setAt(0); }} text="Number of centres." />}
      <Slider label="Seed" value={seed} span={whole(0, 20, 1_000_000)} onValue={(next) => { setSeed(Math.round(next)); setAt(0); }} text="Which points there are, and which of them the centres start from." />
    </>
  );
  return (
    <Room title="K-means clock" lead="Each point goes to the nearest centre, each centre to the mean of its points, and again. It always comes to rest. Where, that depends on the start." methods={["learn.KMeans"]} lesson={{ id: "w4d7", title: "Clusters and maps" }} controls={controls} error={found.error}>
      <StepScrubber bare names={(value?.rounds ?? [{}]).map((_, i) => (i ? `round ${i}` : "start"))} index={index} onIndex={setAt} pace={700} />
      {value && round && <p class="room-told" role="status" data-rounds={value.rounds.length - 1} data-ratio={worse}>
        Sum of squares <b>{round.sum.toFixed(0)}</b>; {index === 0 ? "the centres as they were put down." : `${round.changed} of ${value.points.length} points went to another centre.`} {worse > 1.05 ? <>This start ends <b>{(100 * worse - 100).toFixed(0)} %</b> above the best of twelve careful ones.</> : "It ends as low as the best of twelve careful starts."}
      </p>}
      <div class="room-pair stacked">
        <svg class="sheet" viewBox="0 0 100 100" role="img" aria-label="Points and centres" onClick={put}>
          {value?.points.map(([x, y], i) => <circle key={i} cx={x} cy={y} r={0.9} fill={INKS[round!.labels[i]!]} />)}
          {round?.centres.map((_, c) => <polyline key={`way${c}`} points={value!.rounds.slice(0, index + 1).map((one) => one.centres[c]!.join()).join(" ")} class="way" />)}
          {round?.centres.map(([x, y], c) => <circle key={`centre${c}`} class="centre" cx={x} cy={y} r={2.1} fill={INKS[c]} />)}
        </svg>
        <figure><figcaption>The sum of squares falls in every round</figcaption>{value && <Curve lines={curve} axes={["round", "sum of squares"]} mark={index} onMark={(x) => setAt(Math.max(0, Math.round(x)))} height={200} />}</figure>
      </div>
    </Room>
  );
}
