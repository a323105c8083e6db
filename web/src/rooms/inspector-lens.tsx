// The attention lens: point at a patch, and every head shows what that patch takes from all the others.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Slider } from "../controls/slider";
import type { Raster } from "../core/raster";
import type { Numbers } from "../core/trace";
import type { Tool } from "../core/view";
import { Picture } from "../parts/picture";
import { Choice } from "./frame";
import { heatRaster, paintedOf, useTraced, valuesOf, type Told } from "./inspector-model";

export interface LensProps {
  run: string;
  input: string | null;
  told: Told;
  attention: NonNullable<Told["attention"]>;
  seen: Raster | null;
  block: number;
  onBlock: (block: number) => void;
  /** Which patch asks; null is the class token. */
  patch: number | null;
  onPatch: (patch: number | null) => void;
}

export function Lens({ run, input, told, attention, seen, block, onBlock, patch, onPatch }: LensProps) {
  const { grid: [rows, columns], skipped, layers } = attention;
  const { trace, error, fresh } = useTraced(`/api/inspect/${run}/attention`, input ? { input, layer: block } : null);
  const heads = useMemo(() => valuesOf(trace, "heads"), [trace]);
  const rollout = useMemo(() => valuesOf(trace, "rollout"), [trace]);
  const classless = skipped === 0;
  const asks = patch ?? (classless ? 0 : null);
  const token = asks === null ? 0 : skipped + asks;
  const [row, column] = asks === null ? [0, 0] : [Math.floor(asks / columns), asks % columns];
  const [high, wide] = [told.input.height / rows, told.input.width / columns];
  const box = asks === null ? null : [column * wide, row * high, (column + 1) * wide, (row + 1) * high];
  const painted = useMemo(() => paintedOf("The patch that asks", seen, [], box), [seen, box?.join()]);
  const onPoint = (x: number, y: number) => {
    const [r, c] = [Math.floor(y / high), Math.floor(x / wide)];
    if (r >= 0 && c >= 0 && r < rows && c < columns) onPatch(r * columns + c);
  };
  const tool = useMemo<Tool>(() => ({
    cursor: "crosshair", down: onPoint, move: onPoint, up: () => {},
    draw(context, place) {
      context.strokeStyle = "rgb(128 128 128 / .45)";
      context.lineWidth = 1;
      context.beginPath();
      for (let r = 0; r <= rows; r++) { context.moveTo(...place(0, r * high)); context.lineTo(...place(told.input.width, r * high)); }
      for (let c = 0; c <= columns; c++) { context.moveTo(...place(c * wide, 0)); context.lineTo(...place(c * wide, told.input.height)); }
      context.stroke();
    },
  }), [rows, columns, high, wide]);
  const span = (most: number) => ({ low: 0, high: Math.max(1, most), step: 1, least: 0, most, log: false });
  const view = (numbers: Numbers, index: number, name: string, aside = false) => <HeadMap key={name} name={name} numbers={numbers} index={index} token={token} skipped={skipped} grid={[rows, columns]} asks={asks} aside={aside} />;
  return (
    <section aria-labelledby="lens" class="inspector-lens" data-fresh={fresh && heads ? `${block} ${token}` : ""}>
      <h2 id="lens">Attention lens</h2>
      <p class="hint">Each of {rows}×{columns} patches asks all the others, in {attention.heads} heads at once. Point at a patch to see what it takes from where{classless ? "" : "; the class token asks on behalf of the answer"}.</p>
      <div class="lens">
        <figure>
          <figcaption>{asks === null ? "The class token asks" : `Patch in row ${row}, column ${column} asks`}</figcaption>
          <Picture painted={painted} tool={tool} tick={tool} label="The patch that asks" aspect={told.input.width / told.input.height} onReading={(at) => at && onPoint(at.x, at.y)} bare />
          <div class="controls">
            {!classless && <Choice label="Who asks" value={asks === null ? "class" : "patch"} options={[["class", "The class token"], ["patch", "A patch"]]} onValue={(who) => onPatch(who === "class" ? null : Math.floor(rows / 2) * columns + Math.floor(columns / 2))} />}
            <Slider label="Layer" value={block + 1} span={{ low: 1, high: layers, step: 1, least: 1, most: layers, log: false }} onValue={(value) => onBlock(Math.round(value) - 1)} />
            {asks !== null && <Slider label="Patch, row" value={row} span={span(rows - 1)} onValue={(value) => onPatch(Math.round(value) * columns + column)} />}
            {asks !== null && <Slider label="Patch, column" value={column} span={span(columns - 1)} onValue={(value) => onPatch(row * columns + Math.round(value))} />}
          </div>
        </figure>
        <div class="heads" role="group" aria-label={`Heads of layer ${block + 1}`}>
          {heads && Array.from({ length: heads.shape[0]! }, (_, head) => view(heads, head, `Head ${head + 1}`))}
          {rollout && view(rollout, 0, "Rollout, all layers", true)}
        </div>
      </div>
      {error && <p class="error" role="alert">{error}</p>}
    </section>
  );
}

interface HeadProps {
  name: string;
  numbers: Numbers;
  index: number;
  token: number;
  skipped: number;
  grid: [number, number];
  asks: number | null;
  /** Leave the patch that asks out of the range: by the shortcuts it keeps most of itself. */
  aside: boolean;
}

function HeadMap({ name, numbers, index, token, skipped, grid: [rows, columns], asks, aside }: HeadProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const tokens = numbers.shape[1]!;
  const values = useMemo(() => Float32Array.from({ length: rows * columns }, (_, i) => numbers.data[(index * tokens + token) * tokens + skipped + i]!), [numbers, index, token, skipped, rows, columns]);
  const others = useMemo(() => (aside && asks !== null ? values.map((value, i) => (i === asks ? -1 : value)) : values), [values, asks, aside]);
  const best = others.indexOf(Math.max(...others));
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const step = Math.max(1, Math.floor(240 / Math.max(rows, columns)));
    [canvas.current!.width, canvas.current!.height] = [columns * step, rows * step];
    context.imageSmoothingEnabled = false;
    context.drawImage(heatRaster(values, columns, rows, [Math.min(...values), others[best]!]).image, 0, 0, columns * step, rows * step);
    if (asks === null) return;
    const [x, y] = [(asks % columns) * step, Math.floor(asks / columns) * step];
    for (const [style, thick] of [["#000", 5], ["#56b4e9", 2.5]] as const) {
      context.strokeStyle = style;
      context.lineWidth = thick;
      context.strokeRect(x + 1, y + 1, step - 2, step - 2);
    }
  }, [values, others, rows, columns, asks]);
  const said = `${aside && asks !== null ? "besides itself most" : "most"}, ${(100 * (values[best] ?? 0)).toFixed(0)} %, from row ${Math.floor(best / columns)}, column ${best % columns}`;
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <canvas ref={canvas} role="img" aria-label={`${name}: ${said}`} />
      <p class="hint">{said}</p>
    </figure>
  );
}
