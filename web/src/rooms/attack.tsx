// The attack room: how far pixels must move until a network sees something else, with ε on a slider.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { ViewLink } from "../core/view";
import { Curve } from "../parts/beside";
import { Code } from "../parts/copy";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { useAsked, useTraceOf } from "./asked";
import { Others, programOf, Worth, type Other } from "./attack-others";
import { Answers, ClassChoice, ClassifierChoice, useClassifier } from "./classifier";
import { Choice, Room } from "./frame";
import { readingOf } from "./program";
import "./attack.css";

type Method = "fgsm" | "pgd" | "deep_fool" | "cw_l2" | "universal_perturbation" | "patch";

const METHODS: [Method, string][] = [["fgsm", "FGSM"], ["pgd", "PGD"], ["deep_fool", "DeepFool"], ["cw_l2", "Carlini–Wagner"], ["universal_perturbation", "One for all"], ["patch", "Patch"]];
const TEXTS: Record<Method, string> = {
  fgsm: "One step: every pixel moves by ε along the sign of the loss's gradient.",
  pgd: "Ten smaller steps, each with a gradient of its own, brought back into the ball of radius ε.",
  deep_fool: "The shortest way over the nearest border between two classes, in steps as if the borders were straight.",
  cw_l2: "A change as short as it can be found by minimising its length and the answer together: some seconds.",
  universal_perturbation: "One change for all pictures: where it does not work yet, the shortest further change is added. It is learnt once for each ε.",
  patch: "A sticker that is taken for one class wherever it lies. It is learnt once for each class.",
};

interface Answer {
  label: string;
  score: number;
}

/** What the server tells of an attack, beside its pictures. */
interface Told {
  before: Answer[];
  after: Answer[];
  largest: number;
  length: number;
  /** Of one change for many pictures: how it does on those that it was not made from. */
  others?: Other[];
  made_from?: number;
  tried_on?: number;
  works?: number;
  already?: number;
  pictures?: string;
  losses?: number[];
}

interface Sweep {
  radii: number[];
  labels: string[];
  lines: { label: string; probabilities: number[] }[];
}

const LEVELS = { low: 0, high: 16, step: 0.25, least: 0, most: 255, log: false };
const REST = 30; // milliseconds that the slider rests before it is asked
const LEARN_REST = 600; // the same, where a change must be learnt first

