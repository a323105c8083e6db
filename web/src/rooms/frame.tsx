// What every room has: its head with the way to methods and lesson, controls beside a stage, and the program below.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { ChainStep } from "../api";
import { PICTURE_EVENT } from "../parts/drop";
import { Export } from "../parts/export";
import "./rooms.css";

export interface RoomProps {
  title: string;
  lead: string;
  /** Catalogued names, like "image.canny". */
  methods: string[];
  lesson: { id: string; title: string };
  controls: ComponentChildren;
  /** What the program below does; none hides it. */
  program?: { inputs: Record<string, string>; steps: ChainStep[] };
  /** What to know about the program. */
  note?: string;
  /** Called with a picture that was dropped or pasted on the page. */
  onPicture?: (ref: string) => void;
  error?: string;
  children: ComponentChildren;
}

export function Room({ title, lead, methods, lesson, controls, program, note, onPicture, error, children }: RoomProps) {
  useEffect(() => {
    document.title = `${title} · Sightline lab`;
  }, [title]);
  useEffect(() => {
    if (!onPicture) return;
    const taken = (event: Event) => onPicture((event as CustomEvent<string>).detail);
    document.addEventListener(PICTURE_EVENT, taken);
    return () => document.removeEventListener(PICTURE_EVENT, taken);
  }, [onPicture]);
  return (
    <main class="page room">
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          <p class="lead">{lead}</p>
        </div>
        <p class="room-links">
          {methods.map((name) => <a key={name} href={`/method/${name}`}>{name}</a>)}
          <a href={`/lessons/${lesson.id}`}>Lesson: {lesson.title}</a>
        </p>
      </header>
      <div class="room-bench">
        <section class="controls" aria-label="Controls">{controls}</section>
        <section class="stage" aria-label="Stage">
          {children}
          {error && <p class="error" role="alert">{error}</p>}
        </section>
      </div>
      {program && (
        <section class="room-program" aria-label="The same as a program">
          <h2>The same as a program</h2>
          {note && <p class="lead">{note}</p>}
          <Export inputs={program.inputs} steps={program.steps} />
        </section>
      )}
    </main>
  );
}

/** A choice of a few, as buttons of which one is pressed. */
export function Choice<T extends string>({ label, value, options, onValue, text }: { label: string; value: T | ""; options: [T, string][]; onValue: (value: T) => void; text?: string }) {
  return (
    <div class="control" role="group" aria-label={label}>
      <span class="label">{label}</span>
      <div class="segments">
        {options.map(([name, title]) => <button type="button" class="small" key={name} aria-pressed={name === value} onClick={() => onValue(name)}>{title}</button>)}
      </div>
      {text && <p class="hint">{text}</p>}
    </div>
  );
}
