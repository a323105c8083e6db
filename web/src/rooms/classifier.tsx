// Choosing a classifier and one of its classes: runs under the lab's root, and public networks whose weights are here.
import { useEffect, useId, useState } from "preact/hooks";
import { get } from "../api";
import "./classifier.css";

export interface ClassifierRow {
  name: string;
  said: string;
  /** A network of the zoo, not a run. */
  public: boolean;
}

export interface Classifier {
  name: string;
  classes: string[];
  height: number;
  width: number;
}

export interface Chosen {
  rows: ClassifierRow[] | null;
  /** The chosen one, once it is loaded. */
  model: Classifier | null;
  error: string;
}

/** The classifiers there are, and the one that is called `name`; `onFirst` hears of the first where none is chosen. */
export function useClassifier(name: string, onFirst: (name: string) => void): Chosen {
  const [rows, setRows] = useState<ClassifierRow[] | null>(null);
  const [model, setModel] = useState<Classifier | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    get<ClassifierRow[]>("/api/classifiers").then((found) => {
      setRows(found);
      if (!name && found.length) onFirst((found.find((row) => row.public) ?? found[0]!).name);
    }, (problem: Error) => setError(problem.message));
  }, []);
  useEffect(() => {
    if (!name) return;
    let here = true;
    get<Omit<Classifier, "name">>(`/api/classifiers/${encodeURIComponent(name)}`).then(
      (found) => { if (here) { setModel({ name, ...found }); setError(""); } },
      (problem: Error) => here && setError(problem.message),
    );
    return () => { here = false; };
  }, [name]);
  return { rows, model: model?.name === name ? model : null, error };
}

export function ClassifierChoice({ chosen, value, onValue }: { chosen: Chosen; value: string; onValue: (name: string) => void }) {
  const id = useId();
  const row = chosen.rows?.find((one) => one.name === value);
  return (
    <div class="control">
      <label for={id}>Network</label>
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {!row && <option value={value}>{value || "none yet"}</option>}
        {chosen.rows?.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
      </select>
      <p class="hint">{row ? `${row.said}.` : "A trained classifier under the lab's folder, or one of the zoo whose weights are on this machine."}{chosen.model && ` It tells ${chosen.model.classes.length} classes apart, and sees ${chosen.model.width}×${chosen.model.height} pixels.`}</p>
    </div>
  );
}

/** One of a classifier's classes: from a list, by typing where there are many. `none` is what no class means. */
export function ClassChoice({ label, model, value, onValue, none, text }: { label: string; model: Classifier | null; value: string; onValue: (name: string) => void; none?: string; text?: string }) {
  const id = useId();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const classes = model?.classes ?? [];
  const take = (word: string) => {
    setTyped(word);
    if ((none !== undefined && !word) || classes.includes(word)) onValue(word);
  };
  const many = classes.length > 40;
  return (
    <div class="control">
      <label for={id}>{label}</label>
      {many ? (
        <>
          <input id={id} type="text" list={`${id}-list`} value={typed} placeholder={none ?? "type a part of its name"} autocomplete="off" onInput={(event) => take(event.currentTarget.value)} />
          <datalist id={`${id}-list`}>{classes.map((one) => <option key={one} value={one} />)}</datalist>
        </>
      ) : (
        <select id={id} value={value} onChange={(event) => take(event.currentTarget.value)}>
          {none !== undefined && <option value="">{none}</option>}
          {classes.map((one) => <option key={one} value={one}>{one}</option>)}
        </select>
      )}
      {many && typed && typed !== value && <p class="hint">Go on typing, and take one of the list.</p>}
      {text && <p class="hint">{text}</p>}
    </div>
  );
}

export interface AnswersProps {
  rows: { label: string; score: number }[];
  /** The one that stands out: that is chosen. */
  marked: string;
  label?: string;
  /** Makes buttons of them. */
  onChoose?: (label: string) => void;
}

/** Answers with their shares as bars. */
export function Answers({ rows, marked, label = "Answers", onChoose }: AnswersProps) {
  return (
    <ul class="answers" aria-label={label}>
      {rows.map((one) => {
        const told = <><b>{one.label}</b> <span class="bar" style={{ "--share": one.score }} /> {(100 * one.score).toFixed(1)} %</>;
        const on = one.label === marked;
        return <li key={one.label}>{onChoose ? <button type="button" aria-pressed={on} onClick={() => onChoose(one.label)}>{told}</button> : <p class="answer" data-marked={on}>{told}</p>}</li>;
      })}
    </ul>
  );
}
