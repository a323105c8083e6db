// The kernel slider: a table of weights moves over the picture; products and sum are written out for one place.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Matrix } from "../controls/matrix";
import { Slider } from "../controls/slider";
import { short } from "../core/raster";
import { ViewLink, type Tool } from "../core/view";
import { requestOf, useRun } from "../pages/run";
import { Icon } from "../parts/icon";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { Choice, Room } from "./frame";
import { useExact, useGrey } from "./made";

const ninth = (rows: number[][]) => {
  const sum = rows.flat().reduce((a, b) => a + b, 0);
  return rows.map((row) => row.map((value) => value / sum));
};
const full = (size: number) => Array.from({ length: size }, () => new Array<number>(size).fill(1));
const binomial = [1, 4, 6, 4, 1];

const PRESETS: Record<string, number[][]> = {
  "blur 3×3": ninth(full(3)),
  "blur 5×5": ninth(full(5)),
  "binomial 5×5": ninth(binomial.map((a) => binomial.map((b) => a * b))),
  sharpen: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
  "Sobel across": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
  "Sobel down": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
  Laplacian: [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
  emboss: [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
  shift: [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
};
const same = (a: number[][], b: number[][]) => a.length === b.length && a.every((row, y) => row.every((value, x) => Math.abs(value - b[y]![x]!) < 1e-9));

type Mode = "convolve" | "correlate";
type At = [number, number];

function rowsOf(text: string | null): number[][] {
  if (text && PRESETS[text]) return PRESETS[text]!;
  try {
    const rows = JSON.parse(text ?? "") as number[][];
    if ([3, 5].includes(rows.length) && rows.every((row) => row.length === rows.length && row.every(Number.isFinite))) return rows;
  } catch {
    // an address that was cut off: begin with the first kernel
  }
  return PRESETS["emboss"]!;
}

export default function KernelRoom() {
  const query = useRef(place.peek().query).current;
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:camera");
  const [rows, setRows] = useState(() => rowsOf(query.get("kernel")));
  const [mode, setMode] = useState<Mode>(query.get("mode") === "correlate" ? "correlate" : "convolve");
  const [signed, setSigned] = useState(query.get("signed") === "yes");
  const [at, setAt] = useState<At | null>(() => (/^\d+,\d+$/.test(query.get("at") ?? "") ? query.get("at")!.split(",").map(Number) as At : null));
  const [sliding, setSliding] = useState(false);
  const link = useMemo(() => new ViewLink(), []);
  const grey = useGrey(image);
  const preset = Object.keys(PRESETS).find((name) => same(PRESETS[name]!, rows)) ?? "";

  const setting = grey.value && { method: `image.${mode}`, inputs: { image: grey.value.ref }, parameters: { kernel: rows, signed } };
  const run = useRun(setting, { whole: true });
  const numbers = useExact(setting && requestOf({ ...setting, parameters: { kernel: rows, signed: true } }));
  const before = usePainted(run.trace, 1);
  const after = usePainted(run.trace, 2);
  const pixels = usePainted(numbers, 1)?.under ?? null;
  const sums = usePainted(numbers, 2)?.under ?? null;

  const [width, height] = run.trace?.size ?? [grey.value?.width ?? 512, grey.value?.height ?? 512];
  const radius = (rows.length - 1) / 2;
  const inside = ([x, y]: At): At => [Math.max(radius, Math.min(width - 1 - radius, Math.floor(x))), Math.max(radius, Math.min(height - 1 - radius, Math.floor(y)))];
  const [x, y] = inside(at ?? [0.52 * width, 0.27 * height]);

  useEffect(() => {
    const next = new URLSearchParams({ image, kernel: preset || JSON.stringify(rows), mode });
    if (signed) next.set("signed", "yes");
    if (at) next.set("at", `${x},${y}`);
    keep(next);
  }, [image, rows, mode, signed, at]);
  useEffect(() => {
    if (!sliding) return;
    const timer = setTimeout(() => setAt(x + 1 > width - 1 - radius ? [radius, y + 1 > height - 1 - radius ? radius : y + 1] : [x + 1, y]), 160);
    return () => clearTimeout(timer);
  }, [sliding, x, y]);

  const move = (to: At) => {
    setSliding(false);
    setAt(inside(to));
  };
  const tool = useMemo<Tool>(() => ({
    cursor: "crosshair",
    down: (px, py) => move([px, py]),
    move: (px, py) => move([px, py]),
    up: () => {},
    draw: frame(x - radius, y - radius, rows.length),
  }), [x, y, width, height, rows.length]);
  const mark = useMemo<Tool>(() => ({ ...tool, draw: frame(x, y, 1) }), [tool]);
  const key = (event: KeyboardEvent) => {
    const by: Record<string, At> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = by[event.key];
    if (!step || !(event.target as HTMLElement).classList.contains("sl-view")) return;
    move([x + step[0], y + step[1]]);
    event.preventDefault();
    event.stopPropagation();
  };

  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => ref && setImage(ref)} />
      <Choice label="Kernel" value={preset} options={Object.keys(PRESETS).map((name) => [name, name])} onValue={(name) => setRows(PRESETS[name]!)} text="Tables of weights with a name. Change a number below and it is your own." />
      <Matrix label="Weights" rows={rows} onRows={setRows} sizes={[3, 5]} text="What each pixel under the window is multiplied by; the middle one belongs to the pixel itself." />
      <Choice label="Order" value={mode} options={[["convolve", "Convolution"], ["correlate", "Correlation"]]} onValue={setMode} text="Convolution turns the table by half a turn before it is laid on; correlation does not." />
      <label class="switch by-itself"><input type="checkbox" checked={signed} onChange={(event) => setSigned(event.currentTarget.checked)} /> Keep the sign</label>
      <p class="hint">Sums below 0 and above 255 are kept and shown in colours, instead of being clipped to what a picture can hold.</p>
      <Slider label="Column" value={x} span={{ low: radius, high: width - 1 - radius, step: 1, least: radius, most: width - 1 - radius, log: false }} onValue={(value) => move([value, y])} text="Where the window's middle lies, from the left." />
      <Slider label="Row" value={y} span={{ low: radius, high: height - 1 - radius, step: 1, least: radius, most: height - 1 - radius, log: false }} onValue={(value) => move([x, value])} text="And from the top." />
    </>
  );
  return (
    <Room
      title="Kernel slider" lead="A filter is a small table of weights that slides over the picture. Point at a pixel: what lies under the window is multiplied by the weights and summed up, and the sum is the new pixel."
      methods={[`image.${mode}`]} lesson={{ id: "w1d4", title: "Filters" }} controls={controls} onPicture={setImage} error={grey.error || run.error?.message}
      program={{ inputs: { image }, steps: [{ method: `image.${mode}`, parameters: signed ? { kernel: rows, signed } : { kernel: rows } }] }}
      note="A picture in colour is filtered channel by channel."
    >
      <div class="room-pair" onKeyDownCapture={key}>
        <figure>
          <figcaption>The picture, in grey: drag the window</figcaption>
          <Picture painted={before} link={link} tool={tool} tick={tool} aspect={width / height} label="Picture with the window: the arrow keys move it" onReading={(found) => found && !sliding && setAt(inside([found.x, found.y]))} />
        </figure>
        <figure>
          <figcaption>The result: its pixel is framed</figcaption>
          <Picture painted={after} link={link} tool={mark} tick={mark} aspect={width / height} label="Result" onExact={run.exact} onReading={(found) => found && !sliding && setAt(inside([found.x, found.y]))} />
        </figure>
      </div>
      <div class="row wrap">
        <button type="button" aria-pressed={sliding} onClick={() => setSliding(!sliding)}><Icon name={sliding ? "pause" : "play"} /> {sliding ? "Stop" : "Slide along the row"}</button>
      </div>
      <Sum x={x} y={y} radius={radius} rows={mode === "convolve" ? turned(rows) : rows} isTurned={mode === "convolve"} read={pixels?.read} sum={sums?.read(x, y)[0]} />
    </Room>
  );
}

const turned = (rows: number[][]) => rows.map((row) => [...row].reverse()).reverse();

/** Return what draws the frame of `size` pixels at a place, small windows within a ring. */
function frame(left: number, top: number, size: number): NonNullable<Tool["draw"]> {
  return (context, at, scale) => {
    const [x0, y0] = at(left, top);
    const side = size * scale;
    for (const [colour, wide] of [["#fff", 4], ["#d55e00", 2]] as const) {
      context.strokeStyle = colour;
      context.lineWidth = wide;
      context.strokeRect(x0, y0, side, side);
      if (side > 16) continue;
      context.beginPath();
      context.arc(x0 + side / 2, y0 + side / 2, 16, 0, 2 * Math.PI);
      context.stroke();
    }
  };
}

const say = (value: number) => short(value).replace("-", "−");
const bracket = (value: number) => (value < 0 ? `(${say(value)})` : say(value));

interface SumProps {
  x: number;
  y: number;
  radius: number;
  rows: number[][];
  isTurned: boolean;
  read: ((x: number, y: number) => number[]) | undefined;
  /** The server's sum at this place. */
  sum: number | undefined;
}

/** Pixels times weights, product by product, and the sum that the method gave. */
function Sum({ x, y, radius, rows, isTurned, read, sum }: SumProps) {
  const under = rows.map((row, j) => row.map((_, i) => read?.(x + i - radius, y + j - radius)[0]));
  const known = under.flat().every((value) => value !== undefined) && sum !== undefined;
  const terms = rows.flatMap((row, j) => row.map((weight, i) => [under[j]![i] ?? 0, weight] as const)).filter(([, weight]) => weight !== 0);
  const clipped = sum === undefined ? 0 : Math.max(0, Math.min(255, Math.round(sum)));
  return (
    <div class="kernel-sum" data-known={known}>
      <div class="kernel-tables" role="group" aria-label="Pixels, weights and products">
        <Cells title={`Pixels around (${x}, ${y})`} rows={under} shade />
        <span class="sign" aria-hidden="true">×</span>
        <Cells title={isTurned ? "Weights, turned by half a turn" : "Weights"} rows={rows} />
        <span class="sign" aria-hidden="true">=</span>
        <Cells title="Products" rows={rows.map((row, j) => row.map((weight, i) => { const value = under[j]![i]; return value === undefined ? undefined : weight * value; }))} />
      </div>
      <p class="kernel-line">{known ? <>{terms.map(([value, weight]) => `${value}·${bracket(weight)}`).join(" + ") || "0"} = <b data-sum={sum}>{Number(sum!.toPrecision(6)).toString().replace("-", "−")}</b></> : "…"}</p>
      <p class="hint">{known && (sum! < 0 || sum! > 255 ? `A picture holds 0 to 255: without its sign the pixel becomes ${clipped}.` : `Rounded, the new pixel is ${clipped}.`)}</p>
    </div>
  );
}

function Cells({ title, rows, shade = false }: { title: string; rows: (number | undefined)[][]; shade?: boolean }) {
  return (
    <table class="kernel-cells">
      <caption>{title}</caption>
      <tbody>
        {rows.map((row, y) => (
          <tr key={y}>
            {row.map((value, x) => <td key={x} style={shade && value !== undefined ? { background: `rgb(${value} ${value} ${value})`, color: value > 128 ? "#000" : "#fff" } : undefined}>{value === undefined ? "" : say(value)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
