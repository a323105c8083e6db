// The reconstruction room: a folder of photos becomes a cloud of points and the places that the photos were taken from.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, get, pictureUrl, post } from "../api";
import { drawCloud, type Orbit } from "../core/cloud";
import { numbersOf, readTrace, type Numbers } from "../core/trace";
import { Curve } from "../parts/beside";
import { keep, place } from "../router";
import { tell } from "../state";
import { FolderChoice } from "./cockpit-folder";
import { Room } from "./frame";
import "./reconstruction.css";

interface Started {
  name: string | null;
  state: "none" | "running" | "finished" | "stopped" | "failed";
  log: string[];
}

interface Told {
  registered: number;
  images: number;
  points: number;
  observations: number;
  mean_reprojection_px: number;
  median_px: number | null;
  seconds: number;
  focal: number | null;
  left_out: string[];
  photos: { name: string; placed: boolean; points: number; error: number }[];
  pairs: [string, string, number, number, number][];
  histogram: { counts: number[]; edges: number[] };
  timings: Record<string, number>;
  matches: Record<string, string>;
}

function Cloud({ rows }: { rows: Numbers }) {
  const box = useRef<HTMLDivElement>(null);
  const orbit = useRef<Orbit>({ yaw: 0.5, pitch: -0.25, zoom: 2.2 });
  useEffect(() => {
    box.current!.replaceChildren(drawCloud(rows, "Points and cameras", orbit.current));
  }, [rows]);
  return <div ref={box} class="cloud-box big" />;
}

