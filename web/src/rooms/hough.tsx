// The Hough room: edges on the left, the votes for all lines on the right; a pixel is a wave there, a cell a line here.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { numbersOf } from "../core/trace";
import type { Tool } from "../core/view";
import { requestOf, useRun } from "../pages/run";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { Room } from "./frame";
import { useExact, useResult } from "./made";

type At = [number, number];

const WHITE = "#fff";
const PIXEL = "#e69f00";
const CELL = "#56b4e9";

function pair(text: string | null): At | null {
  return /^\d+,\d+$/.test(text ?? "") ? (text!.split(",").map(Number) as At) : null;
}

function stroke(context: CanvasRenderingContext2D, colour: string, points: At[], wide = 2): void {
  for (const [style, width] of [["rgb(0 0 0 / .7)", wide + 2], [colour, wide]] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
}

function ring(context: CanvasRenderingContext2D, colour: string, [x, y]: At): void {
  for (const [style, width] of [[WHITE, 4], [colour, 2]] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.stroke();
  }
}

export default function HoughRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) || fallback : fallback);
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:sheet");
  const [low, setLow] = useState(number("low", 100));
  const [high, setHigh] = useState(number("high", 250));
  const [threshold, setThreshold] = useState(number("threshold", 230));
  const [rho, setRho] = useState(number("rho", 2));
  const [pixel, setPixel] = useState<At | null>(pair(query.get("pixel")));
  const [cell, setCell] = useState<At | null>(pair(query.get("cell")));
  const theta = Math.PI / 360;

  const canny = useMemo(() => ({ low: Math.min(low, high), high: Math.max(low, high) }), [low, high]);
  const edges = useResult("image.canny", { image }, canny);
  const found = edges.value && { method: "image.hough_lines", inputs: { mask: edges.value.ref }, parameters: { threshold, rho, theta } };
  const run = useRun(found, { whole: true });
  const votes = usePainted(run.trace, 2);
  const lines = usePainted(run.trace, 3);
  const heat = votes?.under ?? null;
  const exactly = usePainted(useExact(found && requestOf(found)), 2); // votes are counted: none may be lost on the way
  const [width, height] = run.trace?.size ?? [512, 384];
  const middle = heat ? (heat.width - 1) / 2 : 0;

  // untouched, the strongest line shows what a cell is, and its middle what a pixel is
  const best = useMemo<At | null>(() => {
    const layer = run.trace?.steps[2]?.layers.find((one) => one.kind === "points");
    const { data } = layer ? numbersOf(run.trace!, layer["points"] ?? Object.values(layer)[1]) : { data: [] as number[] };
    return data.length >= 2 ? [Math.round(data[0]!), Math.round(data[1]!)] : null;
  }, [run.trace]);
  const [column, row] = cell && heat && cell[0] < heat.width && cell[1] < heat.height ? cell : best ?? [middle, 0];
  const angle = row * theta;
  const distance = (column - middle) * rho;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const foot = useMemo<At>(() => {
    const along = c * (height / 2) - s * (width / 2);
    return [distance * c - along * s, distance * s + along * c];
  }, [c, s, distance, width, height]);
  const read = lines?.under?.read;
  const start = useMemo<At>(() => {
    for (let t = 0; read && t < 300; t++) {
      for (const [px, py] of [t, -t].map((u): At => [Math.round(foot[0] - u * s), Math.round(foot[1] + u * c)])) if (read(px, py)[0]) return [px, py];
    }
    return foot;
  }, [read, foot, c, s]);
  const clamp = ([x, y]: At): At => [Math.max(0, Math.min(width - 1, Math.floor(x))), Math.max(0, Math.min(height - 1, Math.floor(y)))];
  const [x, y] = clamp(pixel ?? start);

  useEffect(() => {
    const next = new URLSearchParams({ image, low: String(low), high: String(high), threshold: String(threshold), rho: String(rho) });
    if (pixel) next.set("pixel", pixel.join(","));
    if (cell) next.set("cell", cell.join(","));
    keep(next);
  }, [image, low, high, threshold, rho, pixel, cell]);

  const onPixel = (at: At) => setPixel(clamp(at));
  const onCell = (at: At) => heat && setCell([Math.max(0, Math.min(heat.width - 1, Math.floor(at[0]))), Math.max(0, Math.min(heat.height - 1, Math.floor(at[1])))]);
  const left = useMemo<Tool>(() => ({
    cursor: "crosshair",
    down: (px, py) => onPixel([px, py]),
    move: (px, py) => onPixel([px, py]),
    up: () => {},
    draw(context, at) {
      const reach = width + height;
      const ends = [-reach, reach].map((t): At => at(distance * c - t * s + 0.5, distance * s + t * c + 0.5));
      stroke(context, CELL, ends, 3);
      ring(context, PIXEL, at(x + 0.5, y + 0.5));
    },
  }), [x, y, c, s, distance, width, height]);
  const right = useMemo<Tool>(() => ({
    cursor: "crosshair",
    down: (px, py) => onCell([px, py]),
    move: (px, py) => onCell([px, py]),
    up: () => {},
    draw(context, at) {
      const wave = Array.from({ length: heat?.height ?? 0 }, (_, a): At => at(middle + (x * Math.cos(a * theta) + y * Math.sin(a * theta)) / rho + 0.5, a + 0.5));
      stroke(context, PIXEL, wave);
      ring(context, CELL, at(column + 0.5, row + 0.5));
    },
  }), [x, y, column, row, heat, rho]);

  const count = (exactly?.under ?? heat)?.read(column, row)[0];
  const edge = lines?.under?.read(x, y)[0];
  const lineCount = useMemo(() => {
    const layer = run.trace?.steps[3]?.layers.find((one) => one.kind === "lines");
    return layer ? numbersOf(run.trace!, Object.values(layer)[1]).shape[0] ?? 0 : 0;
  }, [run.trace]);
  const span = (most: number, step = 1, least = 0) => ({ low: least, high: most, step, least, most, log: false });
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => { if (ref) { setImage(ref); setCell(null); setPixel(null); } }} />
      <Slider label="Votes a line needs" value={threshold} span={{ ...span(400, 1, 1), most: 2000 }} onValue={(next) => setThreshold(Math.round(next))} text="Cells with more votes that are no lower than their neighbours are lines." />
      <Slider label="Width of a cell" value={rho} span={span(6, 0.5, 0.5)} onValue={(next) => { setRho(next); setCell(null); }} text="In pixels of distance. Wide cells gather the votes of crooked lines, narrow ones keep neighbours apart." />
      <Slider label="Strong edges above" value={high} span={{ ...span(400), most: 2000 }} onValue={setHigh} text="Canny's upper threshold: where an edge may begin." />
      <Slider label="Weak edges above" value={low} span={{ ...span(400), most: 2000 }} onValue={setLow} text="Its lower one: how far an edge goes on." />
      <Slider label="Pixel, across" value={x} span={span(width - 1)} onValue={(next) => onPixel([next, y])} text="The pixel whose wave is drawn. Point at the edges to move it." />
      <Slider label="Pixel, down" value={y} span={span(height - 1)} onValue={(next) => onPixel([x, next])} />
      <Slider label="Cell, angle" value={row} span={span(Math.max(1, (heat?.height ?? 360) - 1))} onValue={(next) => onCell([column, next])} text="The cell whose line is drawn, in half degrees. Point at the votes to move it." />
      <Slider label="Cell, distance" value={column} span={span(Math.max(1, (heat?.width ?? 2) - 1))} onValue={(next) => onCell([next, row])} />
    </>
  );
  const sign = (value: number) => value.toFixed(value % 1 ? 1 : 0).replace("-", "−");
  const weighed = (value: number) => (value < 0 ? `(−${(-value).toFixed(3)})` : value.toFixed(3));
  return (
    <Room
      title="Hough transform" lead="Every edge pixel votes for all the lines through it: on the right that is a wave. Where many waves meet, many pixels agree on one line. Point at either side to see it on the other."
      methods={["image.hough_lines", "image.canny"]} lesson={{ id: "w2d6", title: "Votes: lines, circles, pages, roads, codes" }} controls={controls} onPicture={setImage}
      error={edges.error || run.error?.message}
      program={{ inputs: { image }, steps: [{ method: "image.canny", parameters: canny }, { method: "image.hough_lines", parameters: { threshold, rho, theta } }] }}
    >
      <div class="room-pair">
        <figure>
          <figcaption>The edges, {lineCount} lines found, and the <b class="is-pixel">pixel</b> you point at</figcaption>
          <Picture painted={lines} tool={left} tick={left} aspect={width / height} label="Edges" onReading={(at) => at && setPixel([at.x, at.y])} />
        </figure>
        <figure>
          <figcaption>Votes (angle down, distance across), and the <b class="is-cell">cell</b> you point at</figcaption>
          <Picture painted={votes} tool={right} tick={right} aspect={width / height} label="Votes" onReading={(at) => at && setCell([at.x, at.y])} />
        </figure>
      </div>
      <div class="room-told" data-votes={count}>
        <p><b class="is-pixel">Pixel ({x}, {y})</b> {edge === undefined ? "" : edge ? "is an edge and votes" : "is no edge; if it were, it would vote"} along {x}·cos θ + {y}·sin θ = ρ.</p>
        <p><b class="is-cell">Cell θ = {(angle * 180 / Math.PI).toFixed(1)}°, ρ = {sign(distance)}</b> has {count === undefined ? "…" : count} votes: {count !== undefined && (count > threshold ? "more" : "not more")} than {threshold}. Its line is {weighed(c)}·x + {weighed(s)}·y = {sign(distance)}.</p>
      </div>
    </Room>
  );
}
