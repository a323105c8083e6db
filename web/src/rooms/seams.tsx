// The seam room: a photo gets narrower by the seams that are missed least; what is painted stays or goes.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Json } from "../api";
import { Slider } from "../controls/slider";
import type { Painted } from "../core/painted";
import { canvasOf, rasterOfImage } from "../core/raster";
import { useRun } from "../pages/run";
import { Brush, type MaskLayer } from "../parts/brush";
import { Icon } from "../parts/icon";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { Choice, Room } from "./frame";
import { asPainted, useMask } from "./mask";
import { useSized } from "./made";

type Energy = "backward" | "forward";
type Paint = "protect" | "remove";
type Costs = "energy" | "cumulative";

/** The picture with the mask that is not being painted laid over it. */
function withOther(painted: Painted | null, other: MaskLayer | null): Painted | null {
  if (!painted || !other) return painted;
  const canvas = canvasOf(other.width, other.height);
  other.draw(canvas.getContext("2d")!, (x, y) => [x, y], 1);
  return { ...painted, over: [rasterOfImage(canvas, 3, false)] };
}

export default function SeamRoom() {
  const query = useRef(place.peek().query).current;
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:china");
  const [width, setWidth] = useState<number | null>(query.has("width") ? Number(query.get("width")) || null : null);
  const [energy, setEnergy] = useState<Energy>(query.get("energy") === "forward" ? "forward" : "backward");
  const [paint, setPaint] = useState<Paint>("protect");
  const [map, setMap] = useState<Costs>(query.get("map") === "cumulative" ? "cumulative" : "energy");
  const [playing, setPlaying] = useState<number | null>(null);
  const sized = useSized(image, 560);
  const size = sized.value;
  const protect = useMask(size, query.get("protect"), null, "rgb(0 158 115 / .6)");
  const remove = useMask(size, query.get("remove"), null, "rgb(213 94 0 / .6)");
  const [wide, high] = [size?.width ?? 560, size?.height ?? 373];
  const target = Math.max(2, Math.min(Math.round(1.4 * wide), width ?? Math.round(0.75 * wide)));
  const now = playing ?? target;

  const masks = { ...(protect.ref && { protect: protect.ref }), ...(remove.ref && { remove: remove.ref }) };
  const parameters = { shape: [high, now] as Json, energy };
  const run = useRun(size && { method: "image.seam_carve", inputs: { image: size.ref, ...masks }, parameters }, { quick: playing === null, whole: playing !== null });
  const energies = usePainted(run.trace, map === "energy" ? 0 : 1);
  const seams = usePainted(run.trace, 2);
  const carved = usePainted(run.latest, (run.latest?.steps.length ?? 1) - 1);
  const base = useMemo(() => asPainted(protect.picture, "Picture"), [protect.picture]);
  const [mine, other] = paint === "protect" ? [protect, remove] : [remove, protect];
  const under = useMemo(() => withOther(base, other.layer), [base, other.layer, paint, other.ref]);
  const aspect = wide / high;

  useEffect(() => {
    const next = new URLSearchParams({ image, energy });
    if (width !== null) next.set("width", String(width));
    if (map !== "energy") next.set("map", map);
    for (const [name, ref] of Object.entries(masks)) next.set(name, ref);
    keep(next);
  }, [image, width, energy, map, protect.ref, remove.ref]);

  // one seam further as soon as the last one is shown
  useEffect(() => {
    if (playing === null || !run.trace || run.busy) return;
    const timer = setTimeout(() => setPlaying(playing === target ? null : playing + Math.sign(target - playing)), 90);
    return () => clearTimeout(timer);
  }, [playing, run.trace, run.busy]);

  const count = Math.abs(wide - now);
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => { if (ref) { setImage(ref); setWidth(null); setPlaying(null); } }} />
      <Slider label="Width" value={target} span={{ low: Math.round(0.4 * wide), high: Math.round(1.4 * wide), step: 1, least: 2, most: Math.round(1.4 * wide), log: false }} onValue={(next) => { setPlaying(null); setWidth(Math.round(next)); }} text={`In pixels; the picture has ${wide}. Below, seams go one by one; above, the first ones to go are doubled.`} />
      <button type="button" aria-pressed={playing !== null} onClick={() => setPlaying(playing === null && target !== wide ? wide + Math.sign(target - wide) : null)}><Icon name={playing === null ? "play" : "pause"} /> {playing === null ? "Seam after seam" : "Stop"}</button>
      <p class="hint">Shows the way there, one seam after another.</p>
      <Choice label="Energy" value={energy} options={[["backward", "What goes"], ["forward", "What meets"]]} onValue={setEnergy} text="A seam costs what its pixels differ from their neighbours (backward), or the edges made where its two sides meet (forward)." />
      <Choice label="Brush" value={paint} options={[["protect", "Protect"], ["remove", "Remove"]]} onValue={setPaint} text="Seams keep away from what is protected. What is to be removed goes first." />
      <Choice label="Costs shown" value={map} options={[["energy", "Of each pixel"], ["cumulative", "Of the way down"]]} onValue={setMap} text="The energy of each pixel, or that of the cheapest seam from the edge down to it, which the search adds up row by row." />
    </>
  );
  return (
    <Room
      title="Seam carving" lead="A photo can lose a quarter of its width and keep what is in it: take out the winding seams of pixels that nobody will miss."
      methods={["image.seam_carve"]} lesson={{ id: "w2d7", title: "Bend: morphs and seams" }} controls={controls} onPicture={setImage}
      error={sized.error || protect.error || remove.error || run.error?.message}
      program={size ? { inputs: { image: size.ref }, steps: [{ method: "image.seam_carve", parameters: { shape: [high, target], energy, ...masks } }] } : undefined}
      note={size && !image.startsWith("sample:") ? `The shape is that of the photo at ${wide}×${high} pixels, as it is worked on here.` : ""}
    >
      <div class="room-pair">
        <figure>
          <figcaption>Carved: {now}×{high} pixels</figcaption>
          <Picture painted={carved} aspect={Math.max(aspect, now / high)} label="Carved" />
        </figure>
        <figure>
          <figcaption data-seams={count}>{count === 1 ? "The first seam" : `The first ${count} seams`}, {now > wide ? "to be doubled" : "to go"}</figcaption>
          <Picture painted={seams} aspect={aspect} label="Seams" />
        </figure>
      </div>
      <div class="room-pair">
        <div>
          <h2>{paint === "protect" ? "Paint what must stay" : "Paint what must go"}</h2>
          {under && mine.layer && <Brush key={paint} painted={under} layer={mine.layer} onStroke={mine.send} />}
        </div>
        <div>
          <h2>{map === "energy" ? "Energy of each pixel" : "Cost of the cheapest seam down to each pixel"}</h2>
          <Picture painted={energies} aspect={aspect} label="Costs" />
        </div>
      </div>
    </Room>
  );
}
