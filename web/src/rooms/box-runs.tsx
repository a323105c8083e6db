// Choosing a trained detector among the runs of the lab's folder, or one that has learnt nothing.
import { useEffect, useId, useState } from "preact/hooks";
import { get } from "../api";
import type { RunRow } from "../pages/runs";

export interface RunChoiceProps {
  /** A run's name; empty is the network that has learnt nothing. */
  value: string;
  onValue: (name: string) => void;
  suits: (recipe: string) => boolean;
  /** What to train, where there is none yet. */
  train: string;
}

export function RunChoice({ value, onValue, suits, train }: RunChoiceProps) {
  const [names, setNames] = useState<string[]>([]);
  const id = useId();
  useEffect(() => {
    get<RunRow[]>("/api/runs").then((rows) => setNames(rows.filter((row) => suits(row.recipe ?? "")).map((row) => row.name)), () => {});
  }, []);
  return (
    <div class="control">
      <label class="label" for={id}>Network</label>
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        <option value="">has learnt nothing</option>
        {value && !names.includes(value) && <option value={value}>{value}</option>}
        {names.map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
      {!names.length && <p class="hint">Train one with <code>sightline train {train}</code>, or in the cockpit.</p>}
    </div>
  );
}
