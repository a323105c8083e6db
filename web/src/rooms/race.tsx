// The optimiser race: a loss of two weights as a map, optimisers that come down it from where one points, step by step.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { PALETTE } from "../core/colour";
import { canvasOf, rasterOfImage } from "../core/raster";
import type { Tool } from "../core/view";
import { Curve } from "../parts/beside";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { keep, place } from "../router";
import { dot, rimmed, useAsked, viewOf } from "./asked";
import { Choice, Room } from "./frame";
import "./learning.css";

type Loss = "rosenbrock" | "neuron";
type At = [number, number];

interface Race {
  extent: [number, number, number, number];
  size: [number, number];
  levels: string;
  start: At;
  racers: { name: string; rate: number; path: At[]; values: number[] }[];
}

const TIMES = 4;
const BANDS = 20;
const INKS = [4, 5, 2, 6, 0, 1].map((i) => PALETTE[i]!); // in the order in which curves take them
const MOST = INKS.length;
const TITLES: Record<string, string> = { newton: "Newton", bfgs: "BFGS", lbfgs: "L-BFGS" };
const FIRST = ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam", "AdamW"];
const ALL = [...FIRST, ...Object.keys(TITLES)];
const RATES: Record<Loss, Record<string, number>> = {
  rosenbrock: { SGD: 0.001, Momentum: 0.001, Nesterov: 0.001, AdaGrad: 0.5, RMSProp: 0.02, Adam: 0.1, AdamW: 0.1 },
  neuron: { SGD: 5, Momentum: 1, Nesterov: 1, AdaGrad: 1, RMSProp: 0.2, Adam: 0.3, AdamW: 0.3 },
};
const BEGIN = ["SGD", "Momentum", "Adam", "lbfgs"];
const LEADS: Record<Loss, string> = {
  rosenbrock: "Rosenbrock's valley: its floor is curved and nearly flat, its walls are a hundred times steeper. The lowest place is (1, 1).",
  neuron: "A real loss: the squared error of one neuron that tells handwritten 3s from 8s by two numbers of each. Where the neuron is sure and wrong, the ground is flat.",
};

function read(text: string | null, loss: Loss): Record<string, number> {
  const found: Record<string, number> = {};
  for (const part of (text ?? BEGIN.join(",")).split(",")) {
    const [name, rate] = part.split(":");
    if (ALL.includes(name!) && Object.keys(found).length < MOST) found[name!] = Number(rate) || RATES[loss][name!] || 1;
  }
  return found;
}

