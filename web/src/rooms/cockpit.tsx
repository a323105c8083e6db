// The training cockpit: a training is started from here, its curves grow, it is stopped and resumed, looked into and asked.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post, type Json, type Parameter } from "../api";
import { Control } from "../controls/control";
import { Slider } from "../controls/slider";
import { Code } from "../parts/copy";
import { keep, place } from "../router";
import { Ask, readAsked } from "./cockpit-ask";
import { Examined } from "./cockpit-examined";
import { FolderChoice } from "./cockpit-folder";
import { Found } from "./cockpit-found";
import { GOING, useTraining, Watched, type Training } from "./cockpit-training";
import { Room } from "./frame";
import "./cockpit.css";

type Settings = Record<string, string | number | boolean>;

interface Setting extends Parameter {
  group: string;
}

interface Recipes {
  needs: string;
  recipes: { name: string; summary: string; paper: string }[];
  data: { name: string; title: string; images: number; classes: number }[];
  settings: Setting[];
}

const USUAL = ["learning_rate", "batch_size", "optimizer", "augment", "image_size", "mosaic"];

function readSettings(text: string | null): Settings {
  try {
    const found = JSON.parse(text ?? "{}") as unknown;
    return found && typeof found === "object" && !Array.isArray(found) ? found as Settings : {};
  } catch {
    return {}; // an address that was cut off
  }
}