export default function AttackRoom() {
  const query = useRef(place.peek().query).current;
  const [name, setName] = useState(query.get("model") ?? "");
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:cat");
  const [method, setMethod] = useState<Method>(METHODS.map(([one]) => one).find((one) => one === query.get("method")) ?? "fgsm");
  const [levels, setLevels] = useState(query.has("eps") ? Number(query.get("eps")) || 0 : 2);
  const [target, setTarget] = useState(query.get("target") ?? "");
  const [seed, setSeed] = useState(query.has("seed") ? Number(query.get("seed")) || 0 : 0);
  const chosen = useClassifier(name, setName);
  const link = useMemo(() => new ViewLink(), []);
  const together = method === "universal_perturbation" || method === "patch";
  const bounded = method === "fgsm" || method === "pgd"; // ε is theirs to use up; the next two find out how far they must go
  const free = method === "universal_perturbation" || method === "deep_fool"; // they go to any class
  const goal = method === "patch" ? target || chosen.model?.classes[0] || "" : free ? "" : target;
  const path = `/api/attack/${encodeURIComponent(name)}`;
  const wanted = chosen.model && { input: image, method, target: goal };
  const one = useTraceOf(path, !together && wanted && (bounded ? { ...wanted, eps: levels / 255 } : wanted), REST);
  const many = useTraceOf(`${path}/together`, together && wanted && { ...wanted, ...(method === "patch" ? { seed } : { eps: levels / 255 }) }, LEARN_REST);
  const sweep = useAsked<Sweep>(`${path}/sweep`, bounded && wanted, 300);
  const found = together ? many : one;
  const trace = found.value?.method === `attack.${method}` ? found.value : null;
  const told = trace as unknown as Told | null;
  const [seen, change, attacked] = [0, 1, 2].map((i) => usePainted(trace, i));
  useEffect(() => {
    const next = new URLSearchParams({ model: name, image, method, eps: String(levels) });
    if (target) next.set("target", target);
    if (seed) next.set("seed", String(seed));
    keep(next);
  }, [name, image, method, levels, target, seed]);

  const own = (ref: string | null) => ref && setImage(ref);
  const lines = useMemo(() => (sweep.value?.lines ?? []).map((line) => ({ name: line.label, x: sweep.value!.radii.map((radius) => 255 * radius), y: line.probabilities })), [sweep.value]);
  const first = sweep.value?.labels[0];
  const tipped = sweep.value ? sweep.value.labels.findIndex((label) => (target ? label === target : label !== first)) : -1;
  const controls = (
    <>
      <ClassifierChoice chosen={chosen} value={name} onValue={(next) => { setName(next); setTarget(""); }} />
      <Picker label="Picture" value={image} onValue={own} />
      <Choice label="Attack" value={method} options={METHODS} onValue={setMethod} text={TEXTS[method]} />
      {!free && <ClassChoice label="To be taken for" model={chosen.model} value={goal} onValue={setTarget} {...(method === "patch" ? {} : { none: "anything else" })} text={method === "patch" ? "The class that the sticker is made for." : "A class to reach, or any but the first answer."} />}
      {method === "patch" && <Slider label="Place" value={seed} span={{ low: 0, high: 20, step: 1, least: 0, most: 1e9, log: false }} onValue={(next) => setSeed(Math.round(next))} text="Where it lies, how large and how turned: drawn anew for each number." />}
    </>
  );
  const aspect = seen ? seen.width / seen.height : 1;
  const [was, now] = [told?.before[0], told?.after[0]];
  const fooled = was && now && (goal ? now.label === goal : now.label !== was.label);
  const eps = Number((255 * Number(trace?.parameters["eps"] ?? 0)).toFixed(2));
  return (
    <Room
      title="Attack slider" lead="A change too small to see, in the one direction that hurts most: move ε, and watch the answer tip."
      methods={METHODS.map(([one]) => `attack.${one}`)} lesson={{ id: "w9d4", title: "Attack and defence" }} controls={controls} onPicture={own} error={chosen.error || found.error}
    >
      {chosen.rows?.length === 0 && <p>There is no trained network here yet. <a href="/rooms/cockpit">Train one in the cockpit</a>: LeNet-5 on handwritten digits takes about a minute.</p>}
      {was && now && (
        <p class="room-told" role="status" data-eps={eps.toFixed(2)} data-method={method} data-before={was.label} data-after={now.label} data-fooled={fooled}>
          {method === "patch" ? "With the sticker" : !together && !bounded ? `With a change of length ${told!.length.toPrecision(3)}` : <>At ε = {eps} of 255 levels</>} it says <b>{now.label}</b>, {(100 * now.score).toFixed(1)} % sure; {fooled ? <>before it was <b>{was.label}</b>.</> : <>{goal ? <>it is not taken for <b>{goal}</b> yet.</> : "the answer holds."}</>}
        </p>
      )}
      {!bounded && !trace && found.busy && <p class="hint" role="status">{together ? "It is learnt from pictures at hand, for this network: some seconds, of a large network a minute." : "The way is searched…"}</p>}
      <div class="attack-pictures">
        <figure><figcaption>What the network sees</figcaption><Picture painted={seen!} link={link} label="What the network sees" aspect={aspect} /></figure>
        <figure><figcaption>{method === "patch" ? "+ the sticker" : <>+ the change{told && told.largest > 0 ? `, magnified ${Math.round(0.5 / told.largest)}×` : ": none"}</>}</figcaption><Picture painted={change!} link={link} label="The change, magnified" aspect={aspect} bare /></figure>
        <figure><figcaption>= what it sees now</figcaption><Picture painted={attacked!} link={link} label="The attacked picture" aspect={aspect} bare /></figure>
      </div>
      {(bounded || method === "universal_perturbation") && <Slider label="ε, levels of 255" value={levels} span={LEVELS} onValue={setLevels} text="How far every pixel may move, up or down, of the 255 levels that it has." />}
      {together && trace && told?.others && <Worth told={told} goal={goal} busy={found.busy} />}
      <div class="room-pair stacked">
        <figure><figcaption>Answers before</figcaption><Answers label="Answers before" rows={told?.before ?? []} marked={was?.label ?? ""} /></figure>
        <figure><figcaption>Answers now</figcaption><Answers label="Answers now" rows={told?.after ?? []} marked={now?.label ?? ""} /></figure>
      </div>
      {together && trace && told?.others && <Others trace={trace} others={told.others} goal={goal} />}
      {!!told?.losses?.length && (
        <figure>
          <figcaption>The loss while the sticker was made: how unlike {goal} the pictures were that had it</figcaption>
          <Curve lines={[{ name: "loss", x: told.losses.map((_, i) => i + 1), y: told.losses }]} axes={["step", "cross-entropy"]} height={170} />
        </figure>
      )}
      {bounded && <figure data-swept={sweep.value && !sweep.busy ? sweep.value.radii.length : 0}>
        <figcaption>How sure it is, against ε. {sweep.busy ? "It is attacked at every radius…" : sweep.value && (tipped > 0 ? `It tips at ${Number((255 * sweep.value.radii[tipped]!).toFixed(2))} levels or sooner.` : tipped === 0 ? "It is there without a change." : `Up to ${Math.round(255 * sweep.value.radii.at(-1)!)} levels it holds.`)}</figcaption>
        {lines.length > 0 && <Curve lines={lines} axes={["ε, levels of 255", "probability"]} mark={Math.min(levels, 32)} onMark={(x) => setLevels(Math.max(0, Math.round(4 * x) / 4))} height={220} />}
      </figure>}
      {bounded && sweep.error && !found.error && <p class="error" role="alert">{sweep.error}</p>}
      <section aria-labelledby="same">
        <h2 id="same">The same as a program</h2>
        <Code language="python" label="the Python" text={program(name, chosen.rows?.find((row) => row.name === name)?.public ?? false, image, method, levels, goal, seed)} />
      </section>
    </Room>
  );
}

function program(name: string, open: boolean, image: string, method: Method, levels: number, target: string, seed: number): string {
  if (method === "universal_perturbation" || method === "patch") return programOf(open ? name : `runs/${name}`, readingOf(image), method, levels, target, seed);
  const wanted = target ? `, target=model.recipe.classes.index(${JSON.stringify(target)})` : "";
  return `import torch\nimport sightline as sl\n\nmodel = sl.load("${open ? name : `runs/${name}`}")\nseen = sl.to_float(model.recipe.form.prepare(${readingOf(image)}))\nfooled = sl.attack.${method}(model.model, seen${method === "fgsm" || method === "pgd" ? `, eps=${levels} / 255` : ""}${wanted})\nscores = model.model(torch.from_numpy(fooled).permute(2, 0, 1)[None])\nprint(model.recipe.classes[int(scores.argmax())])\n`;
}
