// The steps of a trace: a slider, play and pause, and their names; the arrow keys go back and on.
import { useEffect, useRef, useState } from "preact/hooks";
import { calm } from "../state";
import { Icon } from "./icon";

export interface ScrubberProps {
  names: string[];
  index: number;
  onIndex: (index: number) => void;
  /** Milliseconds a step while it plays. */
  pace?: number;
  /** Leave out the list of names: there are too many. */
  bare?: boolean;
}

export function StepScrubber({ names, index, onIndex, pace = 1300, bare = false }: ScrubberProps) {
  const [playing, setPlaying] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const last = Math.max(0, names.length - 1);
  const at = Math.min(index, last);
  const go = (to: number) => onIndex(Math.max(0, Math.min(last, to)));

  useEffect(() => {
    if (!playing) return;
    if (at >= last) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => go(at + 1), pace);
    return () => clearTimeout(timer);
  }, [playing, at, last]);

  useEffect(() => {
    const item = list.current?.children[at] as HTMLElement | undefined;
    const box = list.current;
    if (item && box && box.scrollWidth > box.clientWidth) {
      box.scrollTo({ left: item.offsetLeft - box.clientWidth / 2 + item.clientWidth / 2, behavior: calm.matches ? "auto" : "smooth" });
    }
  }, [at]);

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, dialog, [role=tablist], [role=radiogroup], [role=grid]")) return;
      if (event.key === "ArrowRight") go(at + 1);
      else if (event.key === "ArrowLeft") go(at - 1);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, [at, last]);

  const toggle = () => {
    if (!playing && at >= last) go(0);
    setPlaying(!playing);
  };
  return (
    <div class="scrubber" role="group" aria-label="Steps">
      <div class="scrubber-bar">
        <button type="button" class="icon" aria-label="Step back" title="Step back (←)" disabled={at === 0} onClick={() => go(at - 1)}><Icon name="back" /></button>
        <button type="button" class="icon" aria-label={playing ? "Pause" : "Play the steps"} title={playing ? "Pause" : "Play the steps"} onClick={toggle}><Icon name={playing ? "pause" : "play"} /></button>
        <button type="button" class="icon" aria-label="Step on" title="Step on (→)" disabled={at === last} onClick={() => go(at + 1)}><Icon name="on" /></button>
        <input type="range" min={0} max={last} value={at} aria-label="Step" aria-valuetext={`${at + 1} of ${names.length}: ${names[at] ?? ""}`} onInput={(event) => go(Number(event.currentTarget.value))} />
        <span class="count">{at + 1}/{names.length}</span>
      </div>
      {!bare && <ol class="step-names" ref={list}>
        {names.map((name, i) => (
          <li key={i}>
            <button type="button" aria-current={i === at ? "step" : undefined} onClick={() => go(i)}>{name}</button>
          </li>
        ))}
      </ol>}
    </div>
  );
}
