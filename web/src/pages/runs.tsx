// The runs under the lab's folder: what was trained, how well it did.
import { useEffect, useState } from "preact/hooks";
import { get, type Json } from "../api";

export interface RunRow {
  name: string;
  recipe?: string;
  classes?: string[] | number;
  epochs?: number;
  [key: string]: Json | undefined;
}

export const listed = (answer: RunRow[] | { runs: RunRow[] }): RunRow[] => (Array.isArray(answer) ? answer : answer.runs);

export default function RunsPage() {
  const [runs, setRuns] = useState<RunRow[] | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    document.title = "Runs · Sightline lab";
    get<RunRow[] | { runs: RunRow[] }>("/api/runs").then((answer) => setRuns(listed(answer)), (problem: Error) => setError(problem.message));
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
  return Object.entries(run).filter(([name, value]) => name !== "name" && (typeof value === "string" || typeof value === "number")).slice(0, 5).map(([name, value]) => `${name.replace(/_/g, " ")} ${typeof value === "number" ? Number(value.toPrecision(4)) : value}`).join(" · ");
}
