// The eigenface room: a mean face, what faces differ by, and one face rebuilt from so many of these differences.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { numbersOf } from "../core/trace";
import { Curve } from "../parts/beside";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { useTraceOf } from "./asked";
import { FolderChoice } from "./cockpit-folder";
import { Room } from "./frame";
import "./motion.css";

const STEPS = { mean: 0, components: 1, face: 2, rebuilt: 3, difference: 4, errors: 5, weights: 6, nearest: 7 };

export default function EigenfacesRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [folder, setFolder] = useState(query.get("folder") ?? "");
  const [k, setK] = useState(number("k", 12));
  const [index, setIndex] = useState(number("index", 9));
  const found = useTraceOf("/api/eigenfaces", { folder, k, index });
  const trace = found.value;
  const [mean, components, face, rebuilt, difference, nearest] = [STEPS.mean, STEPS.components, STEPS.face, STEPS.rebuilt, STEPS.difference, STEPS.nearest].map((step) => usePainted(trace, step));
  const [used, error, kept, most] = (trace?.steps[STEPS.rebuilt]?.note ?? "").split(" ").map(Number);
  const table = useMemo(() => {
    if (!trace) return null;
    const rows = numbersOf(trace, trace.steps[STEPS.errors]!.layers[0]!["points"]);
    const column = (c: number) => Array.from({ length: rows.shape[0]! }, (_, i) => rows.data[3 * i + c]!);
    return { x: column(0), error: column(1), kept: column(2) };
  }, [trace]);
  const weights = useMemo(() => (trace ? Array.from(numbersOf(trace, trace.steps[STEPS.weights]!.layers[0]!["rows"]).data) : []), [trace]);
  const heaviest = Math.max(...weights.map(Math.abs), 1e-9);

  useEffect(() => {
    const next = new URLSearchParams({ k: String(k), index: String(index) });
    if (folder) next.set("folder", folder);
    keep(next);
  }, [folder, k, index]);

  const controls = (
    <>
      <div class="control" role="group" aria-label="Faces">
        <span class="label">Faces</span>
        <div class="row wrap">
          <button type="button" class="small" aria-pressed={!folder} onClick={() => setFolder("")}>Drawn faces</button>
          <FolderChoice about="The folder, or folders in it, hold photos of faces that are cut out alike." verb="Take the faces of" onFolder={(path) => setFolder(`file:${path}`)} />
        </div>
        <p class="hint">{folder ? folder.replace("file:", "") : "Sixty faces, ten people with six expressions and lights each."}</p>
      </div>
      <Slider label="Components" value={k} span={{ low: 0, high: Math.max(20, most ?? 60), step: 1, least: 0, most: 200, log: false }} onValue={(next) => setK(Math.round(next))} text="How many of the ways in which faces differ are used to rebuild this one." />
      <Slider label="Face" value={index} span={{ low: 0, high: 59, step: 1, least: 0, most: 100_000, log: false }} onValue={(next) => setIndex(Math.round(next))} text="Which face is rebuilt; it is left out when the components are found." />
      <figure class="mean-face"><figcaption>The mean of all others</figcaption><Picture painted={mean!} bare label="Mean face" /></figure>
    </>
  );
  return (
    <Room
      title="Eigenfaces" lead="Faces are alike: their mean, and a few ways to differ from it, draw almost any. Add one way after another, and a face comes out."
      methods={["faces.Eigenfaces", "learn.PCA"]} lesson={{ id: "w8d3", title: "Faces" }} controls={controls} error={found.error}
    >
      {used !== undefined && error !== undefined && most !== undefined && <p class="room-told" role="status" data-k={used} data-error={error}>With <b>{used}</b> of {most} components, {(100 * kept!).toFixed(1)} % of what faces differ by, each pixel is off by <b>{(255 * error).toFixed(1)}</b> grey levels.</p>}
      <div class="face-row">
        <figure><figcaption>{trace?.steps[STEPS.face]?.note ?? "The face"}</figcaption><Picture painted={face!} bare label="Face" /></figure>
        <figure><figcaption>Rebuilt from {used ?? k}</figcaption><Picture painted={rebuilt!} bare label="Rebuilt face" /></figure>
        <figure><figcaption>Where it is off</figcaption><Picture painted={difference!} bare label="Difference" /></figure>
        <figure><figcaption>Nearest by these: {trace?.steps[STEPS.nearest]?.note ?? ""}</figcaption><Picture painted={nearest!} bare label="Nearest face" /></figure>
      </div>
      <div class="room-pair stacked">
        <figure>
          <figcaption>The first sixteen components, row by row</figcaption>
          <Picture painted={components!} label="Components" />
        </figure>
        <div>
          <figure><figcaption>Error of the rebuilt face (share of white) and share of the spread that is kept</figcaption>{table && <Curve lines={[{ name: "error", x: table.x, y: table.error }, { name: "kept", x: table.x, y: table.kept }]} axes={["components", "share"]} mark={k} onMark={(x) => setK(Math.max(0, Math.min(most ?? 60, Math.round(x))))} height={170} />}</figure>
          <figure><figcaption>How much of each component this face has</figcaption>
            <ol class="weights">{weights.map((weight, i) => <li key={i} class={i < (used ?? 0) ? "used" : ""} title={`component ${i + 1}: ${weight.toFixed(2)}`}><span style={{ height: `${(50 * Math.abs(weight)) / heaviest}%`, [weight > 0 ? "bottom" : "top"]: "50%" }} /></li>)}</ol>
          </figure>
        </div>
      </div>
    </Room>
  );
}
