// A number: a slider to feel its way, and a field to say it exactly.
import { useId, useState } from "preact/hooks";
import { Hint } from "../parts/hint";
import type { Span } from "./guess";

export interface SliderProps {
  label: string;
  value: number;
  span: Span;
  onValue: (value: number) => void;
  text?: string;
  disabled?: boolean;
}

/** A labelled slider with its number field. */
export function Slider({ label, value, span, onValue, text, disabled = false }: SliderProps) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null); // an answer that comes while one types does not wipe it out
  const { low, high, step, log } = span;
  const digits = decimals(step);
  const set = (raw: number) => {
    if (!Number.isFinite(raw)) return;
    onValue(Number(Math.max(span.least, Math.min(span.most, raw)).toPrecision(10)));
  };
  const slide = (raw: number) => set(log ? Number((low * (high / low) ** raw).toPrecision(3)) : Number(raw.toFixed(digits + 2)));
  const position = log ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : value;
  return (
    <div class="control">
      <div class="control-head">
        <label for={id}>{label}</label>
        <input
          class="number" type="number" aria-label={`${label}, exact`} value={typed ?? shown(value)} disabled={disabled} step="any"
          onInput={(event) => setTyped(event.currentTarget.value)} onBlur={() => setTyped(null)}
          onChange={(event) => { if (event.currentTarget.value !== "") set(Number(event.currentTarget.value)); setTyped(null); }}
        />
      </div>
      <input
        id={id} type="range" min={log ? 0 : low} max={log ? 1 : Math.max(high, value)} step={log ? 0.005 : step} value={position} disabled={disabled}
        aria-valuetext={shown(value)} aria-describedby={text ? `${id}-text` : undefined}
        onInput={(event) => slide(Number(event.currentTarget.value))}
      />
      {text && <Hint text={text} id={`${id}-text`} />}
    </div>
  );
}

function decimals(step: number): number {
  return Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}
