// One run: its curves, its settings, its report, and a picture of one's own predicted.
import { useEffect, useState } from "preact/hooks";
import { get, post, samples, type Json } from "../api";
import { Curve } from "../parts/beside";
import { Picker } from "../parts/picker";
import { picture } from "../state";

type Row = Record<string, number | string | null>;

interface RunDetail {
  name: string;
  config: Json;
  metrics: Row[];
  report?: string | null;
  classes?: string[];
}

export default function RunPage({ id }: { id: string }) {
  const [run, setRun] = useState<RunDetail | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    document.title = `${id} · Sightline lab`;
    get<RunDetail>(`/api/runs/${id}`).then(setRun, (problem: Error) => setError(problem.message));
  }, [id]);
  return (
    <main class="page">
      <h1>{id}</h1>
      {error && <p class="error" role="alert">{error}</p>}
      {run && (
        <>
          <section aria-label="Curves"><Curves rows={run.metrics} /></section>
          {run.report && <p><a class="button" href={`/api/runs/${id}/report`} data-server target="_blank" rel="noreferrer">Open the report</a></p>}
          <Predict id={id} />
          <section aria-labelledby="config"><h2 id="config">Settings</h2><pre class="doc" tabIndex={0}>{typeof run.config === "string" ? run.config : JSON.stringify(run.config, null, 2)}</pre></section>
        </>
      )}
    </main>
  );
}

/** Curves of a metrics table, one chart a measure: training and validation of the same name share one. */
export function Curves({ rows }: { rows: Row[] }) {
  if (!rows.length) return <p>No epoch is finished yet.</p>;
  const names = Object.keys(rows[0]!).filter((name) => rows.some((row) => typeof row[name] === "number"));
  const axis = names.find((name) => name === "epoch" || name === "step") ?? names[0]!;
  const groups = new Map<string, string[]>();
  const rank = (name: string) => (/loss/.test(name) ? 0 : /rate|second|time/.test(name) ? 2 : 1);
  for (const name of names.filter((item) => item !== axis && item !== "step").sort((a, b) => rank(a) - rank(b))) {
    const key = name.replace(/^(train|val|valid|test)[_ ./]/, "");
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  const column = (name: string) => rows.map((row) => (typeof row[name] === "number" ? (row[name] as number) : NaN));
  return (
    <div class="charts">
      {[...groups].map(([key, members]) => (
        <figure key={key}>
          <figcaption>{key.replace(/_/g, " ")}</figcaption>
          <Curve axes={[axis, key.replace(/_/g, " ")]} lines={members.map((name) => ({ name, x: column(axis), y: column(name) }))} />
        </figure>
      ))}
    </div>
  );
}

/** Predict one picture with a run and say what was found. */
export function Predict({ id }: { id: string }) {
  const [ref, setRef] = useState<string | null>(picture.value);
  const [found, setFound] = useState<Json>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    if (!ref) void samples().then((list) => setRef(list[0]?.ref ?? null), () => {});
  }, []);
  const ask = async () => {
    setError("");
    try {
      setFound(await post<Json>(`/api/predict/${id}`, { input: ref }));
    } catch (problem) {
      setError((problem as Error).message);
    }
  };
  return (
    <section aria-labelledby="predict">
      <h2 id="predict">Predict</h2>
      <Picker label="picture to predict" value={ref} onValue={setRef} />
      <p><button type="button" class="primary" disabled={!ref} onClick={() => void ask()}>Predict</button></p>
      {error && <p class="error" role="alert">{error}</p>}
      {found !== null && <pre class="doc" tabIndex={0} role="status">{JSON.stringify(found, null, 2)}</pre>}
    </section>
  );
}
