// The first page: the field as a map of floors and folders, and its methods in a list to narrow down.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { methods, type Field, type MethodRow } from "../api";
import { hueOf, setTasks } from "../parts/tasks";
import { Icon } from "../parts/icon";
import { go, keep, place } from "../router";

const FLOORS: Record<number, string> = {
  6: "looking into models", 5: "fields of vision", 4: "training", 3: "data and networks", 2: "measures", 1: "the pixel grid",
};

/** Whether a row fits the words; names count most, so results are sorted by this. */
export function score(row: MethodRow, words: string[]): number {
  const name = row.name.replace(/_/g, " ");
  const all = `${name} ${row.name} ${row.field} ${row.task} ${row.summary} ${row.paper} ${row.year ?? ""} ${row.lesson}`.toLowerCase();
  let found = 1;
  for (const word of words) {
    if (!all.includes(word)) return 0;
    found += row.name === word ? 20 : row.name.startsWith(word) ? 8 : name.includes(word) ? 5 : row.task.includes(word) ? 3 : 1;
  }
  return found;
}

export const wordsOf = (text: string) => text.toLowerCase().split(/\s+/).filter(Boolean);

export function MapPage() {
  const [fields, setFields] = useState<Field[]>([]);
  const [error, setError] = useState("");
  const [text, setText] = useState(place.peek().query.get("q") ?? "");
  useEffect(() => {
    document.title = "Sightline lab";
    methods().then((found) => {
      setTasks(found.flatMap((field) => field.methods.map((row) => row.task)));
      setFields(found);
    }, (problem: Error) => setError(problem.message));
  }, []);
  useEffect(() => keep(new URLSearchParams(text ? { q: text } : {})), [text]);
  const rows = useMemo(() => fields.flatMap((field) => field.methods), [fields]);
  const words = wordsOf(text);
  const found = useMemo(() => {
    const hits = rows.map((row) => [score(row, words), row] as const).filter(([points]) => points > 0);
    return words.length ? hits.sort((x, y) => y[0] - x[0]).map(([, row]) => row) : hits.map(([, row]) => row);
  }, [rows, text]);
  const hit = new Set(found);
  return (
    <main class="page map-page">
      <div class="hero">
        <h1>Watch computer vision work</h1>
        <p class="lead">{rows.length || "…"} methods, each live on your own picture: turn its dials, walk through its steps, read the code that runs.</p>
        <form role="search" onSubmit={(event) => { event.preventDefault(); const row = found[0]; if (row && text) go(`/method/${row.field}.${row.name}`); }}>
          <label class="search">
            <Icon name="search" /><span class="sr">Search the methods</span>
            <input id="search" type="search" placeholder="Search: edges, Canny, 1986, morphology…" value={text} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
            <kbd aria-hidden="true">/</kbd>
          </label>
          <p class="hint" role="status">{text ? `${found.length} of ${rows.length} methods; Enter opens the first` : "Drop a picture anywhere to start with your own."}</p>
        </form>
      </div>
      {error && <p class="error" role="alert">{error}</p>}
      <FloorMap fields={fields} hit={words.length ? hit : null} />
      <Lists rows={found} grouped={!words.length} />
    </main>
  );
}

/** Floors from the top of the house to its ground; every tile is a method, its colour is its task. */
function FloorMap({ fields, hit }: { fields: Field[]; hit: Set<MethodRow> | null }) {
  const box = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const [told, setTold] = useState<MethodRow | null>(null);
  const floors = [...new Set(fields.map((field) => field.floor))].sort((a, b) => b - a);
  let count = 0;
  const key = (event: KeyboardEvent) => {
    const by: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1, Home: -1e6, End: 1e6 };
    const step = by[event.key];
    const tiles = box.current!.querySelectorAll<HTMLElement>("a.tile");
    if (!step) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(tiles.length - 1, active + step));
    setActive(next);
    tiles[next]!.focus();
  };
  return (
    <section class="floor-map" aria-label="Map of the field: arrow keys go from method to method" ref={box} onKeyDown={key} onPointerLeave={() => setTold(null)}>
      {floors.map((floor) => (
        <div class="floor" key={floor}>
          <div class="floor-name"><b>{floor}</b> <span>{FLOORS[floor] ?? ""}</span></div>
          <div class="folders">
            {fields.filter((field) => field.floor === floor).map((field) => (
              <div class="folder" key={field.name}>
                <h2>{field.title} <small>{field.methods.length}</small></h2>
                <div class="groups">
                  {byTask(field.methods).map(([task, group]) => (
                    <div class="group" key={task} style={{ "--hue": hueOf(task) }}>
                      <span class="group-name" aria-hidden="true">{task}</span>
                      <div class="tiles">
                        {group.map((row) => {
                          const index = count++;
                          return (
                            <a
                              class={`tile${hit && !hit.has(row) ? " dim" : ""}`} key={row.name} href={`/method/${row.field}.${row.name}`}
                              aria-label={`${row.name}, ${row.task}`} tabIndex={index === active ? 0 : -1} onFocus={() => { setActive(index); setTold(row); }} onPointerEnter={() => setTold(row)}
                            />
                          );
                        })}
                      </div>
                    </div>
                  ))}
                </div>
              </div>
            ))}
          </div>
        </div>
      ))}
      <p class="told" aria-live="polite">{told ? <><b>{told.name}</b> · {told.task} · {told.paper}: {told.summary.replace(/`/g, "")}</> : <span class="hint">Every tile is a method, every colour a task.</span>}</p>
    </section>
  );
}

/** Tasks with their methods, the largest first. */
function byTask(rows: MethodRow[]): [string, MethodRow[]][] {
  const groups = new Map<string, MethodRow[]>();
  for (const row of rows) groups.set(row.task, [...(groups.get(row.task) ?? []), row]);
  return [...groups].sort(([a, x], [b, y]) => y.length - x.length || a.localeCompare(b));
}

function Lists({ rows, grouped }: { rows: MethodRow[]; grouped: boolean }) {
  if (!grouped) return <section aria-label="Methods found"><Cards rows={rows} /></section>;
  const tasks = [...new Set(rows.map((row) => row.task))].sort();
  return (
    <div class="lists">
      {tasks.map((task) => (
        <section key={task} aria-labelledby={`task-${task.replace(/\W/g, "-")}`}>
          <h2 id={`task-${task.replace(/\W/g, "-")}`} style={{ "--hue": hueOf(task) }}><span class="swatch" aria-hidden="true" /> {task[0]!.toUpperCase() + task.slice(1)}</h2>
          <Cards rows={rows.filter((row) => row.task === task)} />
        </section>
      ))}
    </div>
  );
}

function Cards({ rows }: { rows: MethodRow[] }) {
  return (
    <ul class="cards">
      {rows.map((row) => (
        <li key={`${row.field}.${row.name}`} style={{ "--hue": hueOf(row.task) }}>
          <a class="card" href={`/method/${row.field}.${row.name}`}>
            <span class="card-name">{row.name}</span>
            <span class="card-text">{row.summary.replace(/`/g, "")}</span>
            <span class="card-facts">
              {row.paper}{row.steps ? " · steps" : ""}{row.evidence ? ` · ${row.evidence} proof${row.evidence > 1 ? "s" : ""}` : ""}{row.lesson ? ` · ${row.lesson}` : ""}
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}
