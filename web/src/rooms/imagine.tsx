// Pictures that a network makes, watched while they are made: of a class, a dream, what a layer remembers, a style.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { get } from "../api";
import { Slider } from "../controls/slider";
import type { Trace } from "../core/trace";
import { Code } from "../parts/copy";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { ClassChoice, ClassifierChoice, useClassifier } from "./classifier";
import { Choice, Room } from "./frame";
import { Learnt, Loss, lesson } from "./imagine-learn";
import { readingOf } from "./program";
import { readStream } from "./stream";

type Kind = "class" | "style" | "fast" | "learn" | "dream" | "inversion";

/** A network that has learnt one painting: its name, and its file under the lab's root. */
interface Painter {
  name: string;
  file: string;
}

const KINDS: Record<Kind, { title: string; method: string; steps: number; text: string }> = {
  class: { title: "Class", method: "class_visualization", steps: 120, text: "From noise uphill on the score of one class: what the network looks for." },
  style: { title: "Style transfer", method: "style_transfer", steps: 100, text: "The things of one photo, painted as another: maps are kept, Gram matrices taken over." },
  fast: { title: "Fast style", method: "fast_style", steps: 1, text: "A network that has learnt one painting paints any photo in a single pass." },
  learn: { title: "Learn a painting", method: "fast_style", steps: 400, text: "A network learns to paint photos like one painting, while you watch it paint yours." },
  dream: { title: "DeepDream", method: "deep_dream", steps: 10, text: "Whatever a layer finds in the photo, more of it; from small to large." },
  inversion: { title: "Inversion", method: "feature_inversion", steps: 120, text: "A picture whose maps are those of the photo: what a layer still knows of it." },
};
const MOST = 400; // steps that can be looked at again
const SAVING = 8; // times that is looked, a second apart, whether the network is there

