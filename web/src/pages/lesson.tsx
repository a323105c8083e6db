// One lesson: its cells, what they give when it runs, and the exercise graded.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, post } from "../api";
import { fromBase64, readTrace, type Trace } from "../core/trace";
import { CopyButton } from "../parts/copy";
import { Icon } from "../parts/icon";
import { theme } from "../state";
import { highlight } from "../text/highlight";
import { markdown } from "../text/markdown";
import type { Week } from "./lessons";
import { TracePlayer } from "./trace";

interface Output {
  text?: string;
  html?: string;
  trace?: string;
  error?: string;
  milliseconds?: number;
}

interface Cell {
  kind: "markdown" | "code";
  text: string;
  tags?: string[];
  output?: Output | null;
}

interface Lesson {
  cells: Cell[];
  title?: string;
  error?: string;
}

interface Grade {
  passed: boolean;
  cases: number;
  problems: string[];
}

export default function LessonPage({ id }: { id: string }) {
  const [lesson, setLesson] = useState<Lesson | null>(null);
  const [neighbours, setNeighbours] = useState<{ before: string | null; after: string | null }>({ before: null, after: null });
  const [error, setError] = useState("");
  const [running, setRunning] = useState(false);
  useEffect(() => {
    document.title = `${id} · Sightline lab`;
    get<Lesson>(`/api/lessons/${id}`).then(setLesson, (problem: Error) => setError(problem.message));
    get<{ weeks: Week[] }>("/api/lessons").then((answer) => {
      const days = answer.weeks.flatMap((week) => week.days).filter((day) => day.written).map((day) => day.id);
      const at = days.indexOf(id);
      setNeighbours({ before: days[at - 1] ?? null, after: days[at + 1] ?? null });
    }, () => {});
  }, [id]);
  const runAll = async () => {
    setRunning(true);
    setError("");
    try {
      const answer = await post<Lesson>(`/api/lessons/${id}/run`, {});
      setLesson((old) => ({ ...old, ...answer }));
      if (answer.error) setError(answer.error);
    } catch (problem) {
      setError((problem as Error).message);
    }
    setRunning(false);
  };
  const title = /^#\s+(.*)/m.exec(lesson?.cells.find((cell) => cell.kind === "markdown")?.text ?? "")?.[1] ?? id;
  return (
    <main class="page lesson-page">
      <header class="page-head lesson-bar">
        <h1>{title}</h1>
        <div class="row actions">
          <button type="button" class="primary" disabled={running || !lesson} onClick={() => void runAll()}><Icon name="play" /> {running ? "Running…" : "Run the lesson"}</button>
        </div>
      </header>
      {error && <pre class="error" role="alert" tabIndex={0}>{error}</pre>}
      {lesson?.cells.map((cell, i) => <CellView key={i} cell={cell} number={i} first={i === 0} />)}
      {lesson && <Check id={id} />}
      <nav class="row between" aria-label="Other lessons">
        {neighbours.before ? <a href={`/lessons/${neighbours.before}`}>← {neighbours.before}</a> : <span />}
        <a href="/lessons">All lessons</a>
        {neighbours.after ? <a href={`/lessons/${neighbours.after}`}>{neighbours.after} →</a> : <span />}
      </nav>
    </main>
  );
}

function CellView({ cell, number, first }: { cell: Cell; number: number; first: boolean }) {
  const html = useMemo(() => (cell.kind === "markdown" ? markdown(first ? cell.text.replace(/^#\s+.*\n?/, "") : cell.text) : highlight(cell.text)), [cell.kind, cell.text]);
  if (cell.kind === "markdown") return <div class="prose" dangerouslySetInnerHTML={{ __html: html }} />;
  return (
    <div class={`cell ${(cell.tags ?? []).join(" ")}`}>
      <div class="code">
        <CopyButton text={cell.text} label={`Copy cell ${number + 1}`} />
        <pre tabIndex={0} role="region" aria-label={`Code of cell ${number + 1}`}><code dangerouslySetInnerHTML={{ __html: html }} /></pre>
      </div>
      {cell.output && <OutputView output={cell.output} />}
    </div>
  );
}

function OutputView({ output }: { output: Output }) {
  const trace = useMemo<Trace | null>(() => (output.trace ? readTrace(fromBase64(output.trace)) : null), [output.trace]);
  return (
    <div class="output">
      {output.text && <pre tabIndex={0} role="region" aria-label="Printed">{output.text}</pre>}
      {trace ? <TracePlayer trace={trace} /> : output.html && <Framed html={output.html} />}
      {output.error && <pre class="error" tabIndex={0} role="region" aria-label="Error">{output.error}</pre>}
    </div>
  );
}

/** HTML of a cell in a frame of its own: it cannot reach the lab. */
function Framed({ html }: { html: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(160);
  const dark = theme.value === "dark" || (theme.value === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  const page = `<!doctype html><meta name="color-scheme" content="${dark ? "dark" : "light"}"><style>body{margin:0;font:14px system-ui;overflow:auto}img{max-width:100%}</style>${html}`;
  const fit = () => {
    const body = frame.current?.contentDocument?.documentElement;
    if (body) setHeight(Math.min(720, body.scrollHeight + 4));
  };
  return <iframe ref={frame} title="Output of the cell" sandbox="allow-same-origin" srcdoc={page} style={{ height: `${height}px` }} onLoad={fit} />;
}

function Check({ id }: { id: string }) {
  const [grade, setGrade] = useState<Grade | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const check = async () => {
    setBusy(true);
    setError("");
    try {
      setGrade(await post<Grade>(`/api/lessons/${id}/check`, {}));
    } catch (problem) {
      setError((problem as Error).message);
    }
    setBusy(false);
  };
  return (
    <section class="check" aria-labelledby="exercise">
      <h2 id="exercise">Your exercise</h2>
      <p>Make the file with <code>sightline learn {id}</code>, complete its function in your editor, then have it graded here.</p>
      <p><button type="button" class="primary" disabled={busy} onClick={() => void check()}><Icon name="check" /> {busy ? "Checking…" : "Check my exercise"}</button></p>
      <div role="status">
        {grade && (grade.passed ? <p class="holds">It passes all {grade.cases} cases. Well done.</p> : <ul class="problems">{grade.problems.map((text, i) => <li key={i}><pre tabIndex={0}>{text}</pre></li>)}</ul>)}
        {error && <p class="error">{error}</p>}
      </div>
    </section>
  );
}
