// The map of digits: t-SNE as it goes on; point at a digit to see it, and where its true neighbours lie.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { Curve } from "../parts/beside";
import { StepScrubber } from "../parts/scrubber";
import { keep, place } from "../router";
import { useAsked } from "./asked";
import { INKS } from "./clock";
import { Choice, Room } from "./frame";

interface DigitMap {
  labels: number[];
  pixels: string;
  near: number[][];
  frames: { turn: number; divergence: number; places: [number, number][] }[];
}

export default function DigitMapRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) || 0 : fallback);
  const [perplexity, setPerplexity] = useState(number("perplexity", 30));
  const [exaggeration, setExaggeration] = useState(number("exaggeration", 12));
  const [start, setStart] = useState<"pca" | "random">(query.get("start") === "random" ? "random" : "pca");
  const [at, setAt] = useState(number("frame", 1e9));
  const [pointed, setPointed] = useState(number("digit", 0));
  const [coloured, setColoured] = useState(true);
  const found = useAsked<DigitMap>("/api/digit-map", { perplexity, exaggeration, start, seed: 0 }, 300);
  const value = found.value;
  const index = value ? Math.min(at, value.frames.length - 1) : 0;
  const frame = value?.frames[index];
  useEffect(() => {
    const next = new URLSearchParams({ perplexity: String(perplexity), exaggeration: String(exaggeration), start, digit: String(pointed) });
    if (value && index < value.frames.length - 1) next.set("frame", String(index));
    keep(next);
  }, [perplexity, exaggeration, start, pointed, index, value]);
  const curve = useMemo(() => {
    const frames = value?.frames.slice(1) ?? [];
    return [{ name: "divergence", x: frames.map((one) => one.turn), y: frames.map((one) => one.divergence) }];
  }, [value]);
  const alike = useMemo(() => (value && frame ? share(value, frame.places) : 0), [value, frame]);
  const nearest = (event: MouseEvent) => {
    if (!frame) return;
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const [x, y] = [(100 * (event.clientX - box.left)) / box.width, (100 * (event.clientY - box.top)) / box.height];
    const far = frame.places.map(([u, v]) => Math.hypot(u - x, v - y));
    setPointed(far.indexOf(Math.min(...far)));
  };
  const me = value ? Math.min(pointed, value.labels.length - 1) : 0;
  const ink = (i: number) => (coloured ? INKS[value!.labels[i]!] : "#777");
  const controls = (
    <>
      <Slider label="Perplexity" value={perplexity} span={{ low: 2, high: 100, step: 1, least: 2, most: 150, log: true }} onValue={(next) => setPerplexity(Math.round(next))} text="How many neighbours a digit has: few make many small islands, many show the whole." />
      <Slider label="Exaggeration" value={exaggeration} span={{ low: 1, high: 30, step: 1, least: 1, most: 50, log: false }} onValue={(next) => setExaggeration(Math.round(next))} text="What pulls are multiplied by in the first 250 iterations, so that groups form." />
      <Choice label="Start" value={start} options={[["pca", "Widest directions"], ["random", "Anywhere"]]} onValue={setStart} />
      <Choice label="Colours" value={coloured ? "labels" : "none"} options={[["labels", "By digit"], ["none", "None"]]} onValue={(next) => setColoured(next === "labels")} text="The map was drawn without them: nobody told it which digit is which." />
    </>
  );
  return (
    <Room title="Map of digits" lead="600 digits of 64 pixels each as places in the plane. t-SNE moves them until neighbours among pictures are neighbours on the map." methods={["learn.TSNE"]} lesson={{ id: "w4d7", title: "Clusters and maps" }} controls={controls} error={found.error}>
      <StepScrubber bare names={(value?.frames ?? [{ turn: 0 }]).map((one) => `iteration ${one.turn}`)} index={index} onIndex={setAt} pace={450} />
      {value && frame && <p class="room-told" role="status" data-alike={alike} data-frames={value.frames.length} data-pointed={me}>Iteration <b>{frame.turn}</b>: for <b>{(100 * alike).toFixed(0)} %</b> of the digits, the nearest one on the map is the same digit.{frame.turn > 0 && frame.turn <= 250 ? " Pulls are exaggerated still." : ""}</p>}
      <div class="room-pair stacked">
        <svg class="sheet" viewBox="0 0 100 100" role="img" aria-label="Map of digits" onMouseMove={nearest} onClick={nearest}>
          {frame && value!.near[me]!.map((j) => <line key={`near${j}`} class="near" x1={frame.places[me]![0]} y1={frame.places[me]![1]} x2={frame.places[j]![0]} y2={frame.places[j]![1]} />)}
          {frame?.places.map(([x, y], i) => <circle key={i} cx={x} cy={y} r={i === me ? 1.7 : 0.85} class={i === me ? "pointed" : ""} fill={ink(i)} />)}
        </svg>
        <div>
          <div class="digit-seen">{value && [me, ...value.near[me]!].map((i, n) => <Digit key={n} pixels={value.pixels.slice(64 * i, 64 * i + 64)} label={n ? String(value.labels[i]) : `a ${value.labels[i]}`} ink={INKS[value.labels[i]!]!} />)}</div>
          <p class="hint">The digit that you point at, and its five true neighbours among the pictures: lines lead to them.</p>
          <figure><figcaption>Divergence: what the map gets wrong about neighbours</figcaption>{value && <Curve lines={curve} axes={["iteration", "divergence"]} mark={frame!.turn} onMark={(x) => setAt(Math.max(0, value.frames.findIndex((one) => one.turn >= x)))} height={170} />}</figure>
        </div>
      </div>
    </Room>
  );
}

/** The share of places whose nearest one has the same label. */
function share(map: DigitMap, places: [number, number][]): number {
  let alike = 0;
  places.forEach(([x, y], i) => {
    let [best, at] = [Infinity, -1];
    places.forEach(([u, v], j) => {
      const far = (u - x) ** 2 + (v - y) ** 2;
      if (j !== i && far < best) [best, at] = [far, j];
    });
    if (map.labels[at] === map.labels[i]) alike++;
  });
  return alike / places.length;
}

function Digit({ pixels, label, ink }: { pixels: string; label: string; ink: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const tile = context.createImageData(8, 8);
    for (let i = 0; i < 64; i++) tile.data.set([...Array<number>(3).fill(17 * Number.parseInt(pixels[i]!, 16)), 255], 4 * i);
    context.putImageData(tile, 0, 0);
  }, [pixels]);
  return <figure><canvas ref={canvas} width={8} height={8} style={{ borderColor: ink }} /><figcaption>{label}</figcaption></figure>;
}
