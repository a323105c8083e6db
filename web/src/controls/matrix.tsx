// Tables of numbers as a grid of fields, and footprints as a grid of cells to click.
import { useId } from "preact/hooks";
import { Hint } from "../parts/hint";

function resized<T>(rows: T[][], height: number, width: number, fill: T): T[][] {
  const top = Math.floor((rows.length - height) / 2);
  const left = Math.floor(((rows[0]?.length ?? 0) - width) / 2);
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => rows[y + top]?.[x + left] ?? fill));
}

export interface MatrixProps {
  label: string;
  rows: number[][];
  onRows: (rows: number[][]) => void;
  text?: string;
  /** Sides that the size buttons offer; none hides them. */
  sizes?: number[];
  disabled?: boolean;
}

/** A small table of numbers. */
export function Matrix({ label, rows, onRows, text, sizes = [3, 5, 7], disabled = false }: MatrixProps) {
  const set = (y: number, x: number, value: number) => {
    if (Number.isFinite(value)) onRows(rows.map((row, j) => row.map((cell, i) => (j === y && i === x ? value : cell))));
  };
  const width = rows[0]?.length ?? 0;
  return (
    <fieldset class="control" disabled={disabled}>
      <legend>{label}</legend>
      <div class="matrix" style={{ gridTemplateColumns: `repeat(${width}, minmax(2.2em, 1fr))` }}>
        {rows.map((row, y) => row.map((value, x) => (
          <input
            key={`${y},${x}`} type="number" step="any" value={Number(value.toPrecision(5))} aria-label={`${label}, row ${y + 1}, column ${x + 1}`}
            onChange={(event) => event.currentTarget.value !== "" && set(y, x, Number(event.currentTarget.value))}
          />
        )))}
      </div>
      {sizes.length > 0 && width === rows.length && (
        <div class="row">
          {sizes.map((size) => (
            <button type="button" class="small" key={size} aria-pressed={rows.length === size} onClick={() => onRows(resized(rows, size, size, 0))}>{size}×{size}</button>
          ))}
        </div>
      )}
      {text && <Hint text={text} />}
    </fieldset>
  );
}

export interface FootprintProps {
  label: string;
  rows: number[][];
  onRows: (rows: number[][]) => void;
  /** What a cell can be, in the order that clicks go through: 0 and 1, or for patterns 1 (on), −1 (off) and 0 (either). */
  states?: number[];
  sizes?: number[];
}

const SHAPES: Record<string, (x: number, y: number, r: number) => boolean> = {
  square: () => true,
  cross: (x, y) => x === 0 || y === 0,
  disk: (x, y, r) => x * x + y * y <= r * r + 0.5,
  diamond: (x, y, r) => Math.abs(x) + Math.abs(y) <= r,
};

/** Cells to switch on and off; the arrow keys move, space changes the cell. */
export function Footprint({ label, rows, onRows, states = [0, 1], sizes = [3, 5, 7, 9] }: FootprintProps) {
  const id = useId();
  const width = rows[0]?.length ?? 1;
  const change = (y: number, x: number) => {
    const next = (value: number) => states[(states.indexOf(value) + 1) % states.length] ?? 1;
    onRows(rows.map((row, j) => row.map((cell, i) => (j === y && i === x ? next(cell) : cell))));
  };
  const move = (event: KeyboardEvent, y: number, x: number) => {
    const by: Record<string, [number, number]> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const step = by[event.key];
    if (!step) return;
    event.preventDefault();
    document.getElementById(`${id}-${y + step[0]}-${x + step[1]}`)?.focus();
  };
  const shaped = (name: string) => {
    const middle = [(rows.length - 1) / 2, (width - 1) / 2] as const;
    onRows(rows.map((row, y) => row.map((_, x) => (SHAPES[name]!(x - middle[1], y - middle[0], Math.min(...middle)) ? 1 : 0))));
  };
  return (
    <div class="footprint">
      <div class="cells" role="grid" aria-label={label} style={{ gridTemplateColumns: `repeat(${width}, 1fr)`, maxWidth: `${width * 30}px` }}>
        {rows.map((row, y) => (
          <div role="row" class="contents" key={y}>
            {row.map((value, x) => (
              <div role="gridcell" key={x}>
                <button
                  type="button" id={`${id}-${y}-${x}`} data-value={states.length > 2 && value === 0 ? "either" : value} aria-label={`Row ${y + 1}, column ${x + 1}: ${value === 1 ? "on" : states.length > 2 && value === 0 ? "either" : "off"}`}
                  aria-pressed={value === 1} onClick={() => change(y, x)} onKeyDown={(event) => move(event, y, x)}
                />
              </div>
            ))}
          </div>
        ))}
      </div>
      <div class="row wrap">
        {sizes.map((size) => (
          <button type="button" class="small" key={size} aria-pressed={rows.length === size} onClick={() => onRows(resized(rows, size, size, 1))}>{size}×{size}</button>
        ))}
        {states.length === 2 && Object.keys(SHAPES).map((name) => (
          <button type="button" class="small" key={name} onClick={() => shaped(name)}>{name}</button>
        ))}
      </div>
    </div>
  );
}
