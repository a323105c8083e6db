// The blending room: two photos joined under a painted mask, band by band, beside the plain cut.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { ViewLink } from "../core/view";
import { useRun } from "../pages/run";
import { Brush, MaskLayer } from "../parts/brush";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { Choice, Room } from "./frame";
import { asPainted, useMask } from "./mask";
import { useSized } from "./made";

type Shape = "left" | "disc" | "top";
const SHAPES: [Shape, string][] = [["left", "Left part"], ["top", "Upper half"], ["disc", "Disc"]];

function draw(layer: MaskLayer, shape: Shape): void {
  const context = layer.canvas.getContext("2d")!;
  const { width, height } = layer;
  context.globalCompositeOperation = "source-over";
  context.clearRect(0, 0, width, height);
  context.fillStyle = "#fff";
  context.beginPath();
  if (shape === "left") context.rect(0, 0, 0.62 * width, height);
  else if (shape === "top") context.rect(0, 0, width, height / 2);
  else context.ellipse(width / 2, height / 2, 0.33 * height, 0.33 * height, 0, 0, 2 * Math.PI);
  context.fill();
}

export default function BlendRoom() {
  const query = useRef(place.peek().query).current;
  const [a, setA] = useState(query.get("a") ?? "sample:china");
  const [b, setB] = useState(query.get("b") ?? "sample:rocket");
  const [levels, setLevels] = useState(Number(query.get("levels")) || 6);
  const [shape, setShape] = useState<Shape | "">(query.get("mask")?.includes(":") ? "" : SHAPES.find(([name]) => name === query.get("mask"))?.[0] ?? "left");
  const [band, setBand] = useState(Number(query.get("band") ?? 2));
  const link = useMemo(() => new ViewLink(), []);
  const first = useSized(a);
  const size = first.value;

  const mask = useMask(size, query.get("mask"), (layer) => draw(layer, shape || "left"));
  const inputs = size && mask.ref ? { a: size.ref, b, mask: mask.ref } : null;
  const run = useRun(inputs && { method: "image.blend", inputs, parameters: { levels } }, { whole: true });
  const cut = useRun(inputs && { method: "image.blend", inputs, parameters: { levels: 1 } }, { quick: true });
  const steps = run.trace?.steps ?? [];
  const bands = Math.max(1, Math.floor((steps.length - 2) / 3));
  const at = Math.min(band, bands - 1);
  const blended = usePainted(run.trace, steps.length - 1);
  const pasted = usePainted(cut.latest, (cut.latest?.steps.length ?? 1) - 1);
  const parts = [usePainted(run.trace, 1 + 3 * at), usePainted(run.trace, 2 + 3 * at), usePainted(run.trace, 3 + 3 * at)];
  const under = useMemo(() => asPainted(mask.picture, "First picture"), [mask.picture]);
  const aspect = size ? size.width / size.height : 1.5;

  useEffect(() => {
    const next = new URLSearchParams({ a, b, levels: String(levels), mask: shape || mask.ref || "left" });
    if (at !== 2) next.set("band", String(at));
    keep(next);
  }, [a, b, levels, shape, mask.ref, at]);

  const stroke = () => {
    setShape("");
    mask.send();
  };
  const choose = (next: Shape) => {
    if (!mask.layer) return;
    draw(mask.layer, next);
    setShape(next);
    mask.send();
  };
  const controls = (
    <>
      <Picker label="First picture" value={a} onValue={(ref) => ref && setA(ref)} />
      <Picker label="Second picture" value={b} onValue={(ref) => ref && setB(ref)} />
      <p class="hint">The second one is stretched to the size of the first.</p>
      <Choice label="Mask" value={shape} options={SHAPES} onValue={choose} text="Where the first picture is kept. Paint over it on the right to make your own." />
      <Slider label="Levels" value={levels} span={{ low: 1, high: 8, step: 1, least: 1, most: 12, log: false }} onValue={(next) => setLevels(Math.round(next))} text="Into how many bands the pictures are split. Each one is mixed over twice the distance of the one before; 1 is the plain cut." />
      <Slider label="Band shown" value={at} span={{ low: 0, high: bands - 1, step: 1, least: 0, most: bands - 1, log: false }} onValue={(next) => setBand(Math.round(next))} text="0 holds the finest details, the last one what is left: a small blurred picture." />
    </>
  );
  return (
    <Room
      title="Pyramid blend" lead="Cut one photo, lay it on another, and the seam shows. Split both into bands from fine to coarse, mix fine ones over a short distance and coarse ones over a long, and it is gone."
      methods={["image.blend", "image.laplacian_pyramid"]} lesson={{ id: "w2d1", title: "Scale: pyramids and blobs" }} controls={controls} onPicture={setA}
      error={first.error || mask.error || run.error?.message || cut.error?.message}
      program={mask.ref ? { inputs: { a }, steps: [{ method: "image.blend", parameters: { levels, b, mask: mask.ref } }] } : undefined}
      note="The mask is a picture, white where the first photo is kept."
    >
      <div class="room-pair">
        <figure>
          <figcaption>Blended over {levels} {levels === 1 ? "level" : "levels"}</figcaption>
          <Picture painted={blended} link={link} aspect={aspect} label="Blended" />
        </figure>
        <figure>
          <figcaption>Cut and pasted</figcaption>
          <Picture painted={pasted} link={link} aspect={aspect} label="Cut and pasted" />
        </figure>
      </div>
      <div class="room-pair" data-bands={bands}>
        <div>
          <h2>The mask, on the first picture</h2>
          {under && mask.layer && <Brush painted={under} layer={mask.layer} onStroke={stroke} />}
        </div>
        <div>
          <h2>Band {at} of {bands}</h2>
          {[`Of both pictures: ${parts[0]?.width ? `${parts[0].width / 2}×${parts[0].height}` : "…"} pixels each`, "Share of the first picture", "Mixed"].map((title, i) => (
            <figure key={i} class="band">
              <figcaption>{title}</figcaption>
              <Picture painted={parts[i]!} bare aspect={i ? aspect : 2 * aspect} label={title} />
            </figure>
          ))}
        </div>
      </div>
    </Room>
  );
}