/** Which reconstructions there are, asked again while one is being made. */
function useList(): { found: string[]; started: Started | null; again: () => void } {
  const [list, setList] = useState<{ found: string[]; started: Started | null }>({ found: [], started: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let here = true;
    let timer = 0;
    get<{ found: string[]; started: Started }>("/api/reconstructions").then((answer) => {
      if (!here) return;
      setList(answer);
      if (answer.started.state === "running") timer = window.setTimeout(() => setTurn(turn + 1), 1000);
    }, (error: Error) => tell(error.message));
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [turn]);
  return { ...list, again: () => setTurn((old) => old + 1) };
}

export default function ReconstructionRoom() {
  const query = useRef(place.peek().query).current;
  const [name, setName] = useState(query.get("run") ?? "");
  const [told, setTold] = useState<Told | null>(null);
  const [rows, setRows] = useState<Numbers | null>(null);
  const [error, setError] = useState("");
  const { found, started, again } = useList();
  const finished = started?.state === "finished" ? started.name ?? "" : "";
  const chosen = name || finished || found[0] || "";

  useEffect(() => {
    if (name) keep(new URLSearchParams({ run: name }));
  }, [name]);
  useEffect(() => {
    if (!chosen || !found.includes(chosen)) return;
    let here = true;
    const path = chosen.split("/").map(encodeURIComponent).join("/");
    Promise.all([get<Told>(`/api/reconstructions/told/${path}`), call(`/api/reconstructions/cloud/${path}`).then((answer) => answer.arrayBuffer())]).then(([facts, bytes]) => {
      if (!here) return;
      const trace = readTrace(bytes);
      setTold(facts);
      setRows(numbersOf(trace, trace.steps[0]!.layers[0]!["points"]));
      setError("");
    }, (problem: Error) => here && setError(problem.message));
    return () => { here = false; };
  }, [chosen, finished, found.length]);

  const start = async (folder: string) => {
    try {
      await post<{ name: string }>("/api/reconstructions", { folder });
      setName("");
      setError("");
      again();
    } catch (problem) {
      setError((problem as Error).message);
    }
  };
  const stop = () => post("/api/reconstructions/stop", {}).then(again, (problem: Error) => setError(problem.message));
  const bars = useMemo(() => {
    if (!told) return null;
    const { counts, edges } = told.histogram;
    return { x: counts.map((_, i) => (edges[i]! + edges[i + 1]!) / 2), y: counts };
  }, [told]);
  const running = started?.state === "running";
  const controls = (
    <>
      <div class="control" role="group" aria-label="Start">
        <span class="label">Start from photos</span>
        <div class="row wrap">
          <button type="button" class="small" disabled={running} onClick={() => void start("scene:desk")}>Made photos of a desk</button>
          <FolderChoice about="The folder holds photos of one scene that does not move, each overlapping others by more than half." verb="Reconstruct from" onFolder={(path) => void start(`file:${path}`)} />
        </div>
        <p class="hint">Runs <code>sightline sfm</code> on this machine; a run that is stopped goes on where it was.</p>
        {running && <button type="button" class="small" onClick={() => void stop()}>Stop</button>}
      </div>
      {found.length > 0 && (
        <label class="control"><span class="label">Reconstruction</span>
          <select value={chosen} onChange={(event) => setName(event.currentTarget.value)}>{found.map((one) => <option key={one} value={one}>{one}</option>)}</select>
        </label>
      )}
      {started && started.state !== "none" && (
        <div class="sfm-log" data-state={started.state}>
          <p><b>{started.name}</b>: {started.state === "running" ? "working…" : started.state}</p>
          {started.log.length > 0 && <pre tabIndex={0}>{started.log.slice(-6).join("\n")}</pre>}
        </div>
      )}
    </>
  );
  return (
    <Room
      title="Structure from motion" lead="From photos alone: which places several of them see, where each was taken, and a cloud of coloured points."
      methods={["geometry.structure_from_motion", "geometry.bundle_adjust"]} lesson={{ id: "w3d5", title: "Two views and stereo" }} controls={controls} error={error}
    >
      {!told && <p class="sfm-empty">{running ? "The photos are being looked at: features, pairs, then one photo after another." : "Nothing is here yet. Start from the made photos, or from a folder of yours."}</p>}
      {told && rows && (
        <>
          <ul class="sfm-facts" data-registered={told.registered} data-points={told.points}>
            <li><b>{told.registered} of {told.images}</b> photos placed</li>
            <li><b>{told.points.toLocaleString("en")}</b> points, seen {told.observations.toLocaleString("en")} times</li>
            <li><b>{told.mean_reprojection_px.toFixed(3)} px</b> mean reprojection error</li>
            {told.focal !== null && <li><b>{told.focal.toFixed(0)} px</b> focal length</li>}
            <li><b>{told.seconds.toFixed(1)} s</b></li>
          </ul>
          {told.left_out.length > 0 && <p>Left out: {told.left_out.join(", ")}.</p>}
          <figure>
            <figcaption>Drag, swipe or use the arrow keys to go around; the wheel, two fingers, + and − zoom. Cameras and their views are orange.</figcaption>
            <Cloud rows={rows} />
          </figure>
          <div class="room-pair stacked">
            <figure><figcaption>How far places are seen from where the model puts them</figcaption>{bars && <Curve lines={[{ name: "observations", ...bars }]} axes={["pixels", "observations"]} mark={told.median_px} />}</figure>
            <div class="sl-table" tabIndex={0} role="region" aria-label="Photos">
              <table>
                <thead><tr><th>photo</th><th>placed</th><th>points</th><th>error, px</th></tr></thead>
                <tbody>{told.photos.map((photo) => <tr key={photo.name}><td>{photo.name}</td><td>{photo.placed ? "yes" : "no"}</td><td>{photo.points}</td><td>{photo.placed ? photo.error.toFixed(3) : ""}</td></tr>)}</tbody>
              </table>
            </div>
          </div>
          {Object.keys(told.matches).length > 0 && <div class="sfm-matches">{Object.entries(told.matches).map(([pair, ref]) => <figure key={pair}><img src={pictureUrl(ref, 600)} alt={`Points that both photos of ${pair} see`} loading="lazy" /><figcaption>{pair}</figcaption></figure>)}</div>}
        </>
      )}
    </Room>
  );
}
