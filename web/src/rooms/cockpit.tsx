// The training cockpit: a training is started from here, its curves grow, it is stopped and resumed, looked into and asked.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post, type Json, type Parameter } from "../api";
import { Control } from "../controls/control";
import { Slider } from "../controls/slider";
import { Curves } from "../pages/run-page";
import { Code } from "../parts/copy";
import { keep, place } from "../router";
import { Ask, readAsked } from "./cockpit-ask";
import { Examined } from "./cockpit-examined";
import { FolderChoice } from "./cockpit-folder";
import { Room } from "./frame";
import "./cockpit.css";

type Row = Record<string, number | string | null>;
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

interface Training {
  name: string;
  state: "starting" | "running" | "stopping" | "finished" | "stopped" | "failed" | "broken";
  recipe?: string;
  data?: string;
  /** How many epochs there are to be. */
  of?: number;
  metrics: Row[];
  log: string[];
  error?: string;
}

const USUAL = ["learning_rate", "batch_size", "optimizer", "augment"];
const GOING = new Set(["starting", "running", "stopping"]);
const SAID: Record<Training["state"], string> = {
  starting: "Starting: torch is loaded and the data is read.", running: "Running.", stopping: "Stopping: the weights are saved.",
  finished: "Finished.", stopped: "Stopped. All is saved, and it can go on where it was.", failed: "It failed.", broken: "Its files cannot be read.",
};

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
  const shown = (recipes?.settings ?? []).filter((item) => item.name !== "epochs" && item.kind !== "tuple" && (all || USUAL.includes(item.name)));
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
          {(recipes?.data ?? []).map((item) => <option key={item.name} value={item.name}>{item.name}</option>)}
          {!set && <option value={data}>{data.replace(/^file:/, "")}</option>}
        </select>
        <FolderChoice onFolder={(path) => setData(`file:${path}`)} />
        <p class="hint">{set ? `${set.title}: ${set.images} to train on, in ${set.classes} classes.` : "A folder with one folder of pictures for each class."}</p>
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
      <p><button type="button" class="primary" disabled={going || !recipes || recipes.needs !== ""} onClick={() => void ask("/api/trainings", { recipe, data, epochs, settings })}>Train</button></p>
      {going && <p class="hint">One training runs at a time: wait for {name}, or stop it.</p>}
    </>
  );
  const source = data.replace(/^file:/, "");
  const extra = Object.entries(settings);
  return (
    <Room
      title="Training cockpit" lead="Choose a network and pictures with known answers, and watch it learn: the loss falls, the share of right answers on pictures it has never seen rises. Then look where it errs, and ask it."
      methods={[recipe.replace("/", "."), "explain.grad_cam"]} lesson={{ id: "w4d3", title: "LeNet-5: convolution that learns" }} controls={controls} error={error}
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
      {training && ["finished", "stopped"].includes(training.state) && training.metrics.length > 0 && (
        <>
          <Ask key={`ask ${name} ${training.metrics.length}`} run={name} recipe={training.recipe ?? ""} digits={training.data === "digits"} asked={asked} onAsked={setAsked} />
          <Examined key={`seen ${name} ${training.metrics.length}`} run={name} />
        </>
      )}
      <section aria-labelledby="same">
        <h2 id="same">The same as a program</h2>
        <Code language="python" label="the Python" text={`import sightline as sl\n\nrun = sl.train.train("${recipe}", "${source}", epochs=${epochs}${extra.map(([key, value]) => `, ${key}=${typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value)}`).join("")})\nprint(run.evaluate()["accuracy"])\n`} />
        <Code label="the command line" text={`sightline train ${recipe} ${source} --epochs ${epochs}${extra.map(([key, value]) => ` ${key}=${value}`).join("")}`} />
      </section>
    </Room>
  );
}

function Watched({ training }: { training: Training }) {
  const { state, metrics, of, log } = training;
  const last = metrics.at(-1);
  const right = last && typeof last["val_accuracy"] === "number" ? ` ${(100 * last["val_accuracy"]).toFixed(1)} % of the validation pictures are right.` : "";
  return (
    <section aria-label="Progress">
      <p class="cockpit-state" role="status" data-state={state} data-epochs={metrics.length}><b>{SAID[state]}</b> {of ? `Epoch ${metrics.length} of ${of}.` : ""}{right}</p>
      {of && <progress max={of} value={metrics.length} aria-label="Epochs done" />}
      {training.error && <p class="error" role="alert">{training.error}</p>}
      {metrics.length > 0 && <Curves rows={metrics} />}
      {log.length > 0 && <details open={state === "starting" || state === "failed"}><summary>What it says</summary><pre class="doc" tabIndex={0}>{log.slice(-30).join("\n")}</pre></details>}
    </section>
  );
}

/** A training as it goes: told once, then event by event. */
function useTraining(name: string, turn: number, onError: (text: string) => void): Training | null {
  const [told, setTold] = useState<Training | null>(null);
  useEffect(() => {
    setTold(null);
    if (!name) return;
    let here = true;
    let events: EventSource | null = null;
    const tell = () => get<Training>(`/api/trainings/${name}`).then((found) => here && setTold((old) => ({ ...found, metrics: old && old.metrics.length > found.metrics.length ? old.metrics : found.metrics })));
    const follow = () => {
      if (!here) return;
      events = new EventSource(`/api/trainings/${name}/events`);
      events.addEventListener("row", (event) => {
        const row = JSON.parse((event as MessageEvent<string>).data) as Row;
        // a connection tells all rows from the first one on
        setTold((old) => old && (Number(row["epoch"]) > Number(old.metrics.at(-1)?.["epoch"] ?? 0) ? { ...old, metrics: [...old.metrics, row] } : old));
      });
      events.addEventListener("state", (event) => {
        const { state } = JSON.parse((event as MessageEvent<string>).data) as Training;
        setTold((old) => old && { ...old, state });
        if (state !== "starting") void tell().catch(() => {});
      });
      events.addEventListener("end", () => events?.close());
    };
    tell().then(follow, (problem: Error) => here && onError(problem.message));
    const timer = setInterval(() => events && events.readyState !== EventSource.CLOSED && void get<Training>(`/api/trainings/${name}`).then(
      ({ log, of }) => here && setTold((old) => old && { ...old, log, of: of ?? old.of! }), () => {},
    ), 2000);
    return () => {
      here = false;
      clearInterval(timer);
      events?.close();
    };
  }, [name, turn]);
  return told?.name === name ? told : null; // for a moment it is still the one before
}
