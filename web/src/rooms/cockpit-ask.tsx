// A trained classifier asked: about a picture or a drawing, and where it looked for the answer.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { ApiError, post, postRaw, upload } from "../api";
import { canvasOf, rasterOfImage } from "../core/raster";
import type { Painted } from "../core/painted";
import { readTrace, type Trace } from "../core/trace";
import { Brush, MaskLayer } from "../parts/brush";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { picture } from "../state";
import { Answers } from "./classifier";
import { Choice } from "./frame";

interface Answer {
  label: string;
  score: number;
  top: { label: string; score: number }[];
}

const SIDE = 160;
const SEVEN = [[44, 40], [116, 40], [78, 126]] as const;

/** A sheet with a seven on it: the room answers before anything is drawn. */
function sheet(): MaskLayer {
  const layer = new MaskLayer(SIDE, SIDE, "#fff");
  layer.radius = 9;
  layer.down(...SEVEN[0]);
  for (const [x, y] of SEVEN) layer.move(x, y);
  layer.up();
  return layer;
}

function black(): Painted {
  const canvas = canvasOf(SIDE, SIDE);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#000";
  context.fillRect(0, 0, SIDE, SIDE);
  return { name: "Drawing", width: SIDE, height: SIDE, under: rasterOfImage(canvas, 1, false), over: [], strokes: [], second: null, beside: [] };
}

/** What is asked about, and how it is explained. */
export interface Asked {
  /** A picture's reference; none is the drawing. */
  image: string | null;
  by: "grad_cam" | "saliency" | "occlusion";
}

const WAYS = ["grad_cam", "saliency", "occlusion"] as const;

export function readAsked(query: URLSearchParams): Asked | null {
  const by = WAYS.find((name) => name === query.get("by"));
  return by ? { image: query.get("image"), by } : null;
}

export function Ask({ run, recipe, digits, asked, onAsked }: { run: string; recipe: string; digits: boolean; asked: Asked | null; onAsked: (asked: Asked) => void }) {
  const first = picture.peek() ?? "sample:cat";
  const [drawing, setDrawing] = useState(asked ? asked.image === null : digits && !picture.peek());
  const [image, setImage] = useState<string>(asked?.image ?? first);
  const [drawn, setDrawn] = useState<string | null>(null);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [method, setMethod] = useState<Asked["by"]>(asked?.by ?? (recipe === "classify/mlp" ? "saliency" : "grad_cam"));
  const [target, setTarget] = useState("");
  const [why, setWhy] = useState<Trace | null>(null);
  const [error, setError] = useState("");
  const layer = useMemo(sheet, []);
  const paper = useMemo(black, []);
  const send = useCallback(() => {
    layer.png().then((blob) => upload(blob)).then((found) => setDrawn(found.ref), (problem: Error) => setError(problem.message));
  }, [layer]);
  useEffect(send, []);
  useEffect(() => onAsked({ image: drawing ? null : image, by: method }), [drawing, image, method]);
  const ref = drawing ? drawn : image;
  useEffect(() => {
    if (!ref) return;
    let here = true;
    post<Answer>(`/api/predict/${run}`, { input: ref }).then(
      (found) => { if (here) { setAnswer(found); setTarget(found.label); setError(""); } },
      (problem: Error) => here && setError(problem.message),
    );
    return () => { here = false; };
  }, [ref, run]);
  useEffect(() => {
    if (!ref || !target) return;
    let here = true;
    postRaw(`/api/explain/${run}`, { input: ref, method, target }).then((found) => found.arrayBuffer()).then(
      (bytes) => { if (here) { setWhy(readTrace(bytes)); setError(""); } },
      (problem: Error) => {
        if (!here) return;
        setWhy(null);
        if (method === "grad_cam" && problem instanceof ApiError && problem.status === 422) setMethod("saliency"); // it has no feature maps with places
        else setError(problem.message);
      },
    );
    return () => { here = false; };
  }, [ref, run, method, target]);
  const painted = usePainted(why, (why?.steps.length ?? 1) - 1);
  return (
    <section aria-labelledby="ask">
      <h2 id="ask">Ask it</h2>
      <Choice label="About" value={drawing ? "drawing" : "picture"} options={[["drawing", "A drawing"], ["picture", "A picture"]]} onValue={(value) => setDrawing(value === "drawing")} text={digits ? "This one has seen digits only, bright on dark: of anything else it still says which digit it looks like." : "It knows the classes that it was trained on, and answers with one of them."} />
      {!drawing && <Picker label="Picture to ask about" value={image} onValue={(value) => value && setImage(value)} />}
      <div class="room-pair ask">
        {drawing && <figure><figcaption>Draw here; the eraser and “Clear” take it away</figcaption><Brush painted={paper} layer={layer} onStroke={send} /></figure>}
        <figure>
          <figcaption>How sure it is; choose a class to see what speaks for it</figcaption>
          <Answers rows={answer?.top.slice(0, 5) ?? []} marked={target} onChoose={setTarget} />
        </figure>
        <figure>
          <figcaption>Where it looked for “{target}”</figcaption>
          <Picture painted={painted} label={`Evidence for ${target}`} aspect={1} />
          <Choice label="By" value={method} options={[["grad_cam", "Grad-CAM"], ["saliency", "Saliency"], ["occlusion", "Occlusion"]]} onValue={setMethod} text="Grad-CAM weighs the last feature maps, saliency asks which pixels would change the answer most, occlusion covers one place after the other." />
        </figure>
      </div>
      {error && <p class="error" role="alert">{error}</p>}
    </section>
  );
}
