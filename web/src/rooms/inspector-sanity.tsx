// The sanity check: does the map of evidence change when the network forgets what it has learnt, layer by layer?
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Numbers } from "../core/trace";
import { Curve } from "../parts/beside";
import { heatRaster, tileOf, useTraced, valuesOf } from "./inspector-model";

export interface SanityProps {
  run: string;
  input: string | null;
  target: string;
  way: string;
  open: boolean;
  onOpen: (open: boolean) => void;
}

interface Checked {
  layers: string[];
  /** Of the first map, and of that after each layer, with the first. */
  correlations: number[];
  /** Which of the maps there are. */
  indices: number[];
}

export function Sanity({ run, input, target, way, open, onOpen }: SanityProps) {
  const { trace, error, fresh } = useTraced(`/api/inspect/${run}/sanity`, open && input && target ? { input, target, method: way } : null);
  const maps = useMemo(() => valuesOf(trace, "while it forgets"), [trace]);
  const told = maps && (trace as unknown as Checked);
  const line = useMemo(() => (told ? [{ name: "likeness", x: told.correlations.map((_, i) => i), y: told.correlations }] : []), [told]);
  return (
    <section aria-labelledby="sanity" class="inspector-sanity" data-checked={open && fresh && told ? `${way} ${target}` : ""}>
      <h2 id="sanity">What the lit map is worth</h2>
      <p class="hint">A map that shows what was learnt must change when the network forgets. The weights are drawn anew, from the last layer to the first, and stay so.</p>
      <button type="button" aria-pressed={open} onClick={() => onOpen(!open)}>Forget layer by layer</button>
      {open && !error && !(fresh && told) && <p class="hint" role="status">It forgets, and is asked after each layer…</p>}
      {open && error && <p class="error" role="alert">{error}</p>}
      {open && told && (
        <>
          <p role="status">When the last layer is forgotten, the map is <b>{said(told.correlations[1]!)}</b> like itself; when all {told.layers.length} are, <b>{said(told.correlations.at(-1)!)}</b>. 1 is unchanged, 0 has nothing in common.</p>
          <Curve lines={line} axes={["layers forgotten", "likeness"]} height={150} />
          <div class="heads" role="group" aria-label="Maps while it forgets">
            {told.indices.map((after, tile) => <Forgotten key={after} maps={maps} tile={tile} name={after ? `${after}. ${told.layers[after - 1]}` : "As trained"} likeness={told.correlations[after]!} />)}
          </div>
        </>
      )}
    </section>
  );
}

const said = (value: number) => value.toFixed(2).replace("-", "−");

function Forgotten({ maps, tile, name, likeness }: { maps: Numbers; tile: number; name: string; likeness: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, height = 1, width = 1] = maps.shape;
  useEffect(() => {
    canvas.current!.getContext("2d")!.drawImage(heatRaster(tileOf(maps, tile), width, height).image, 0, 0);
  }, [maps, tile, width, height]);
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <canvas ref={canvas} width={width} height={height} role="img" aria-label={`${name}: ${said(likeness)} like the first`} />
      <p class="hint">{said(likeness)}</p>
    </figure>
  );
}
