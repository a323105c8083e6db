// One parameter, one control: what it looks like comes from the catalogue alone.
import { useEffect, useId, useState } from "preact/hooks";
import type { Json, Parameter } from "../api";
import { isTable, readList, shapeOf, spanOf, startOf, writeList } from "./guess";
import { Footprint, Matrix } from "./matrix";
import { Hint } from "../parts/hint";
import { Slider } from "./slider";

export interface ControlProps {
  parameter: Parameter;
  /** Undefined: not set, the default or the example holds. */
  value: Json | undefined;
  example: Json | undefined;
  onValue: (value: Json | undefined) => void;
  /** Starts picking points in the picture; shown for parameters that are places. */
  onPick?: (() => void) | undefined;
  picking?: boolean;
}

export function Control(props: ControlProps) {
  const { parameter, value, example, onValue } = props;
  const shape = shapeOf(parameter, example);
  const start = startOf(parameter, example);
  const now = value === undefined ? start : value;
  const text = parameter.text;
  if (shape === "slider") return <NumberControl {...props} now={now} />;
  if (shape === "choice") return <ChoiceControl {...props} now={now} />;
  if (shape === "switch") {
    return (
      <div class="control">
        <label class="switch"><input type="checkbox" checked={now === true} onChange={(event) => onValue(event.currentTarget.checked)} /> {parameter.name}</label>
        <Hint text={text} />
      </div>
    );
  }
  if (shape === "footprint") return <FootprintControl {...props} now={now} />;
  if (shape === "matrix" && isTable(now)) return <Matrix label={parameter.name} rows={now as number[][]} onRows={(rows) => onValue(rows)} text={text} />;
  if (shape === "fixed") {
    return (
      <div class="control">
        <span class="label">{parameter.name}</span>
        <Hint text={`Made from the picture, as in the method's example. ${text}`} />
      </div>
    );
  }
  return <TextControl {...props} now={now} rows={shape === "rows"} words={shape === "text"} />;
}

type Inner = ControlProps & { now: Json };

function NumberControl({ parameter, value, example, onValue, now }: Inner) {
  const optional = !parameter.required && (parameter.default === null || parameter.default === undefined);
  const span = spanOf(parameter, example);
  const number = typeof now === "number" ? now : typeof example === "number" ? example : Math.max(span.low, Math.min(span.high, defaultOf(span.low, span.high, parameter.kind === "int")));
  if (!optional) return <Slider label={parameter.name} value={number} span={span} text={parameter.text} onValue={onValue} />;
  const on = typeof value === "number";
  return (
    <div class="optional">
      <label class="switch by-itself"><input type="checkbox" checked={!on} onChange={(event) => onValue(event.currentTarget.checked ? undefined : number)} /> {parameter.name}: let the method choose</label>
      {on ? <Slider label={parameter.name} value={number} span={span} text={parameter.text} onValue={onValue} /> : <Hint text={parameter.text} />}
    </div>
  );
}

function defaultOf(low: number, high: number, whole: boolean): number {
  const middle = low + (high - low) / 4;
  return whole ? Math.round(middle) : Number(middle.toPrecision(3));
}

function ChoiceControl({ parameter, onValue, now }: Inner) {
  const id = useId();
  const choices = parameter.choices ?? [];
  const optional = !parameter.required && parameter.default === null;
  const short = choices.length <= 4 && choices.join("").length < 32 && !optional;
  if (short) {
    return (
      <fieldset class="control">
        <legend>{parameter.name}</legend>
        <div class="segments">
          {choices.map((choice) => (
            <label key={choice} class="segment"><input type="radio" name={id} checked={now === choice} onChange={() => onValue(choice)} /><span>{choice}</span></label>
          ))}
        </div>
        <Hint text={parameter.text} />
      </fieldset>
    );
  }
  return (
    <div class="control">
      <label for={id}>{parameter.name}</label>
      <select id={id} value={String(now ?? "")} onChange={(event) => onValue(event.currentTarget.value || undefined)}>
        {optional && <option value="">let the method choose</option>}
        {choices.map((choice) => <option key={choice} value={choice}>{choice}</option>)}
      </select>
      <Hint text={parameter.text} />
    </div>
  );
}

function FootprintControl({ parameter, onValue, now, example }: Inner) {
  const table = isTable(now) ? (now as (number | boolean)[][]).map((row) => row.map(Number)) : null;
  const pattern = parameter.name === "pattern";
  const size = typeof now === "number" ? now : 3;
  const drawn = () => onValue(Array.from({ length: size }, () => Array.from({ length: size }, () => 1)));
  const span = { low: 1, high: 31, step: 2, least: 1, most: 999, log: false };
  const canSize = typeof (parameter.default ?? example) === "number" || parameter.kind === "int";
  return (
    <fieldset class="control">
      <legend>{parameter.name}</legend>
      {!pattern && (
        <div class="segments">
          <label class="segment"><input type="radio" name={`shape-${parameter.name}`} checked={!table} onChange={() => onValue(canSize ? size : undefined)} /><span>{canSize ? "square" : "none"}</span></label>
          <label class="segment"><input type="radio" name={`shape-${parameter.name}`} checked={!!table} onChange={drawn} /><span>drawn</span></label>
        </div>
      )}
      {table ? <Footprint label={`Cells of ${parameter.name}`} rows={table} onRows={(rows) => onValue(rows)} states={pattern ? [0, 1, -1] : [0, 1]} />
        : canSize && <Slider label="side" value={size} span={span} onValue={onValue} />}
      <Hint text={parameter.text} />
    </fieldset>
  );
}

function TextControl({ parameter, onValue, now, rows, words, onPick, picking }: Inner & { rows: boolean; words: boolean }) {
  const id = useId();
  const said = words ? String(now ?? "") : writeList(now);
  const [text, setText] = useState(said);
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    setText(said);
    setWrong("");
  }, [said]);
  const commit = (typed: string) => {
    setText(typed);
    if (words) {
      onValue(typed);
      return;
    }
    const read = readList(typed);
    if (read === undefined && /[a-z]/i.test(typed) && parameter.kind === "other") onValue(typed);
    else if (read === undefined) setWrong("Numbers, separated by commas; one row a line.");
    else onValue(read === null ? undefined : read);
  };
  const shared = {
    id, "aria-describedby": `${id}-text`, "aria-invalid": wrong ? true : undefined, spellcheck: false,
    onChange: (event: Event) => commit((event.currentTarget as HTMLInputElement).value),
  } as const;
  return (
    <div class="control">
      <div class="control-head">
        <label for={id}>{parameter.name}</label>
        {onPick && <button type="button" class="small" aria-pressed={picking} onClick={onPick}>{picking ? "Done" : "Pick in the picture"}</button>}
      </div>
      {rows ? <textarea {...shared} rows={Math.min(6, Math.max(2, text.split("\n").length))} value={text} /> : <input {...shared} type="text" value={text} placeholder={now === null ? "let the method choose" : ""} onInput={words ? (event) => commit(event.currentTarget.value) : undefined} />}
      <Hint text={wrong || parameter.text} id={`${id}-text`} wrong={wrong !== ""} />
    </div>
  );
}
