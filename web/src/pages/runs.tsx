// The runs under the lab's folder: what was trained, how well it did.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api";

export interface RunRow {
  name: string;
  recipe: string;
  data: string;
  /** Epochs that are done, and how many there are to be. */
  epochs: number;
  of: number;
  /** The last row of its metrics. */
  last: Record<string, number | null> | null;
}

export default function RunsPage() {
  const [runs, setRuns] = useState<RunRow[] | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    document.title = "Runs · Sightline lab";
    get<RunRow[]>("/api/runs").then(setRuns, (problem: Error) => setError(problem.message));
  }, []);
  return (
    <main class="page">
      <h1>Runs</h1>
      <p class="lead">Trainings under the lab's folder, each with its curves, its report and a way to try it.</p>
      {error && <p class="error" role="alert">{error}</p>}
      {runs && !runs.length && <p>There are none yet. <code>sightline train classify/resnet18 photos/</code> makes one; so does <code>make demo</code>.</p>}
      <ul class="cards">
        {runs?.map((run) => (
          <li key={run.name}>
            <a class="card" href={`/runs/${run.name}`}>
              <span class="card-name">{run.name}</span>
              <span class="card-text">{facts(run)}</span>
            </a>
          </li>
        ))}
      </ul>
    </main>
  );
}

function facts(run: RunRow): string {
  const last = Object.entries(run.last ?? {}).filter(([name, value]) => name.startsWith("val_") && value !== null).map(([name, value]) => `${name.slice(4).replace(/_/g, " ")} ${Number(value!.toPrecision(3))}`);
  return [run.recipe, run.data, `epoch ${run.epochs} of ${run.of}`, ...last].join(" · ");
}
