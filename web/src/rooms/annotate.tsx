// The annotation room: boxes drawn on the pictures of an own folder become a set to train a detector on.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { pictureUrl } from "../api";
import { Slider } from "../controls/slider";
import { colourOf } from "../core/colour";
import { Code } from "../parts/copy";
import { Icon } from "../parts/icon";
import { Picture } from "../parts/picture";
import { usePicture } from "../parts/use-painted";
import { keep, place } from "../router";
import { BoxTool, fitted, type Box } from "./annotate-boxes";
import { useKept, type Drawn } from "./annotate-kept";
import { viewOf } from "./asked";
import { FolderChoice } from "./cockpit-folder";
import { Room } from "./frame";
import "./annotate.css";

const LEAST = 4; // pictures that a detector can begin to learn from
const SIDES = ["Left", "Top", "Right", "Bottom"] as const;

export default function AnnotateRoom() {
  const query = useRef(place.peek().query).current;
  const [path, setPath] = useState(query.get("folder") ?? "");
  const [at, setAt] = useState(query.get("picture") ?? "");
  const [chosen, setChosen] = useState<number | null>(null);
  const [label, setLabel] = useState(0);
  const [word, setWord] = useState("");
  const kept = useKept(path);
  const { folder } = kept;
  const tool = useRef(new BoxTool()).current;
  const index = Math.max(0, folder?.pictures.findIndex((one) => one.name === at) ?? 0);
  const drawn = folder?.pictures[index] ?? null;
  const raster = usePicture(drawn?.ref);
  useEffect(() => {
    const next = new URLSearchParams();
    if (path) next.set("folder", path);
    if (drawn) next.set("picture", drawn.name);
    keep(next);
  }, [path, drawn?.name]);

  const boxes = drawn?.boxes ?? [];
  const classes = folder?.classes ?? [];
  const fixed = !folder || folder.form !== "";
  const write = (next: Box[] | null, pick: number | null = null) => {
    if (!folder || !drawn || fixed) return;
    setChosen(pick);
    if (next !== drawn.boxes) kept.change({ classes, pictures: folder.pictures.map((one) => (one.name === drawn.name ? { ...one, boxes: next } : one)) });
  };
  const go = (by: number) => {
    if (!folder?.pictures.length) return;
    setChosen(null);
    setAt(folder.pictures[(index + by + folder.pictures.length) % folder.pictures.length]!.name);
  };
  const name = (number: number) => {
    setLabel(number);
    if (chosen !== null && boxes[chosen]) write(boxes.map((box, i) => (i === chosen ? [box[0], box[1], box[2], box[3], number] : box)), chosen);
  };
  const add = () => {
    const fresh = word.trim();
    if (!fresh || classes.includes(fresh) || !folder) return;
    kept.change({ classes: [...classes, fresh], pictures: folder.pictures });
    setLabel(classes.length);
    setWord("");
  };
  useKeys({ Delete: () => chosen !== null && write(boxes.filter((_, i) => i !== chosen)), Backspace: () => chosen !== null && write(boxes.filter((_, i) => i !== chosen)), n: () => go(1), p: () => go(-1), digit: (number) => number <= classes.length && name(number - 1) });
  const size: [number, number] = [drawn?.width ?? 1, drawn?.height ?? 1];
  tool.set({ boxes, chosen, names: classes, size, label, onBoxes: write });
  const painted = useMemo(() => viewOf(drawn?.name ?? "", raster, size), [raster, size.join(), drawn?.name]);
  const done = folder?.pictures.filter((one) => one.boxes) ?? [];
  const total = done.reduce((sum, one) => sum + one.boxes!.length, 0);
  const source = path.replace(/^file:/, "");

  const folderChoice = <FolderChoice onFolder={(next) => { setPath(`file:${next}`); setAt(""); setChosen(null); }} about="The folder holds the pictures to draw on. The boxes are kept in it, as annotations/instances.json." verb="Draw on" />;
  const controls = (
    <>
      <div class="control">
        <span class="label">Folder</span>
        <p class="row wrap"><b>{path ? source || "the lab's folder" : "none yet"}</b> {path && folderChoice}</p>
        {folder?.form && <p class="error" role="alert">It is annotated as {folder.form} already: its boxes are shown, and can be trained on. To change them here, write it anew: <code>sightline data convert {source} {source}-coco --to coco</code></p>}
      </div>
      {folder && (
        <div class="control" role="group" aria-label="Classes">
          <span class="label">Classes</span>
          <div class="segments">
            {classes.map((one, i) => <button type="button" class="small" key={one} aria-pressed={i === label} onClick={() => name(i)}><span class="ink" style={{ background: colourOf(i) }} /> {one}</button>)}
          </div>
          {!fixed && (
            <form class="row" onSubmit={(event) => { event.preventDefault(); add(); }}>
              <input type="text" aria-label="New class" placeholder="new class" value={word} onInput={(event) => setWord(event.currentTarget.value)} />
              <button type="submit" class="small" disabled={!word.trim() || classes.includes(word.trim())}>Add</button>
            </form>
          )}
          <p class="hint">{classes.length ? "Drag over the picture to draw a box of the chosen class. A click chooses a box; drag it, or its rim. 1, 2 … name it, Delete takes it away, n and p turn the page." : "Name first what you look for."}</p>
        </div>
      )}
      {drawn && chosen !== null && boxes[chosen] && !fixed && (
        <div class="control" role="group" aria-label="The chosen box">
          <span class="label">The chosen box</span>
          {SIDES.map((side, i) => <Slider key={side} label={side} value={boxes[chosen]![i]!} span={{ low: 0, high: size[i % 2]!, step: 1, least: 0, most: size[i % 2]!, log: false }} onValue={(value) => write(boxes.map((box, k) => (k === chosen ? fitted(box.map((old, side) => (side === i ? value : old)) as Box, size) : box)), chosen)} />)}
          <button type="button" class="small" onClick={() => write(boxes.filter((_, i) => i !== chosen))}>Take it away</button>
        </div>
      )}
    </>
  );
  return (
    <Room
      title="Annotate and train" lead="Draw boxes on pictures of your own, train a detector on them, and ask it about a picture that it has never seen."
      methods={["detect.yolo"]} lesson={{ id: "w7d4", title: "One stage" }} controls={controls} error={kept.error}
    >
      {!path && <><p>Choose a folder with your pictures. Start the lab with <code>--root DIR</code> on the folder above it.</p><p>{folderChoice}</p></>}
      {folder && !folder.pictures.length && <p>No pictures here. Choose a folder that holds some.</p>}
      {folder && drawn && (
        <>
          <p class="room-told" role="status" data-state={kept.state} data-boxes={total} data-pictures={done.length}>
            <b>{total}</b> {total === 1 ? "box" : "boxes"} on <b>{done.length}</b> of {folder.pictures.length} pictures. {fixed ? "" : { opening: "", keeping: "Keeping…", kept: total ? "All is kept." : "", failed: "Not kept." }[kept.state]}
          </p>
          <div class="row wrap annotate-bar">
            <button type="button" class="small" onClick={() => go(-1)}>Previous</button>
            <button type="button" class="small" onClick={() => go(1)}>Next</button>
            <span class="annotate-name">{drawn.name}</span>
            {!fixed && classes.length > 0 && <button type="button" class="small" onClick={() => write([...boxes, fitted([size[0] / 3, size[1] / 3, (2 * size[0]) / 3, (2 * size[1]) / 3, label], size)], boxes.length)}>Add a box</button>}
            {!fixed && classes.length > 0 && (boxes.length ? <button type="button" class="small" onClick={() => write(null)}>Start over</button> : <button type="button" class="small" aria-pressed={drawn.boxes !== null} onClick={() => write(drawn.boxes ? null : [])}>Nothing on it</button>)}
          </div>
          <Picture painted={painted} label="The picture to draw on" tool={fixed || !classes.length ? SHOWN(tool) : tool} tick={`${JSON.stringify(boxes)} ${chosen} ${classes.join()}`} aspect={size[0] / size[1]} />
          <Pages pictures={folder.pictures} value={drawn.name} onValue={(next) => { setAt(next); setChosen(null); }} />
          <p class="row wrap">
            {done.length >= LEAST ? <a class="button primary" href={`/rooms/cockpit?${new URLSearchParams({ recipe: "detect/yolo", data: `file:${source}`, epochs: "60" })}`}>Train a detector on it</a> : <span class="hint">With {LEAST} pictures a detector can begin to learn; with 50 to 200 it becomes useful.</span>}
          </p>
          <section aria-labelledby="same">
            <h2 id="same">The same as a program</h2>
            <Code language="python" label="the Python" text={`import sightline as sl\n\nphotos = sl.data.open_detection_set("${source || "."}")\nrun = sl.train.train("detect/yolo", photos, epochs=60)\nprint(run.predict("${source ? `${source}/` : ""}${drawn.name}").to_json())\n`} />
            <Code label="the command line" text={`sightline train detect/yolo ${source || "."} --epochs 60`} />
          </section>
        </>
      )}
    </Room>
  );
}