function mapOf(race: Race): HTMLCanvasElement {
  const [wide, high] = race.size;
  const bytes = atob(race.levels);
  const [width, height] = [wide * TIMES, high * TIMES];
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  const at = (x: number, y: number) => {
    const i = 2 * (Math.min(high - 1, y) * wide + Math.min(wide - 1, x)); // two bytes, the lower one first
    return bytes.charCodeAt(i) + 256 * bytes.charCodeAt(i + 1);
  };
  for (let y = 0; y < height; y++) {
    const [v, fv] = [Math.floor(y / TIMES), (y % TIMES) / TIMES];
    for (let x = 0; x < width; x++) {
      const [u, fu] = [Math.floor(x / TIMES), (x % TIMES) / TIMES];
      const level = (at(u, v) * (1 - fu) + at(u + 1, v) * fu) * (1 - fv) + (at(u, v + 1) * (1 - fu) + at(u + 1, v + 1) * fu) * fv;
      const band = (level / 65535) * BANDS;
      const edge = band % 1 < 0.09 ? 26 : 0;
      const shade = 0.4 + 0.6 * (Math.floor(band) / BANDS);
      const i = 4 * (y * width + x);
      image.data.set([shade * 226 - edge, shade * 232 - edge, shade * 240 - edge, 255], i);
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export default function RaceRoom() {
  const query = useRef(place.peek().query).current;
  const [loss, setLoss] = useState<Loss>(query.get("loss") === "neuron" ? "neuron" : "rosenbrock");
  const [racers, setRacers] = useState(() => read(query.get("racers"), loss));
  const [start, setStart] = useState<At | null>(/^-?[\d.]+,-?[\d.]+$/.test(query.get("start") ?? "") ? (query.get("start")!.split(",").map(Number) as At) : null);
  const [steps, setSteps] = useState(Number(query.get("steps")) || 150);
  const [at, setAt] = useState(Number(query.get("at") ?? 1e9));
  const found = useAsked<Race>("/api/race", { loss, start, racers, steps });
  const value = found.value;
  const most = value ? Math.max(1, ...value.racers.map((one) => one.path.length)) : 1;
  const index = Math.min(at, most - 1);

  useEffect(() => {
    const next = new URLSearchParams({ loss, steps: String(steps), racers: Object.entries(racers).map(([name, rate]) => `${name}:${rate}`).join(",") });
    if (start) next.set("start", start.join(","));
    if (index < most - 1) next.set("at", String(index));
    keep(next);
  }, [loss, racers, start, steps, index, most]);

  const painted = useMemo(() => {
    if (!value) return null;
    const canvas = mapOf(value);
    return viewOf("Loss", rasterOfImage(canvas, 3, false), [canvas.width, canvas.height]);
  }, [value?.levels]);
  const [width, height] = value ? [value.size[0] * TIMES, value.size[1] * TIMES] : [720, 480];
  const tool = useMemo<Tool>(() => {
    const [left, right, low, high] = value?.extent ?? [0, 1, 0, 1];
    const pixel = ([x, y]: At): At => [((x - left) / (right - left)) * (width - 1), ((high - y) / (high - low)) * (height - 1)];
    return {
      cursor: "crosshair",
      down(x, y) {
        if (!value) return;
        setStart([left + (x / (width - 1)) * (right - left), high - (y / (height - 1)) * (high - low)].map((one) => Number(one.toFixed(3))) as At);
        setAt(1e9);
      },
      move() {}, up() {},
      draw(context, to) {
        value?.racers.forEach((racer, i) => {
          const seen = racer.path.slice(0, index + 1).map((one) => to(...pixel(one)));
          if (seen.length > 1) rimmed(context, INKS[i]!, seen, 2.5);
          for (const one of seen.slice(1, -1)) if (racer.path.length <= 60) dot(context, INKS[i]!, one, 2.5, "");
        });
        value?.racers.forEach((racer, i) => {
          const last = racer.path[Math.min(index, racer.path.length - 1)];
          if (last) dot(context, INKS[i]!, to(...pixel(last)), 6, "#000");
        });
        if (value) dot(context, "#fff", to(...pixel(value.start)), 5, "#000");
      },
    };
  }, [value, index, width, height]);
  const lines = useMemo(() => (value?.racers ?? []).map((racer) => ({
    name: TITLES[racer.name] ?? racer.name,
    x: racer.values.map((_, i) => i),
    y: racer.values.map((one) => Math.log10(Math.max(one, 1e-12))),
  })), [value]);

  const toggle = (name: string) => {
    const next = { ...racers };
    if (name in next) delete next[name];
    else next[name] = RATES[loss][name] ?? 1;
    setRacers(next);
  };
  const chosen = Object.keys(racers);
  const controls = (
    <>
      <Choice
        label="Loss" value={loss} options={[["rosenbrock", "Rosenbrock"], ["neuron", "A neuron"]]} text={LEADS[loss]}
        onValue={(next) => { setLoss(next); setStart(null); setAt(1e9); setRacers(Object.fromEntries(chosen.map((name) => [name, RATES[next][name] ?? 1]))); }}
      />
      <div class="control" role="group" aria-label="Optimisers">
        <span class="label">Optimisers</span>
        <div class="segments race-names">
          {ALL.map((name) => (
            <button type="button" class="small" key={name} aria-pressed={name in racers} disabled={!(name in racers) && chosen.length >= MOST} onClick={() => toggle(name)}>
              {name in racers && <i style={{ background: INKS[chosen.indexOf(name)]! }} />}{TITLES[name] ?? name}
            </button>
          ))}
        </div>
      </div>
      {chosen.filter((name) => FIRST.includes(name)).map((name) => (
        <Slider
          key={name} label={`${name}, learning rate`} value={racers[name]!} span={{ low: 1e-4, high: 10, step: 1e-4, least: 0, most: 1000, log: true }}
          onValue={(rate) => setRacers({ ...racers, [name]: rate })}
        />
      ))}
      <Slider label="Steps" value={steps} span={{ low: 10, high: 400, step: 1, least: 1, most: 400, log: false }} onValue={(next) => { setSteps(Math.round(next)); setAt(1e9); }} text="Newton and its relatives stop by themselves." />
      <div class="race-start">
        {([0, 1] as const).map((i) => (
          <label key={i}>start {"xy"[i]} <input
            class="number" type="number" step="any" value={(start ?? value?.start ?? [0, 0])[i]}
            onChange={(event) => { const next: At = [...(start ?? value?.start ?? [0, 0])] as At; next[i] = Number(event.currentTarget.value); setStart(next); setAt(1e9); }}
          /></label>
        ))}
      </div>
    </>
  );
  return (
    <Room
      title="Optimiser race" lead="A loss of two weights from above: dark is low, each line a step of height. Point anywhere to start there, and see which way each optimiser takes."
      methods={chosen.map((name) => `learn.${name}`)} lesson={{ id: "w5d7", title: "Optimisers" }} controls={controls} error={found.error}
    >
      <StepScrubber bare names={Array.from({ length: most }, (_, i) => `step ${i}`)} index={index} onIndex={setAt} pace={most > 60 ? 60 : 300} />
      <Picture painted={painted} tool={tool} tick={tool} aspect={width / height} label="Map of the loss" />
      {value && (
        <div class="room-told" role="status" data-race={index} data-racers={value.racers.length}>
          <table class="race-board">
            <caption>After {index} steps</caption>
            <thead><tr><th scope="col">optimiser</th><th scope="col">steps</th><th scope="col">place</th><th scope="col">loss</th></tr></thead>
            <tbody>
              {value.racers.map((racer, i) => {
                const last = Math.min(index, racer.path.length - 1);
                const [x, y] = racer.path[last] ?? [NaN, NaN];
                return (
                  <tr key={racer.name}>
                    <th scope="row"><i style={{ background: INKS[i]! }} /> {TITLES[racer.name] ?? racer.name}</th>
                    <td>{last}{FIRST.includes(racer.name) && racer.path.length <= steps && last === racer.path.length - 1 ? ", left the map for good" : ""}</td>
                    <td>({x!.toFixed(3)}, {y!.toFixed(3)})</td>
                    <td>{racer.values[last]?.toPrecision(3)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      <figure class="band"><figcaption>How high each one is: powers of ten of the loss</figcaption><Curve lines={lines} axes={["step", "log₁₀ loss"]} mark={index + 1 < most ? index : null} height={170} /></figure>
    </Room>
  );
}
