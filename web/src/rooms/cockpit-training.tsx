// One training as it goes: its state, its curves, what it says.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { Curves } from "../pages/run-page";

type Row = Record<string, number | string | null>;

export interface Training {
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

export const GOING = new Set(["starting", "running", "stopping"]);
const SAID: Record<Training["state"], string> = {
  starting: "Starting: torch is loaded and the data is read.", running: "Running.", stopping: "Stopping: the weights are saved.",
  finished: "Finished.", stopped: "Stopped. All is saved, and it can go on where it was.", failed: "It failed.", broken: "Its files cannot be read.",
};

export function Watched({ training }: { training: Training }) {
  const { state, metrics, of, log } = training;
  const last = metrics.at(-1);
  const share = (name: string) => (typeof last?.[name] === "number" ? `${(100 * Number(last[name])).toFixed(1)} %` : "");
  const right = share("val_accuracy") ? ` ${share("val_accuracy")} of the validation pictures are right.` : share("val_map50") ? ` mAP50 on the validation pictures: ${share("val_map50")}.` : "";
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
export function useTraining(name: string, turn: number, onError: (text: string) => void): Training | null {
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
