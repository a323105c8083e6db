// The calibration room: a folder of photos of a chessboard, the corners found in each, and how far the camera misses them.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { pictureUrl } from "../api";
import { Slider } from "../controls/slider";
import type { Tool } from "../core/view";
import { Picture } from "../parts/picture";
import { usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { dot, rimmed, useAsked, viewOf } from "./asked";
import { FolderChoice } from "./cockpit-folder";
import { Choice, Room } from "./frame";
import "./calibration.css";

type Place = [number, number];
type Lens = "none" | "radial" | "brown" | "full";

interface View {
  name: string;
  ref: string;
  corners: Place[] | null;
  seen: Place[] | null;
  error: number | null;
  used: boolean;
}

interface Calibrated {
  views: View[];
  rms: number;
  camera: { matrix: number[][]; distortion: number[] };
  size: [number, number];
  preview: { name: string; ref: string };
}

const SAMPLE = "scene:board";

export default function CalibrationRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) : fallback);
  const [folder, setFolder] = useState(query.get("folder") ?? SAMPLE);
  const [columns, setColumns] = useState(number("columns", 8));
  const [rows, setRows] = useState(number("rows", 5));
  const [lens, setLens] = useState<Lens>((["none", "radial", "brown", "full"] as const).find((one) => one === query.get("lens")) ?? "radial");
  const [aside, setAside] = useState<string[]>(() => (query.get("aside") ?? "").split("|").filter(Boolean));
  const [shown, setShown] = useState(query.get("shown") ?? "");
  const [stretch, setStretch] = useState(number("stretch", 200));
  const [split, setSplit] = useState(0.5);
  const found = useAsked<Calibrated>("/api/calibration", { folder, columns, rows, lens, aside, shown }, 250);
  const value = found.value;
  const view = value?.views.find((one) => one.name === shown) ?? value?.views[0];
  const taken = usePicture(view?.ref);
  const before = usePicture(value?.views.find((one) => one.name === value.preview.name)?.ref);
  const straight = usePicture(value?.preview.ref);

  useEffect(() => {
    const next = new URLSearchParams({ folder, columns: String(columns), rows: String(rows), lens, stretch: String(stretch) });
    if (aside.length) next.set("aside", aside.join("|"));
    if (shown) next.set("shown", shown);
    keep(next);
  }, [folder, columns, rows, lens, aside, shown, stretch]);

  const tool = useMemo<Tool>(() => ({
    cursor: "default", down() {}, move() {}, up() {},
    draw(context, to) {
      if (!view?.corners || !view.seen) return;
      const corner = view.corners.map(([x, y]) => to(x + 0.5, y + 0.5));
      for (let r = 0; r < rows; r++) rimmed(context, "#56b4e9", corner.slice(r * columns, (r + 1) * columns), 1);
      view.corners.forEach(([x, y], i) => {
        const [u, v] = view.seen![i]!;
        rimmed(context, "#e69f00", [corner[i]!, to(x + 0.5 + (u - x) * stretch, y + 0.5 + (v - y) * stretch)], 2);
        dot(context, i ? "#56b4e9" : "#d55e00", corner[i]!, i ? 2.5 : 5);
      });
    },
  }), [view, stretch, columns, rows]);
  const painted = useMemo(() => viewOf(view?.name ?? "View", taken, value?.size), [view, taken, value]);
  const after = useMemo(() => viewOf("Without the lens", straight, value?.size), [straight, value]);
  const worst = Math.max(...(value?.views.map((one) => one.error ?? 0) ?? [0]), 1e-9);
  const whole = (high: number) => ({ low: 3, high, step: 1, least: 3, most: 60, log: false });
  const turn = (name: string) => setAside(aside.includes(name) ? aside.filter((one) => one !== name) : [...aside, name]);
  const controls = (
    <>
      <div class="control" role="group" aria-label="Photos">
        <span class="label">Photos</span>
        <div class="row wrap">
          <button type="button" class="small" aria-pressed={folder === SAMPLE} onClick={() => { setFolder(SAMPLE); setColumns(8); setRows(5); setAside([]); setShown(""); }}>A made board</button>
          <FolderChoice about="The folder holds photos of one camera, each with the whole chessboard, tilted differently." verb="Calibrate from" onFolder={(path) => { setFolder(`file:${path}`); setAside([]); setShown(""); }} />
        </div>
        <p class="hint">{folder === SAMPLE ? "Nine views through a wide lens; it was made with focal length 430, k1 −0.28, k2 0.09." : folder.replace("file:", "")}</p>
      </div>
      <Slider label="Columns" value={columns} span={whole(16)} onValue={(next) => setColumns(Math.round(next))} text="Inner corners along a row of the board." />
      <Slider label="Rows" value={rows} span={whole(16)} onValue={(next) => setRows(Math.round(next))} text="Inner corners along a column." />
      <Choice label="Lens" value={lens} options={[["none", "None"], ["radial", "Radial"], ["brown", "Brown"], ["full", "Full"]]} onValue={setLens} text="How much of the lens is looked for. With none, see the arrows grow towards the corners." />
      <Slider label="Stretch" value={stretch} span={{ low: 1, high: 1000, step: 1, least: 1, most: 5000, log: true }} onValue={(next) => setStretch(Math.round(next))} text="Arrows are drawn so many times longer than they are." />
    </>
  );
  const camera = value?.camera;
  return (
    <Room
      title="Calibration" lead="A flat board, seen from a few sides, tells a camera's focal length, its centre and the bend of its lens: the camera under which all corners fall where they were found."
      methods={["geometry.find_chessboard", "geometry.calibrate", "geometry.undistort"]} lesson={{ id: "w3d4", title: "The camera" }} controls={controls} error={found.error}
    >
      {camera && (
        <div class="room-told" role="status" data-rms={value!.rms.toFixed(4)} data-focal={camera.matrix[0]![0]!.toFixed(2)} data-busy={found.busy}>
          <p>Focal length <b>{camera.matrix[0]![0]!.toFixed(2)}</b> × <b>{camera.matrix[1]![1]!.toFixed(2)}</b> pixels, centre ({camera.matrix[0]![2]!.toFixed(1)}, {camera.matrix[1]![2]!.toFixed(1)}), {camera.distortion.length ? `lens ${["k1", "k2", "p1", "p2", "k3"].map((name, i) => (camera.distortion[i] ? `${name} ${camera.distortion[i]!.toFixed(4)}` : "")).filter(Boolean).join(", ")}` : "no lens"}.</p>
          <p>All views together miss by <b>{value!.rms.toFixed(3)}</b> pixels (RMS), from {value!.views.filter((one) => one.used).length} views.</p>
        </div>
      )}
      <ul class="board-views" aria-label="Views">
        {value?.views.map((one) => (
          <li key={one.name} class={one.used ? "" : "left-out"}>
            <button type="button" aria-pressed={one === view} onClick={() => setShown(one.name)}>
              <img src={pictureUrl(one.ref, 128)} alt="" width={112} height={84} loading="lazy" />
              <span>{one.name}</span>
              <span class="bar" style={{ width: `${(100 * (one.error ?? 0)) / worst}%` }} aria-hidden="true" />
              <span>{one.error === null ? "no board" : `${one.error.toFixed(3)} px`}</span>
            </button>
            {one.corners && <label class="inline"><input type="checkbox" checked={!aside.includes(one.name)} onChange={() => turn(one.name)} /> use<span class="sr"> {one.name}</span></label>}
          </li>
        ))}
      </ul>
      <div class="room-pair stacked">
        <figure>
          <figcaption>{view?.name ?? "View"}: corners as found, and arrows to where the camera sees them, {stretch} times as long</figcaption>
          <Picture painted={painted} tool={tool} tick={tool} label="View" />
        </figure>
        <figure>
          <figcaption>As taken (left of the line) and without the lens: drag the line</figcaption>
          <Picture painted={after} before={before} split={split} onSplit={setSplit} label="Without the lens" />
          <label class="inline"><span class="sr">Share of the picture as taken</span><input type="range" min={0.02} max={1} step={0.01} value={split} onInput={(event) => setSplit(Number(event.currentTarget.value))} /></label>
        </figure>
      </div>
    </Room>
  );
}