/** The tool's boxes to look at, with the pointer left to the view. */
function SHOWN(tool: BoxTool): BoxTool {
  const shown = Object.create(tool) as BoxTool;
  return Object.assign(shown, { cursor: "", down: () => {}, move: () => {}, up: () => {} });
}

function Pages({ pictures, value, onValue }: { pictures: Drawn[]; value: string; onValue: (name: string) => void }) {
  return (
    <ul class="annotate-pages" aria-label="Pictures of the folder">
      {pictures.map((one) => (
        <li key={one.name}>
          <button type="button" class="plain" aria-pressed={one.name === value} title={one.name} onClick={() => onValue(one.name)}>
            <img src={pictureUrl(one.ref, 96)} alt={one.name} loading="lazy" width={72} height={54} />
            <small>{one.boxes === null ? "not yet" : one.boxes.length ? `${one.boxes.length} ${one.boxes.length === 1 ? "box" : "boxes"}` : <><Icon name="check" /> nothing</>}</small>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Keys that mean something in the whole room, while nothing is typed. */
function useKeys(keys: Record<"Delete" | "Backspace" | "n" | "p", () => unknown> & { digit: (number: number) => unknown }): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || (event.target as HTMLElement).closest("input, select, textarea, dialog")) return;
      const now = latest.current;
      if (/^[1-9]$/.test(event.key)) now.digit(Number(event.key));
      else if (event.key === "Delete" || event.key === "Backspace" || event.key === "n" || event.key === "p") now[event.key]();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}
