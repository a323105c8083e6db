// The layers of a model as a drawing to choose from, the maps of the chosen one as an atlas, and one map large.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Slider } from "../controls/slider";
import { extent } from "../core/colour";
import { short, type Raster } from "../core/raster";
import type { Numbers } from "../core/trace";
import { Picture } from "../parts/picture";
import { heatRaster, paintedOf, placed, tileOf, type Layer, type Place } from "./inspector-model";

const say = (value: number) => String(Math.round(value)).replace("-", "−");
const count = (value: number) => value.toLocaleString("en");

/** Every layer as a block: as high as its maps are, as wide as there are many of them. */
export function LayerList({ layers, value, onValue }: { layers: Layer[]; value: string; onValue: (name: string) => void }) {
  const box = useRef<HTMLOListElement>(null);
  const tallest = Math.max(1, ...layers.map((layer) => layer.grid[0]));
  useEffect(() => {
    const list = box.current;
    const chosen = list?.querySelector<HTMLElement>("[aria-pressed=true]");
    if (list && chosen && (chosen.offsetTop < list.scrollTop || chosen.offsetTop + chosen.offsetHeight > list.scrollTop + list.clientHeight)) list.scrollTop = chosen.offsetTop - list.clientHeight / 3;
  }, [layers, value]);
  return (
    <ol class="layers" ref={box} aria-label="Layers, from the picture to the answer">
      {layers.map((layer) => {
        const high = placed(layer) ? Math.max(4, 34 * Math.sqrt(layer.grid[0] / tallest)) : 4;
        const many = placed(layer) ? (layer.shape.length === 3 ? layer.shape[0]! : layer.shape[1]!) : layer.shape[0]!;
        return (
          <li key={layer.name}>
            <button type="button" aria-pressed={layer.name === value} onClick={() => onValue(layer.name)}>
              <span class="layer-block" aria-hidden="true"><span data-placed={placed(layer)} style={{ height: `${high}px`, width: `${Math.min(40, 5 + 4.2 * Math.log2(1 + many))}px` }} /></span>
              <span class="layer-told"><b>{layer.name}</b><small>{layer.kind} · {layer.shape.join("×")}{layer.parameters ? ` · ${count(layer.parameters)} weights` : ""}</small></span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}

export interface AtlasProps {
  layer: Layer;
  tiles: Numbers;
  /** Which maps these are, and of how many. */
  indices: number[];
  of: number;
  value: number | null;
  onValue: (index: number | null) => void;
  /** Names of the units of the last layer. */
  classes: string[];
}

/** All maps side by side, each from its lowest value to its highest; units without a place share one range. */
export function Atlas({ layer, tiles, indices, of, value, onValue, classes }: AtlasProps) {
  const range = useMemo(() => (placed(layer) ? undefined : extent(tiles.data)), [layer, tiles]);
  return (
    <div>
      <p class="hint">{placed(layer) ? `${indices.length < of ? `The ${indices.length} strongest of ${of} maps` : `${of} maps`}, ${layer.grid[0]}×${layer.grid[1]} each, from its lowest value (dark) to its highest (bright). Choose one.` : `${of} units without a place in the picture, from the lowest value (dark) to the highest (bright).`}</p>
      <div class="atlas" data-places={placed(layer)} data-few={indices.length <= 40} role="group" aria-label={`Maps of ${layer.name}`}>
        {indices.map((index, i) => (
          <button type="button" key={index} aria-pressed={index === value} aria-label={`Map ${index}`} title={placed(layer) ? `Map ${index}` : `Unit ${index}: ${short(tiles.data[i]!)}`} onClick={() => onValue(index === value ? null : index)}>
            <Thumb tiles={tiles} index={i} range={range} />
          </button>
        ))}
      </div>
      {!placed(layer) && value !== null && <p role="status" class="inspector-value"><b>Unit {value}{of === classes.length ? `, “${classes[value]}”` : ""}:</b> {short(tiles.data[indices.indexOf(value)] ?? 0)}</p>}
    </div>
  );
}

function Thumb({ tiles, index, range }: { tiles: Numbers; index: number; range?: [number, number] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, height = 1, width = 1] = tiles.shape;
  useEffect(() => {
    canvas.current!.getContext("2d")!.drawImage(heatRaster(tileOf(tiles, index), width, height, range).image, 0, 0);
  }, [tiles, index, range, width, height]);
  return <canvas ref={canvas} width={width} height={height} />;
}

export interface LargeProps {
  layer: Layer;
  raster: Raster;
  index: number;
  at: Place;
  onAt: (at: Place) => void;
  /** What the model sees, and the box in it that the unit sees. */
  seen: Raster | null;
  box: number[];
}

/** One map with its numbers; where one points, the unit's field is drawn on the picture beside it. */
export function Large({ layer, raster, index, at, onAt, seen, box }: LargeProps) {
  const [row, column] = at;
  const painted = useMemo(() => paintedOf(`Map ${index} of ${layer.name}`, raster, [], [column, row, column + 1, row + 1]), [raster, index, layer, row, column]);
  const field = useMemo(() => paintedOf("What the unit sees", seen, [], box), [seen, box.join()]);
  const [low, high] = raster.range ?? [0, 0];
  const span = (most: number) => ({ low: 0, high: Math.max(1, most), step: 1, least: 0, most: Math.max(0, most), log: false });
  const [x1, y1, x2, y2] = box as [number, number, number, number];
  return (
    <div class="room-pair inspector-large">
      <figure>
        <figcaption>Map {index} of {layer.name}: {short(low)} to {short(high)}. Point at a place.</figcaption>
        <Picture painted={painted} label={`Map ${index} of ${layer.name}`} aspect={raster.width / raster.height} onReading={(reading) => reading && onAt([reading.y, reading.x])} />
      </figure>
      <figure>
        <figcaption>{layer.field ? "In the box: what this unit sees" : "This unit sees the whole picture"}</figcaption>
        <Picture painted={field} label="What the unit sees" aspect={seen ? seen.width / seen.height : 1} bare />
        <p class="inspector-unit" role="status" data-at={at.join()}><b>Row {row}, column {column}: {short(raster.read(column, row)[0] ?? 0)}.</b>{" "}
          {layer.field ? `It sees ${layer.field.size[0]}×${layer.field.size[1]} pixels: rows ${say(y1)} to ${say(y2 - 1)}, columns ${say(x1)} to ${say(x2 - 1)}${x1 < 0 || y1 < 0 || x2 > (seen?.width ?? x2) || y2 > (seen?.height ?? y2) ? ", beyond the rim in the padding" : ""}. Its neighbour's field lies ${layer.field.stride[0]} ${layer.field.stride[0] === 1 ? "pixel" : "pixels"} on.` : "Every unit of this layer sees all pixels."}
        </p>
        <Slider label="Row" value={row} span={span(raster.height - 1)} onValue={(value) => onAt([Math.round(value), column])} />
        <Slider label="Column" value={column} span={span(raster.width - 1)} onValue={(value) => onAt([row, Math.round(value)])} />
      </figure>
    </div>
  );
}