export default function ImagineRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) || 0 : fallback);
  const [name, setName] = useState(query.get("model") ?? "");
  const [kind, setKind] = useState<Kind>((Object.keys(KINDS) as Kind[]).find((one) => one === query.get("kind")) ?? "class");
  const [target, setTarget] = useState(query.get("target") ?? "");
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:cat");
  const [style, setStyle] = useState(query.get("style") ?? "sample:flower");
  const [steps, setSteps] = useState(number("steps", KINDS[kind].steps));
  const [size, setSize] = useState(number("size", 224));
  const [seed, setSeed] = useState(number("seed", 0));
  const chosen = useClassifier(name, setName);
  const [painters, setPainters] = useState<Painter[] | null>(null);
  const [painter, setPainter] = useState(query.get("painter") ?? "");
  const [missing, setMissing] = useState("");
  const [photos, setPhotos] = useState(query.get("photos") ?? "");
  const [learnt, setLearnt] = useState(query.get("learnt") ?? "painting");
  const [kept, setKept] = useState("");
  const [fast, learning] = [kind === "fast", kind === "learn"];
  useEffect(() => {
    if (!fast) return;
    get<Painter[]>("/api/painters").then((found) => {
      setPainters(found);
      if (!found.some((one) => one.name === painter)) setPainter(found[0]?.name ?? "");
    }, (problem: Error) => setMissing(problem.message));
  }, [fast]);
  const making = useMaking();
  const { frames } = making;
  useEffect(() => {
    if (!learning || making.busy || !frames.length) return;
    let tries = 0;
    const wanted = `${learnt}.safetensors`;
    const look = () => void get<Painter[]>("/api/painters").then((found) => found.some((one) => one.name === wanted) ? (setKept(wanted), setPainter(wanted)) : ++tries < SAVING && (timer = setTimeout(look, 1000)), () => {});
    let timer = setTimeout(look, 0); // stopped, it is written after the step that it is at
    return () => clearTimeout(timer);
  }, [learning, making.busy, frames.length > 0]);
  const [at, setAt] = useState<number | null>(null);
  const index = Math.min(at ?? frames.length - 1, frames.length - 1);
  const painted = usePainted(frames[Math.max(0, index)] ?? null, 0);
  const classes = chosen.model?.classes ?? [];
  const wanted = classes.includes(target) ? target : classes.find((one) => one === "tarantula") ?? classes[0] ?? "";
  useEffect(() => {
    const next = new URLSearchParams({ model: name, kind, steps: String(steps), size: String(size), seed: String(seed) });
    if (kind === "class") next.set("target", target);
    else next.set("image", image);
    if (kind === "style" || learning) next.set("style", style);
    if (kind === "fast") next.set("painter", painter);
    if (learning) next.set("photos", photos), next.set("learnt", learnt);
    keep(next);
  }, [name, kind, target, image, style, painter, photos, learnt, steps, size, seed]);

  const turn = (next: Kind) => {
    setKind(next);
    setSteps(KINDS[next].steps);
  };
  const start = () => {
    setAt(null);
    setKept("");
    if (learning) return making.start(`/api/painters/${encodeURIComponent(`${learnt}.safetensors`)}`, { model: name, style, input: image, photos, size: Math.max(32, size), iterations: steps, seed });
    const photo = kind === "class" ? { target: wanted } : { input: image, ...(kind === "style" ? { style } : {}) };
    making.start(`/api/imagine/${encodeURIComponent(fast ? painter : name)}`, { kind: fast ? "style" : kind, ...photo, size, iterations: steps, seed });
  };
  const own = (ref: string | null) => ref && setImage(ref);
  const span = (low: number, high: number, step: number, most = high) => ({ low, high, step, least: low, most, log: false });
  const controls = (
    <>
      {fast ? <PainterChoice rows={painters} value={painter} onValue={setPainter} /> : <ClassifierChoice chosen={chosen} value={name} onValue={(next) => { setName(next); setTarget(""); }} />}
      <Choice label="Make" value={kind} options={(Object.keys(KINDS) as Kind[]).map((one) => [one, KINDS[one].title])} onValue={turn} text={KINDS[kind].text} />
      {kind === "class" && <ClassChoice label="Class" model={chosen.model} value={wanted} onValue={setTarget} />}
      {kind !== "class" && <Picker label="Photo" value={image} onValue={own} />}
      {(kind === "style" || learning) && <Picker label="Paint like" value={style} onValue={(ref) => ref && setStyle(ref)} />}
      {learning && <Learnt photos={photos} name={learnt} onPhotos={setPhotos} onName={setLearnt} />}
      {!fast && <Slider label={kind === "dream" ? "Steps of each size" : "Steps"} value={steps} span={{ ...(learning ? span(50, 2000, 50, 100_000) : span(5, 300, 5, 1000)), least: 1 }} onValue={(next) => setSteps(Math.max(1, Math.round(next)))} />}
      {kind !== "class" && <Slider label="Longer side" value={size} span={span(64, 400, 16, 640)} onValue={(next) => setSize(Math.max(16, Math.round(next)))} text={learning ? "In pixels, of the painting and of your photo: it learns on squares of half of it." : "In pixels: four times the pixels take four times as long."} />}
      {!fast && <Slider label="Seed" value={seed} span={span(0, 20, 1, 1_000_000)} onValue={(next) => setSeed(Math.round(next))} text={learning ? "Of its first weights, and of the order of the photos." : "Of the noise that it starts from, and of the shifts."} />}
    </>
  );
  const open = chosen.rows?.find((row) => row.name === name)?.public ? name : `runs/${name}`;
  const last = frames.at(-1);
  const count = Number(last?.id ?? 0);
  return (
    <Room
      title="What a network makes" lead={learning ? "Two networks: one is trained already and judges, the other learns to paint what pleases it." : fast ? "The network has learnt its painting before; the photo goes through it once." : "The weights stay as they are, and the picture learns: step by step it follows a gradient, and you watch it."}
      methods={[`explain.${KINDS[kind].method}`]} lesson={{ id: "w5d8", title: "Pictures that a network makes" }} controls={controls} onPicture={own} error={fast ? missing || making.error : chosen.error || making.error}
    >
      {fast && painters?.length === 0 && <p>There is no such network here yet. <button type="button" class="small" onClick={() => turn("learn")}>Let one learn a painting</button>, for some minutes, on a hundred photos or more; or at the command line: <code>sightline imagine style squeezenet1_1-imagenet photos/ --style painting.jpg -o painting.safetensors</code></p>}
      {!fast && chosen.rows?.length === 0 && <p>There is no trained network here yet. <a href="/rooms/cockpit">Train one in the cockpit</a>: LeNet-5 on handwritten digits takes about a minute.</p>}
      <p class="row wrap">
        <button type="button" class="primary" disabled={!(fast ? painter : chosen.model && (!learning || learnt)) || making.busy} onClick={start}>{learning ? "Learn it" : "Make it"}</button>
        <button type="button" disabled={!making.busy} onClick={making.stop}>Stop</button>
      </p>
      <p class="room-told" role="status" data-state={making.busy ? "busy" : frames.length ? "done" : "none"} data-step={count}>
        {making.busy && !last ? "It begins…" : last ? <>{making.busy ? "Step" : making.stopped ? "Stopped after step" : learning ? "Learnt in" : "Made in"} <b>{count}</b>{making.busy && kind !== "dream" ? ` of ${steps}` : making.stopped || making.busy ? "" : fast ? " pass" : " steps"}.{learning && <Loss frames={frames} />}</> : learning ? "“Learn it” starts. “Stop” ends it early and keeps what is learnt." : "“Make it” starts: each step is shown as it is made."}
      </p>
      {making.busy && kind !== "dream" && !fast && <progress max={steps} value={count} aria-label="Steps done" />}
      {learning && kept && <p>The network is kept: <code>runs/{kept}</code>. <button type="button" onClick={() => turn("fast")}>Paint with it</button></p>}
      <StepScrubber bare names={frames.map((frame) => `step ${frame.id}`)} index={Math.max(0, index)} onIndex={(next) => setAt(next >= frames.length - 1 ? null : next)} pace={60} />
      <Picture painted={painted} label="The picture that is made" aspect={painted ? painted.width / painted.height : 1.4} numbersFrom={52} />
      <section aria-labelledby="same">
        <h2 id="same">The same as a program</h2>
        <Code language="python" label="the Python" text={learning ? lesson(open, photos, style, image, learnt, steps, Math.max(32, size), seed) : fast ? pass(painters?.find((one) => one.name === painter)?.file ?? "painting.safetensors", image, size) : program(open, kind, wanted, image, style, steps, size, seed)} />
      </section>
    </Room>
  );
}

