// The SIFT tower: octaves and levels as a stack, the extrema on their level, and one keypoint with all that describes it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import type { Trace } from "../core/trace";
import type { Tool } from "../core/view";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { painted as paintedStep, usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { useAsked, useTraceOf } from "./asked";
import { Choice, Room } from "./frame";
import { Described, type Keypoint } from "./tower-keypoint";
import "./tower.css";

type Row = [octave: number, level: number, x: number, y: number, sigma: number, response: number, ratio: number, fate: number];

const COLOURS = ["#56b4e9", "#999999", "#d55e00"];
const FATES = ["kept", "too faint", "on an edge"];
const LEVELS = 6;

/** A small picture of one level, in the stack. */
function Thumb({ trace, index }: { trace: Trace; index: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let here = true;
    void paintedStep(trace, index).then(({ under }) => {
      if (!here || !under || !canvas.current) return;
      Object.assign(canvas.current, { width: 96, height: Math.round((96 * under.height) / under.width) });
      canvas.current.getContext("2d")!.drawImage(under.image, 0, 0, canvas.current.width, canvas.current.height);
    });
    return () => { here = false; };
  }, [trace, index]);
  return <canvas ref={canvas} aria-hidden="true" />;
}

export default function TowerRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:cat");
  const [contrast, setContrast] = useState(number("contrast", 0.04));
  const [edge, setEdge] = useState(number("edge", 10));
  const [shown, setShown] = useState<"level" | "difference">(query.get("shown") === "level" ? "level" : "difference");
  const [at, setAt] = useState(number("at", LEVELS + 1));
  const [picked, setPicked] = useState<number | null>(null);
  const stack = useTraceOf("/api/tower", { input: image });
  const trace = stack.value;
  const found = useAsked<{ rows: Row[]; extrema: number }>("/api/tower/keypoints", { input: image, contrast, edge }, 60);
  const rows = found.value?.rows ?? [];

  // the steps by octave: levels, then the differences between them
  const floors = useMemo(() => (trace?.steps ?? []).flatMap((step, index) => {
    const match = /^octave (\d+), (level|difference) (\d+)$/.exec(step.name);
    return match && match[2] === shown ? [{ octave: Number(match[1]), level: Number(match[3]), index, note: step.note }] : [];
  }), [trace, shown]);
  const here = floors[Math.min(at, floors.length - 1)];
  const view = usePainted(trace, here?.index ?? 0);
  // extrema of the differences lie on the difference of their own number
  const mine = useMemo(() => rows.flatMap((row, i) => (here && row[0] === here.octave && row[1] === here.level ? [i] : [])), [rows, here]);
  const chosen = picked !== null && rows[picked] ? picked : mine.find((i) => rows[i]![7] === 0) ?? null;
  const key = chosen === null ? null : rows[chosen]!;
  const keypoint = useAsked<Keypoint>("/api/tower/keypoint", key && key[1] >= 1 && { input: image, octave: key[0], level: key[1], x: key[2], y: key[3], sigma: key[4] }, 30);

  useEffect(() => {
    keep(new URLSearchParams({ image, contrast: String(contrast), edge: String(edge), shown, at: String(at) }));
  }, [image, contrast, edge, shown, at]);

  const nearest = (x: number, y: number) => {
    let [best, least] = [null as number | null, Infinity];
    for (const i of mine) {
      const far = Math.hypot(rows[i]![2] + 0.5 - x, rows[i]![3] + 0.5 - y);
      if (far < least) [best, least] = [i, far];
    }
    return best;
  };
  const tool = useMemo<Tool>(() => ({
    cursor: "pointer",
    down(x, y) { setPicked(nearest(x, y)); },
    move() {}, up() {},
    draw(context, to, scale) {
      for (const fate of [1, 2, 0]) {
        for (const i of mine) {
          const [, , x, y, sigma, , , what] = rows[i]!;
          if (what !== fate) continue;
          const [u, v] = to(x + 0.5, y + 0.5);
          context.strokeStyle = COLOURS[what]!;
          context.lineWidth = i === chosen ? 3.5 : what ? 1 : 1.8;
          context.beginPath();
          context.arc(u, v, Math.max(3, sigma * scale * (what ? 0.8 : 1.5)), 0, 2 * Math.PI);
          context.stroke();
        }
      }
      if (!key || !here || key[0] !== here.octave || key[1] !== here.level) return;
      const [u, v] = to(key[2] + 0.5, key[3] + 0.5);
      for (const angle of keypoint.value?.angles ?? []) { // the window of the descriptor: 4×4 cells of three scales
        context.save();
        context.translate(u, v);
        context.rotate(angle);
        const cell = 3 * key[4] * scale;
        context.strokeStyle = "#e69f00";
        context.lineWidth = 1.5;
        for (let c = -2; c <= 2; c++) {
          context.beginPath();
          context.moveTo(c * cell, -2 * cell);
          context.lineTo(c * cell, 2 * cell);
          context.moveTo(-2 * cell, c * cell);
          context.lineTo(2 * cell, c * cell);
          context.stroke();
        }
        context.lineWidth = 3;
        context.beginPath();
        context.moveTo(0, 0);
        context.lineTo(2.6 * cell, 0);
        context.stroke();
        context.restore();
      }
    },
  }), [rows, mine, chosen, key, here, keypoint.value]);

  const counts = [0, 1, 2].map((fate) => rows.filter((row) => row[7] === fate).length);
  const onLevel = mine.filter((i) => rows[i]![7] === 0).length;
  const go = (index: number) => { setAt(index); setPicked(null); };
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => { if (ref) { setImage(ref); setPicked(null); } }} />
      <Choice label="Show" value={shown} options={[["difference", "Differences"], ["level", "Blurred"]]} onValue={(next) => { setShown(next); go(Math.min(at, 5)); }} text="Each octave is blurred more and more, then halved. Extrema are looked for in the differences." />
      <Slider label="Contrast" value={contrast} span={{ low: 0, high: 0.2, step: 0.002, least: 0, most: 1, log: false }} onValue={setContrast} text="What differs less from its surroundings is too faint." />
      <Slider label="Edge" value={edge} span={{ low: 1, high: 40, step: 0.5, least: 1, most: 1000, log: false }} onValue={setEdge} text="What is curved so many times more across than along lies on an edge, where places are not certain." />
      <ul class="fates">
        {FATES.map((name, i) => <li key={name}><span style={{ background: COLOURS[i] }} /> {name}: <b>{counts[i]}</b></li>)}
      </ul>
    </>
  );
  return (
    <Room
      title="SIFT tower" lead="Walk down the scale space: the same photo blurred ever more, halved again and again. What stands out most from its level and its neighbours above and below is a keypoint, at the scale of that level."
      methods={["features.sift", "features.dog_keypoints"]} lesson={{ id: "w3d2", title: "SIFT and its relatives" }} controls={controls} onPicture={setImage} error={stack.error || found.error || keypoint.error}
      program={{ inputs: { image }, steps: [{ method: "features.sift", parameters: { contrast, edge } }] }}
    >
      {trace && (
        <ol class="tower" aria-label="Levels">
          {floors.map((floor, i) => {
            const count = rows.filter((row) => row[0] === floor.octave && row[1] === floor.level && row[7] === 0).length;
            return (
              <li key={floor.index} class={floor.level === 0 ? "first" : ""}>
                <button type="button" aria-pressed={floor === here} title={floor.note} onClick={() => go(i)}>
                  <Thumb trace={trace} index={floor.index} />
                  <span>octave {floor.octave}, {floor.level}{count ? <b> · {count}</b> : null}</span>
                </button>
              </li>
            );
          })}
        </ol>
      )}
      <StepScrubber bare names={floors.map((floor) => `octave ${floor.octave}, ${shown} ${floor.level}`)} index={Math.min(at, Math.max(0, floors.length - 1))} onIndex={go} pace={700} />
      <p class="tower-said" role="status" data-kept={counts[0]} data-here={onLevel}>{here ? `${here.note} ${shown === "difference" && here.level >= 1 && here.level <= 3 ? `${onLevel} of ${mine.length} extrema here are kept.` : shown === "difference" ? "No extrema here: one of the two neighbours is missing." : ""}` : "…"}</p>
      <div class="room-pair stacked">
        <figure>
          <figcaption>Click a circle: its keypoint is described beside it</figcaption>
          <Picture painted={view} tool={tool} tick={tool} label="Level" />
        </figure>
        <Described keypoint={key ? keypoint.value : null} said={key ? `On octave ${key[0]}, level ${key[1]}: difference ${key[5].toFixed(4)}, curvatures ${key[6] < 0 ? "of a saddle" : `1 to ${key[6].toFixed(1)}`}, ${FATES[key[7]]}.` : ""} />
      </div>
    </Room>
  );
}
