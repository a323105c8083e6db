// k-means and mean shift, round by round: the picture, and its colours as a cloud in which the centres move.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Json } from "../api";
import { Slider } from "../controls/slider";
import { drawCloud, type Orbit } from "../core/cloud";
import { ViewLink } from "../core/view";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { keep, place } from "../router";
import { picture } from "../state";
import { cloudOf, loadRound, type Round } from "./cluster-rounds";
import { Choice, Room } from "./frame";
import "./clusters.css";

type Method = "kmeans_segment" | "mean_shift_filter";
interface Numbers { k: number; seed: number; position: number; radius: number; colour_radius: number }

const ROUNDS: Record<Method, number> = { kmeans_segment: 12, mean_shift_filter: 8 };
const SIZE: Record<Method, number> = { kmeans_segment: 120_000, mean_shift_filter: 40_000 };
const FIRST: Numbers = { k: 5, seed: 0, position: 0, radius: 8, colour_radius: 24 };
const whole = (low: number, high: number, most = high) => ({ low, high, step: 1, least: low, most, log: false });

export default function ClustersRoom() {
  const query = useRef(place.peek().query).current;
  const [method, setMethod] = useState<Method>(query.get("method") === "mean_shift_filter" ? "mean_shift_filter" : "kmeans_segment");
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:coffee");
  const [numbers, setNumbers] = useState<Numbers>(() => {
    const given = (name: keyof Numbers) => (query.has(name) && Number.isFinite(Number(query.get(name))) ? Number(query.get(name)) : FIRST[name]);
    return { k: given("k"), seed: given("seed"), position: given("position"), radius: given("radius"), colour_radius: given("colour_radius") };
  });
  const [at, setAt] = useState(() => Math.max(0, Number(query.get("round") ?? 4) || 0));
  const [rounds, setRounds] = useState<Round[]>([]);
  const [error, setError] = useState("");
  const link = useMemo(() => new ViewLink(), []);
  const isMeans = method === "kmeans_segment";
  const { k, seed, position, radius, colour_radius } = numbers;
  const parameters: Record<string, Json> = isMeans ? { k, seed, ...(position ? { position } : {}) } : { radius, colour_radius };
  const key = JSON.stringify([method, image, parameters]);

  useEffect(() => {
    let here = true;
    const load = async () => {
      const found: Round[] = [];
      for (let turn = 1; turn <= ROUNDS[method]; turn++) {
        const round = await loadRound({ method: `image.${method}`, inputs: { image }, parameters: { ...parameters, iterations: turn, ...(isMeans ? { centres: true } : {}) }, steps: false, size: SIZE[method] }, found[0]);
        if (!here) return;
        found.push(round);
        setRounds([...found]);
        setError("");
      }
    };
    const timer = setTimeout(() => load().catch((problem: Error) => here && setError(problem.message)), 120);
    return () => { here = false; clearTimeout(timer); };
  }, [key]);
  useEffect(() => {
    const next = new URLSearchParams({ method, image, round: String(at) });
    for (const name of isMeans ? ["k", "seed", "position"] as const : ["radius", "colour_radius"] as const) next.set(name, String(numbers[name]));
    keep(next);
  }, [method, image, numbers, at]);

  const names = ["the colours", ...Array.from({ length: ROUNDS[method] }, (_, i) => `round ${i + 1}`)];
  const index = Math.min(at, rounds.length);
  const round = rounds[Math.max(0, index - 1)];
  const moved = isMeans && index > 1 ? distance(rounds[index - 2]!.centres, round!.centres) : null;
  const set = (name: keyof Numbers) => (value: number) => setNumbers((old) => ({ ...old, [name]: value }));
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => ref && setImage(ref)} />
      <Choice label="Method" value={method} options={[["kmeans_segment", "k-means"], ["mean_shift_filter", "Mean shift"]]} onValue={setMethod} text={isMeans ? "k centres: each pixel goes to the nearest one, each centre to the mean of its pixels, and again." : "No number of clusters: each pixel moves to the mean of the colours near it, and again, until it stands on a crowd."} />
      {isMeans ? (
        <>
          <Slider label="k" value={k} span={whole(1, 16, 64)} onValue={(value) => set("k")(Math.round(value))} text="Number of centres, and of colours in the result." />
          <Slider label="Seed" value={seed} span={whole(0, 20, 1_000_000)} onValue={(value) => set("seed")(Math.round(value))} text="Which pixels the centres start from: another start may end elsewhere." />
          <Slider label="Position" value={position} span={{ low: 0, high: 2, step: 0.05, least: 0, most: 10, log: false }} onValue={set("position")} text="Grey levels that a distance of one pixel counts for: more makes segments hold together." />
        </>
      ) : (
        <>
          <Slider label="Radius" value={radius} span={whole(1, 20, 60)} onValue={(value) => set("radius")(Math.round(value))} text="How far in the picture, in pixels, neighbours count." />
          <Slider label="Colour radius" value={colour_radius} span={{ low: 2, high: 80, step: 1, least: 0.1, most: 300, log: false }} onValue={set("colour_radius")} text="How far in colour they count: more melts more colours into one." />
        </>
      )}
    </>
  );
  return (
    <Room
      title="Colour clusters" lead="A picture is a cloud of colours. Step through the rounds: the centres walk to where the colours crowd, and the picture is redrawn with the colours they stand on."
      methods={[`image.${method}`, ...(isMeans ? [] : ["image.mean_shift_segment"])]} lesson={{ id: "w2d3", title: "Segmentation without learning" }} controls={controls} onPicture={setImage} error={error}
      program={{ inputs: { image }, steps: [{ method: `image.${method}`, parameters: { ...parameters, iterations: Math.max(1, index) } }] }}
    >
      <StepScrubber names={names} index={index} onIndex={setAt} pace={800} />
      <p class="clusters-said" role="status" data-rounds={rounds.length}>
        {index === 0 ? "The picture as it is, each pixel in its own colour." : isMeans
          ? `After ${index} ${index === 1 ? "round" : "rounds"}. ${moved === null ? "" : moved < 0.05 ? "No centre moves any more: it rests." : `The centre that moved farthest went ${moved.toFixed(1)} grey levels.`}`
          : `Each pixel has moved ${index} ${index === 1 ? "time" : "times"}, or rests.`}
      </p>
      <div class="room-pair">
        <figure>
          <figcaption>{isMeans ? "The picture, each pixel in the colour of its centre" : "The picture, each pixel in the colour that it has moved to"}</figcaption>
          <Picture painted={round ? (index === 0 ? round.before : round.after) : null} link={link} label="Picture" aspect={round ? round.after.width / round.after.height : 1.5} />
        </figure>
        <figure>
          <figcaption>Its colours: red to the right, green up, blue to the back; drag or use the arrow keys to go around</figcaption>
          <Cloud round={round} rounds={rounds.slice(0, index)} isMeans={isMeans} />
        </figure>
      </div>
      {isMeans && index > 0 && round && (
        <ul class="swatches" aria-label="Centres">
          {round.centres.map((centre, i) => <li key={i}><span style={{ background: `rgb(${centre.map(Math.round).join(" ")})` }} /> {centre.map(Math.round).join(", ")} · {(100 * round.shares[i]!).toFixed(1)} %</li>)}
        </ul>
      )}
    </Room>
  );
}

function distance(a: number[][], b: number[][]): number {
  return Math.max(...b.map((centre) => Math.min(...a.map((old) => Math.hypot(...centre.map((value, c) => value - old[c]!))))));
}

/** The colours and the centres' ways in one cube, looked at from where one was before. */
function Cloud({ round, rounds, isMeans }: { round: Round | undefined; rounds: Round[]; isMeans: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const orbit = useRef<Orbit>({ yaw: 0.6, pitch: 0.35, zoom: 0.8 });
  useEffect(() => {
    if (!round) return;
    const held = box.current!.contains(document.activeElement);
    const cloud = drawCloud(cloudOf(round, rounds, isMeans), "Colours in space", orbit.current);
    box.current!.replaceChildren(cloud);
    if (held) cloud.focus();
  }, [round, rounds.length, isMeans]);
  return <div ref={box} class="cloud-box" />;
}