export default function CockpitRoom() {
  const query = useRef(place.peek().query).current;
  const [recipes, setRecipes] = useState<Recipes | null>(null);
  const [recipe, setRecipe] = useState(query.get("recipe") ?? "classify/lenet5");
  const [data, setData] = useState(query.get("data") ?? "digits");
  const [epochs, setEpochs] = useState(Number(query.get("epochs")) || 10);
  const [settings, setSettings] = useState(() => readSettings(query.get("settings")));
  const [name, setName] = useState(query.get("run") ?? "");
  const [asked, setAsked] = useState(() => readAsked(query));
  const [known, setKnown] = useState<string[]>([]);
  const [all, setAll] = useState(false);
  const [error, setError] = useState("");
  const [turn, setTurn] = useState(0);
  const training = useTraining(name, turn, setError);

  useEffect(() => {
    get<Recipes>("/api/recipes").then(setRecipes, (problem: Error) => setError(problem.message));
  }, []);
  useEffect(() => {
    get<Training[]>("/api/trainings").then((rows) => {
      setKnown(rows.map((row) => row.name));
      const first = rows.find((row) => GOING.has(row.state)) ?? rows[0];
      if (first) setName((old) => old || first.name);
    }, (problem: Error) => setError(problem.message));
  }, [turn]);
  useEffect(() => {
    const next = new URLSearchParams({ recipe, data, epochs: String(epochs) });
    if (Object.keys(settings).length) next.set("settings", JSON.stringify(settings));
    if (name) next.set("run", name);
    if (asked) next.set("by", asked.by);
    if (asked?.image) next.set("image", asked.image);
    keep(next);
  }, [recipe, data, epochs, settings, name, asked]);

  const ask = async (path: string, body: unknown) => {
    setError("");
    try {
      setName((await post<{ name: string }>(path, body)).name);
      setTurn((old) => old + 1);
    } catch (problem) {
      setError((problem as Error).message);
    }
  };
  const going = training !== null && GOING.has(training.state);
  const chosen = recipes?.recipes.find((item) => item.name === recipe);
  const set = recipes?.data.find((item) => item.name === data);
  const boxed = recipe.startsWith("detect/"); // it learns from boxes on pictures, the others from a class for each
  const shown = (recipes?.settings ?? []).filter((item) => item.name !== "epochs" && ["engine", boxed ? "detect" : "classify"].includes(item.group) && item.kind !== "tuple" && (all || USUAL.includes(item.name)));
  const placed = !boxed || data.startsWith("file:");
  const change = (key: string, value: Json | undefined) => setSettings((old) => {
    const next = { ...old };
    if (value === undefined || value === null) delete next[key];
    else next[key] = value as string | number | boolean;
    return next;
  });

  const controls = (
    <>
      <div class="control">
        <label for="recipe">Recipe</label>
        <select id="recipe" value={recipe} onChange={(event) => setRecipe(event.currentTarget.value)}>
          {(recipes?.recipes ?? [{ name: recipe }]).map((item) => <option key={item.name} value={item.name}>{item.name}</option>)}
        </select>
        <p class="hint">{chosen ? `${chosen.summary} (${chosen.paper})` : "Which network is trained, and how."}</p>
      </div>
      <div class="control">
        <label for="data">Data</label>
        <select id="data" value={data} onChange={(event) => setData(event.currentTarget.value)}>
          {!boxed && (recipes?.data ?? []).map((item) => <option key={item.name} value={item.name}>{item.name}</option>)}
          {(boxed || !set) && <option value={data}>{placed ? data.replace(/^file:/, "") || "the lab's folder" : "none yet"}</option>}
        </select>
        <FolderChoice onFolder={(path) => setData(`file:${path}`)} {...(boxed ? { about: "The folder holds pictures with boxes: COCO, VOC, YOLO, CVAT or LabelMe." } : {})} />
        <p class="hint">{boxed ? <>A folder of pictures with boxes on them. <a href={`/rooms/annotate${placed ? `?folder=${encodeURIComponent(data)}` : ""}`}>Draw them on pictures of your own.</a></> : set ? `${set.title}: ${set.images} to train on, in ${set.classes} classes.` : "A folder with one folder of pictures for each class."}</p>
      </div>
      <Slider label="Epochs" value={epochs} span={{ low: 1, high: 50, step: 1, least: 1, most: 10_000, log: false }} onValue={(value) => setEpochs(Math.round(value))} text="How often it sees every training picture." />
      <p class="hint">What follows is chosen by the recipe after the data, unless you say otherwise.</p>
      {shown.map((item) => (
        <Control key={item.name} parameter={{ ...item, required: false, default: item.kind === "bool" ? item.default ?? false : null }} value={settings[item.name]} example={item.default} onValue={(value) => change(item.name, value)} />
      ))}
      <div class="row wrap">
        <button type="button" class="small" aria-expanded={all} onClick={() => setAll(!all)}>{all ? "Fewer settings" : "All settings"}</button>
      </div>
      {recipes?.needs && <p class="error" role="alert">{recipes.needs}</p>}
      <p><button type="button" class="primary" disabled={going || !recipes || recipes.needs !== "" || !placed} onClick={() => void ask("/api/trainings", { recipe, data, epochs, settings })}>Train</button></p>
      {going && <p class="hint">One training runs at a time: wait for {name}, or stop it.</p>}
    </>
  );
  const done = training && ["finished", "stopped"].includes(training.state) && training.metrics.length > 0;
  const source = data.replace(/^file:/, "");
  const extra = Object.entries(settings);
  return (
    <Room
      title="Training cockpit" lead="Choose a network and pictures with known answers, and watch it learn: the loss falls, the share of right answers on pictures it has never seen rises. Then look where it errs, and ask it."
      methods={[recipe.replace("/", "."), ...(boxed ? [] : ["explain.grad_cam"])]} lesson={boxed ? { id: "w7d4", title: "One stage" } : { id: "w4d3", title: "LeNet-5: convolution that learns" }} controls={controls} error={error}
    >
      <div class="cockpit-bar row wrap">
        <label class="inline">Training <select aria-label="Training" value={name} onChange={(event) => { setError(""); setName(event.currentTarget.value); }}>
          {!name && <option value="">none yet</option>}
          {[...new Set([...(name ? [name] : []), ...known])].map((item) => <option key={item} value={item}>{item}</option>)}
        </select></label>
        {going && <button type="button" disabled={training.state === "stopping"} onClick={() => void post(`/api/trainings/${name}/stop`, {}).catch((problem: Error) => setError(problem.message))}>Stop</button>}
        {training?.state === "stopped" && <button type="button" onClick={() => void ask(`/api/trainings/${name}/resume`, {})}>Resume</button>}
        <button type="button" class="narrow" onClick={() => document.getElementById("recipe")?.focus()}>New training</button>
        {training?.state === "finished" && <a class="button" href={`/runs/${name}`}>Settings and report</a>}
      </div>
      {training ? <Watched training={training} /> : <p>No training yet. “Train” starts one: LeNet-5 on 1,438 handwritten digits takes about a minute.</p>}
      {done && training.recipe?.startsWith("detect/") && <Found key={`found ${name} ${training.metrics.length}`} run={name} folder={data.startsWith("file:") ? data.slice(5) : null} />}
      {done && !training.recipe?.startsWith("detect/") && (
        <>
          <Ask key={`ask ${name} ${training.metrics.length}`} run={name} recipe={training.recipe ?? ""} digits={training.data === "digits"} asked={asked} onAsked={setAsked} />
          <Examined key={`seen ${name} ${training.metrics.length}`} run={name} />
        </>
      )}
      <section aria-labelledby="same">
        <h2 id="same">The same as a program</h2>
        <Code language="python" label="the Python" text={`import sightline as sl\n\nrun = sl.train.train("${recipe}", "${source}", epochs=${epochs}${extra.map(([key, value]) => `, ${key}=${typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value)}`).join("")})\nprint(run.evaluate()["${boxed ? "map50" : "accuracy"}"])\n`} />
        <Code label="the command line" text={`sightline train ${recipe} ${source} --epochs ${epochs}${extra.map(([key, value]) => ` ${key}=${value}`).join("")}`} />
      </section>
    </Room>
  );
}
