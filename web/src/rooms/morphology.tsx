// Morphology: a footprint of one's own goes over a small picture of pixels to switch, and over a photo.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { upload, type Json } from "../api";
import { Footprint } from "../controls/matrix";
import { ViewLink, type Tool } from "../core/view";
import { useRun } from "../pages/run";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { Choice, Room } from "./frame";
import { HEIGHT, paintedOf, pixelsOf, textOf, WIDTH, type Pixels } from "./pixels";

type Operation = "erode" | "dilate" | "opening" | "closing" | "morphological_gradient" | "top_hat" | "black_hat" | "hit_or_miss";

const OPERATIONS: [Operation, string, string][] = [
  ["erode", "Erode", "A pixel stays when all cells of the footprint lie on bright pixels; of grey it takes the darkest."],
  ["dilate", "Dilate", "A pixel is set when one cell of the footprint lies on a bright pixel; of grey it takes the brightest."],
  ["opening", "Opening", "Erode, then dilate: what the footprint does not fit into goes, all else keeps its size."],
  ["closing", "Closing", "Dilate, then erode: gaps and holes that the footprint does not fit into are filled."],
  ["morphological_gradient", "Gradient", "Dilated minus eroded: the outlines."],
  ["top_hat", "Top hat", "The picture minus its opening: what is bright and small."],
  ["black_hat", "Black hat", "The closing minus the picture: what is dark and small."],
  ["hit_or_miss", "Hit or miss", "Where the pattern fits: on where a pixel must be set, off where it must not be, either where it does not matter."],
];
const CROSS = [[0, 1, 0], [1, 1, 1], [0, 1, 0]];
const CORNER = [[0, -1, -1], [1, 1, -1], [0, 1, 0]];

function readTable(text: string | null, first: number[][], least: number): number[][] {
  try {
    const rows = JSON.parse(text ?? "") as number[][];
    const fits = rows.length > 0 && rows.length <= 15 && rows.every((row) => row.length === rows[0]!.length && row.every((value) => Number.isInteger(value) && value >= least && value <= 1));
    if (fits) return rows;
  } catch {
    // an address that was cut off: begin with the usual one
  }
  return first;
}

