// The model inspector: what a trained network sees, what its layers make of it, who attends to whom, and what speaks for a class.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, post } from "../api";
import type { RunRow } from "../pages/runs";
import { Code } from "../parts/copy";
import { Picker } from "../parts/picker";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { picture } from "../state";
import { Choice, Room } from "./frame";
import { Lens } from "./inspector-lens";
import { Atlas, LayerList, Large } from "./inspector-layers";
import { boxOf, firstLayer, heatRaster, placed, tileOf, useTraced, valuesOf, type Place, type Told } from "./inspector-model";
import { PictureMap, type Laid } from "./inspector-map";
import { Seen, WAYS, type Way } from "./inspector-seen";
import { readingOf } from "./program";
import "./cockpit.css";
import "./inspector.css";

interface TestPicture {
  ref: string;
  label: string;
  index: number;
  count: number;
  split: string;
}

type Run = RunRow & { weights?: boolean; error?: string };

const whole = (text: string | null) => (/^\d+$/.test(text ?? "") ? Number(text) : null);

function pair(text: string | null): Place | null {
  return /^\d+,\d+$/.test(text ?? "") ? (text!.split(",").map(Number) as Place) : null;
}

export default function InspectorRoom() {
  const query = useRef(place.peek().query).current;
  const [runs, setRuns] = useState<Run[] | null>(null);
  const [run, setRun] = useState(query.get("run") ?? "");
  const [image, setImage] = useState(query.get("image") ?? picture.peek() ?? "sample:cat");
  const [source, setSource] = useState<"test" | "own">(query.has("image") ? "own" : "test");
  const [index, setIndex] = useState(whole(query.get("test")) ?? 0);
  const [test, setTest] = useState<TestPicture | null>(null);
  const [told, setTold] = useState<{ of: string; model: Told } | null>(null);
  const [target, setTarget] = useState(query.get("target") ?? "");
  const [way, setWay] = useState<Way | "">(WAYS.map(([name]) => name).find((name) => name === query.get("by")) ?? "");
  const [layer, setLayer] = useState(query.get("layer") ?? "");
  const [map, setMap] = useState<number | null>(whole(query.get("map")));
  const [at, setAt] = useState<Place | null>(pair(query.get("at")));
  const [block, setBlock] = useState<number | null>(whole(query.get("block")));
  const [patch, setPatch] = useState<number | null>(whole(query.get("patch")));
  const [sanity, setSanity] = useState(query.get("sanity") === "1");
  const [laid, setLaid] = useState<Laid>((["pca", "tsne"] as const).find((one) => one === query.get("laid")) ?? "");
  const [mapped, setMapped] = useState<"test" | "samples">(query.get("of") === "samples" ? "samples" : "test");
  const [error, setError] = useState("");

  useEffect(() => {
    get<Run[]>("/api/runs").then((rows) => {
      const usable = rows.filter((row) => !row.error && row.weights !== false && row.recipe.startsWith("classify/"));
      setRuns(usable);
      setRun((old) => old || usable[0]?.name || "");
    }, (problem: Error) => setError(problem.message));
  }, []);
  useEffect(() => {
    if (!run) return;
    let here = true;
    get<Told>(`/api/inspect/${run}`).then(
      (model) => { if (here) { setTold({ of: run, model }); setError(""); } },
      (problem: Error) => here && setError(problem.message),
    );
    return () => { here = false; };
  }, [run]);
  useEffect(() => {
    if (!run || source !== "test") return;
    let here = true;
    post<TestPicture>(`/api/inspect/${run}/picture`, { index }).then(
      (found) => { if (here) { setTest(found); setError(""); } },
      (problem: Error) => { if (here) { setError(problem.message); setSource("own"); } },
    );
    return () => { here = false; };
  }, [run, source, index]);

  const model = told?.of === run ? told.model : null;
  const input = source === "own" ? image : test?.ref ?? null;
  const chosen = model ? model.layers.find((item) => item.name === layer) ?? model.layers.find((item) => item.name === firstLayer(model.layers)) ?? null : null;
  const maps = useTraced(`/api/inspect/${run}/maps`, model && chosen && input ? { input, layer: chosen.name } : null);
  const seen = usePainted(maps.trace, 0)?.under ?? null;
  // the tiles of an answer belong to the layer that the answer names, which may be the one before
  const drawn = model?.layers.find((item) => item.name === maps.trace?.steps[1]?.name) ?? null;
  const tiles = useMemo(() => valuesOf(maps.trace, 1), [maps.trace]);
  const { indices = [], of = 0 } = (maps.trace ?? {}) as { indices?: number[]; of?: number };
  const raster = useMemo(() => {
    const tile = map === null ? -1 : indices.indexOf(map);
    return drawn && tiles && tile >= 0 && placed(drawn) ? heatRaster(tileOf(tiles, tile), tiles.shape[2]!, tiles.shape[1]!) : null;
  }, [tiles, map, drawn]);
  const spot: Place = raster ? [Math.min(at?.[0] ?? Math.floor(raster.height / 2), raster.height - 1), Math.min(at?.[1] ?? Math.floor(raster.width / 2), raster.width - 1)] : [0, 0];
  const box = model && drawn && raster ? boxOf(drawn, spot, model) : null;
  const recipe = runs?.find((item) => item.name === run);
  const lit: Way = way || (model?.layers.some(placed) ? "grad_cam" : "saliency");

  useEffect(() => {
    const next = new URLSearchParams();
    if (run) next.set("run", run);
    if (source === "own") next.set("image", image);
    else next.set("test", String(index));
    if (target) next.set("target", target);
    if (way) next.set("by", way);
    if (layer) next.set("layer", layer);
    if (map !== null) next.set("map", String(map));
    if (at && map !== null) next.set("at", at.join());
    if (block !== null) next.set("block", String(block));
    if (patch !== null) next.set("patch", String(patch));
    if (sanity) next.set("sanity", "1");
    if (laid) next.set("laid", laid);
    if (mapped === "samples") next.set("of", mapped);
    keep(next);
  }, [run, source, image, index, target, way, layer, map, at, block, patch, sanity, laid, mapped]);

  const turn = (name: string) => {
    setRun(name);
    setTarget("");
    setWay("");
    setLayer("");
    setMap(null);
    setBlock(null);
    setPatch(null);
  };
  const own = (ref: string | null) => {
    if (!ref) return;
    setImage(ref);
    setSource("own");
    setTarget("");
  };
  const next = (by: number) => {
    const count = test?.count ?? 1;
    setIndex(((index + by) % count + count) % count);
    setTarget("");
  };
  const controls = (
    <>
      <div class="control">
        <label for="inspected">Run</label>
        <select id="inspected" value={run} onChange={(event) => turn(event.currentTarget.value)}>
          {!runs?.some((item) => item.name === run) && <option value={run}>{run || "none yet"}</option>}
          {runs?.map((item) => <option key={item.name} value={item.name}>{item.name}</option>)}
        </select>
        <p class="hint">{recipe ? `${recipe.recipe} on ${recipe.data}` : "A trained classifier under the lab's folder."}{model && `: ${model.parameters.toLocaleString("en")} weights in ${model.layers.length} layers of note.`}</p>
      </div>
      <Choice label="Look at" value={source} options={[["test", "A test picture"], ["own", "Another picture"]]} onValue={(value) => { setSource(value); setTarget(""); }} text={source === "test" ? "It was held back in training: the network has never seen it." : "Of anything it says which of its classes it looks like."} />
      {source === "own" ? <Picker label="Picture" value={image} onValue={own} /> : (
        <div class="control">
          <div class="control-head">
            <label for="test-picture">Test picture</label>
            <input id="test-picture" class="number" type="number" min={0} max={test ? test.count - 1 : 0} step={1} value={index} onChange={(event) => { const value = Math.round(Number(event.currentTarget.value)); if (value >= 0) { setIndex(value); setTarget(""); } }} />
          </div>
          <div class="row wrap">
            <button type="button" class="small" onClick={() => next(-1)}>Previous</button>
            <button type="button" class="small" onClick={() => next(1)}>Next</button>
            <button type="button" class="small" onClick={() => next(1 + Math.floor(Math.random() * Math.max(1, (test?.count ?? 1) - 1)))}>Any</button>
          </div>
          <p class="hint">{test ? `Of ${test.count} in the split “${test.split}”.` : "The data is opened…"}</p>
        </div>
      )}
    </>
  );
  const none = runs !== null && !runs.length && !run;
  return (
    <Room
      title="Model inspector" lead="Open a trained network: what it sees, what every layer makes of it, which pixels a unit can see at all, and what speaks for the answer."
      methods={["explain.feature_maps", "explain.receptive_field", "explain.grad_cam", "explain.sanity_check", "explain.embedding_plot", ...(model?.attention ? ["explain.attention_map"] : [])]} lesson={{ id: "w5d6", title: "Look inside a network" }} controls={controls} onPicture={own} error={error}
    >
      {none && <p>There is no trained network here yet. <a href="/rooms/cockpit">Train one in the cockpit</a>: LeNet-5 on handwritten digits takes about a minute.</p>}
      {!none && !model && !error && <p role="status" class="hint">The network is loaded…</p>}
      {model && (
        <>
          <Seen run={run} input={input} seen={seen} truth={source === "test" && test?.index === index ? test.label : ""} target={target} onTarget={setTarget} way={lit} onWay={setWay} box={drawn?.field ? box : null} attends={!!model.attention} sanity={sanity} onSanity={setSanity} />
          <section aria-labelledby="layers">
            <h2 id="layers">Layers</h2>
            <div class="inspector-bench" data-layer={maps.fresh && drawn ? drawn.name : ""}>
              <LayerList layers={model.layers} value={chosen?.name ?? ""} onValue={(name) => { setLayer(name); setMap(null); setAt(null); }} />
              {drawn && tiles && <Atlas layer={drawn} tiles={tiles} indices={indices} of={of} value={map} onValue={setMap} classes={model.classes} />}
            </div>
            {maps.error && <p class="error" role="alert">{maps.error}</p>}
            {drawn && raster && box && <Large layer={drawn} raster={raster} index={map!} at={spot} onAt={setAt} seen={seen} box={box} />}
          </section>
          {model.attention && <Lens run={run} input={input} told={model} attention={model.attention} seen={seen} block={block ?? model.attention.layers - 1} onBlock={setBlock} patch={patch} onPatch={setPatch} />}
          <PictureMap run={run} laid={laid} onLaid={setLaid} of={mapped} onOf={setMapped} />
        </>
      )}
      {run && (
        <section aria-labelledby="same">
          <h2 id="same">The same as a program</h2>
          <Code language="python" label="the Python" text={program(run, source === "own" ? readingOf(image) : test?.split === "test" && recipe ? `sl.data.open_dataset("${recipe.data}").test[${test.index}][0]` : `sl.read("photo.png")`, chosen?.name ?? "", lit, target)} />
        </section>
      )}
    </Room>
  );
}

/** The room in three lines, and the class that was chosen in one more. */
function program(run: string, photo: string, layer: string, way: Way, target: string): string {
  const why = way === "none" || !target ? "" : `sl.show(sl.explain.${way}(run.model, seen, run.recipe.classes.index(${JSON.stringify(target)})))\n`;
  return `import sightline as sl\n\nrun = sl.load("runs/${run}")\nseen = run.recipe.form.prepare(${photo})\nsl.show(sl.explain.feature_maps(run.model, seen, "${layer}").draw("${layer}"))\n${why}`;
}