function PainterChoice({ rows, value, onValue }: { rows: Painter[] | null; value: string; onValue: (name: string) => void }) {
  const id = useId();
  return (
    <div class="control">
      <label for={id}>Network of a painting</label>
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {!rows?.length && <option value="">none yet</option>}
        {rows?.map((one) => <option key={one.name} value={one.name}>{one.name.replace(".safetensors", "")}</option>)}
      </select>
      <p class="hint">{rows?.find((one) => one.name === value)?.file ?? "A .safetensors file under the lab's folder, or in its runs."}</p>
    </div>
  );
}

interface Making {
  frames: Trace[];
  busy: boolean;
  /** Whether it was stopped before its end. */
  stopped: boolean;
  error: string;
  start: (path: string, body: unknown) => void;
  stop: () => void;
}

/** A picture being made: its steps so far; leaving the room stops it. */
function useMaking(): Making {
  const [frames, setFrames] = useState<Trace[]>([]);
  const [state, setState] = useState({ busy: false, stopped: false, error: "" });
  const going = useRef<AbortController | null>(null);
  const stop = () => going.current?.abort();
  useEffect(() => stop, []);
  const start = (path: string, body: unknown) => {
    stop();
    const mine = (going.current = new AbortController());
    setFrames([]);
    setState({ busy: true, stopped: false, error: "" });
    const end = (error: string) => going.current === mine && setState({ busy: false, stopped: mine.signal.aborted, error: mine.signal.aborted ? "" : error });
    readStream(path, body, mine.signal, (trace) => going.current === mine && setFrames((old) => [...old.slice(-(MOST - 1)), trace])).then(
      () => end(""), (problem: Error) => end(problem.message),
    );
  };
  return { frames, ...state, start, stop };
}

function program(model: string, kind: Kind, target: string, image: string, style: string, steps: number, size: number, seed: number): string {
  const from = kind === "class" ? `model.recipe.classes.index(${JSON.stringify(target)}), shape=model.recipe.form.shape` : `small(${readingOf(image)})${kind === "style" ? `, small(${readingOf(style)})` : ""}`;
  const shrunk = kind === "class" ? "" : shrinking(size);
  return `import sightline as sl\n${shrunk}\nmodel = sl.load("${model}")\nmade = sl.explain.${KINDS[kind].method}(model.model, ${from}, iterations=${steps}, seed=${seed})\nsl.write("made.png", sl.to_uint8(made))\n`;
}

function pass(file: string, image: string, size: number): string {
  return `import sightline as sl\n${shrinking(size)}\npainter = sl.explain.StyleNet.load("${file}")\nmade = painter.paint(small(${readingOf(image)}))\nsl.write("made.png", sl.to_uint8(made))\n`;
}

function shrinking(size: number): string {
  return `\n\ndef small(photo):\n    share = min(1, ${size} / max(photo.shape[:2]))\n    return sl.image.resize(photo, tuple(round(side * share) for side in photo.shape[:2]))\n\n`;
}