export default function MorphologyRoom() {
  const query = useRef(place.peek().query).current;
  const [operation, setOperation] = useState<Operation>(() => OPERATIONS.find(([name]) => name === query.get("operation"))?.[0] ?? "opening");
  const [footprint, setFootprint] = useState(() => readTable(query.get("footprint"), CROSS, 0));
  const [pattern, setPattern] = useState(() => readTable(query.get("pattern"), CORNER, -1));
  const [pixels, setPixels] = useState<Pixels>(() => pixelsOf(query.get("pixels")));
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:coins");
  const [drawn, setDrawn] = useState<string | null>(null);
  const [cell, setCell] = useState<[number, number]>([7, 5]);
  const [error, setError] = useState("");
  const small = useMemo(() => new ViewLink(), []);
  const large = useMemo(() => new ViewLink(), []);

  const painted = useMemo(() => paintedOf(pixels), [pixels]);
  useEffect(() => {
    let here = true;
    const timer = setTimeout(() => (painted.under!.image as HTMLCanvasElement).toBlob((blob) => blob && upload(blob).then(
      (found) => here && setDrawn(found.ref), (problem: Error) => here && setError(problem.message),
    )), 60);
    return () => { here = false; clearTimeout(timer); };
  }, [painted]);
  useEffect(() => {
    const next = new URLSearchParams({ operation, image, pixels: textOf(pixels) });
    if (operation === "hit_or_miss") next.set("pattern", JSON.stringify(pattern));
    else next.set("footprint", JSON.stringify(footprint));
    keep(next);
  }, [operation, footprint, pattern, pixels, image]);

  const isPattern = operation === "hit_or_miss";
  const table = isPattern ? pattern : footprint;
  const usable = table.flat().some((value) => value !== 0);
  const parameters: Record<string, Json> = isPattern ? { pattern } : { footprint };
  const method = `image.${operation}`;
  const first = isPattern ? "mask" : "image";
  const drawnRun = useRun(drawn && usable ? { method, inputs: { [first]: drawn }, parameters } : null);
  const photoRun = useRun(usable ? { method, inputs: { [first]: image }, parameters } : null);
  const smallAfter = usePainted(drawnRun.trace, (drawnRun.trace?.steps.length ?? 1) - 1);
  const photoBefore = usePainted(photoRun.trace, 0);
  const photoAfter = usePainted(photoRun.trace, (photoRun.trace?.steps.length ?? 1) - 1);
  const [width, height] = photoRun.trace?.size ?? [3, 2];

  const set = useCallback((x: number, y: number, value: boolean) => setPixels((old) => old.map((row, j) => (j === y ? row.map((was, i) => (i === x ? value : was)) : row))), []);
  const stroke = useRef({ pixels, value: true });
  stroke.current.pixels = pixels;
  const tool = useMemo<Tool>(() => {
    const at = (x: number, y: number): [number, number] => [Math.max(0, Math.min(WIDTH - 1, Math.floor(x))), Math.max(0, Math.min(HEIGHT - 1, Math.floor(y)))];
    return {
      cursor: "crosshair",
      down: (px, py) => {
        const [x, y] = at(px, py);
        stroke.current.value = !stroke.current.pixels[y]![x];
        set(x, y, stroke.current.value);
        setCell([x, y]);
      },
      move: (px, py) => set(...at(px, py), stroke.current.value),
      up: () => {},
      draw: laid(table, cell),
    };
  }, [set, table, cell]);
  const mark = useMemo<Tool>(() => ({ cursor: "", down: (x, y) => setCell([Math.floor(x), Math.floor(y)]), move: () => {}, up: () => {}, draw: laid([[1]], cell) }), [cell]);
  const key = (event: KeyboardEvent) => {
    const by: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = by[event.key];
    if (!(event.target as HTMLElement).classList.contains("sl-view")) return;
    if (step) setCell(([x, y]) => [Math.max(0, Math.min(WIDTH - 1, x + step[0])), Math.max(0, Math.min(HEIGHT - 1, y + step[1]))]);
    else if (event.key === " ") set(cell[0], cell[1], !pixels[cell[1]]![cell[0]]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const hover = (found: { x: number; y: number } | null) => found && setCell(([x, y]) => (x === found.x && y === found.y ? [x, y] : [found.x, found.y]));

  const said = OPERATIONS.find(([name]) => name === operation)![2];
  const controls = (
    <>
      <Choice label="Operation" value={operation} options={OPERATIONS.map(([name, title]) => [name, title])} onValue={setOperation} text={said} />
      <div class="control" role="group" aria-label={isPattern ? "Pattern" : "Footprint"}>
        <span class="label">{isPattern ? "Pattern" : "Footprint"}</span>
        <Footprint label={isPattern ? "Cells of the pattern" : "Cells of the footprint"} rows={table} onRows={isPattern ? setPattern : setFootprint} states={isPattern ? [0, 1, -1] : [0, 1]} sizes={[3, 5, 7]} />
        <p class="hint">{usable ? (isPattern ? "Click a cell: it must be on, it must be off, or it may be either." : "The neighbours that count, around the pixel in the middle. Click cells on and off.") : "At least one cell must say something: click one."}</p>
      </div>
      <Picker label="Photo" value={image} onValue={(ref) => ref && setImage(ref)} />
      <div class="row wrap">
        <button type="button" class="small" onClick={() => setPixels(pixelsOf(null))}>Pixels as at first</button>
        <button type="button" class="small" onClick={() => setPixels(pixelsOf("0"))}>All pixels off</button>
      </div>
    </>
  );
  return (
    <Room
      title="Morphology" lead="A small shape, the footprint, is laid on every pixel, and asks what lies under it. That one question grows and shrinks things, removes specks, fills holes and finds corners."
      methods={[method]} lesson={{ id: "w1d5", title: "Morphology" }} controls={controls} onPicture={setImage} error={error || drawnRun.error?.message || photoRun.error?.message}
      program={{ inputs: { image }, steps: [{ method, parameters }] }}
    >
      <div class="room-pair" onKeyDownCapture={key}>
        <figure>
          <figcaption>Pixels: click or drag switches them; arrows move the {isPattern ? "pattern" : "footprint"}, space switches</figcaption>
          <Picture painted={painted} link={small} tool={tool} tick={tool} aspect={WIDTH / HEIGHT} label="Small picture to draw on" onReading={hover} />
        </figure>
        <figure>
          <figcaption>{said.split(/[:;.]/)[0]}</figcaption>
          <Picture painted={smallAfter} link={small} tool={mark} tick={mark} aspect={WIDTH / HEIGHT} label="Result of the small picture" onReading={hover} />
        </figure>
      </div>
      <p class="under" role="status">{under(pixels, table, cell, isPattern)}{smallAfter?.under ? ` The new pixel is ${(smallAfter.under.read(...cell)[0] ?? 0) > 0 ? "on" : "off"}.` : ""}</p>
      <div class="room-pair">
        <figure><figcaption>{isPattern ? "The photo, as brighter and darker than the middle" : "The photo"}</figcaption><Picture painted={photoBefore} link={large} aspect={width / height} label="Photo" /></figure>
        <figure><figcaption>The same on the photo</figcaption><Picture painted={photoAfter} link={large} aspect={width / height} label="Result of the photo" onExact={photoRun.exact} /></figure>
      </div>
    </Room>
  );
}

/** What lies under the cells at one place, in words. */
function under(pixels: Pixels, table: number[][], [x, y]: [number, number], isPattern: boolean): string {
  const [middleY, middleX] = [Math.floor(table.length / 2), Math.floor((table[0]?.length ?? 1) / 2)];
  const seen = table.flatMap((row, j) => row.map((value, i) => ({ value, pixel: pixels[y + j - middleY]?.[x + i - middleX] }))).filter(({ value, pixel }) => value !== 0 && pixel !== undefined);
  const fit = seen.filter(({ value, pixel }) => (value === 1) === pixel).length;
  return `At (${x}, ${y}) ${fit} of ${seen.length} cells ${isPattern ? "agree with the pattern" : "lie on pixels that are on"}.`;
}

/** Draw a table of cells around a place: what must be on in orange, what must be off in blue. */
function laid(table: number[][], [x, y]: [number, number]): NonNullable<Tool["draw"]> {
  return (context, at, scale) => {
    const [middleY, middleX] = [Math.floor(table.length / 2), Math.floor((table[0]?.length ?? 1) / 2)];
    context.lineWidth = 2.5;
    table.forEach((row, j) => row.forEach((value, i) => {
      if (!value) return;
      const [left, top] = at(x + i - middleX, y + j - middleY);
      context.strokeStyle = value === 1 ? "#e69f00" : "#0072b2";
      context.strokeRect(left + 1.5, top + 1.5, scale - 3, scale - 3);
    }));
  };
}
