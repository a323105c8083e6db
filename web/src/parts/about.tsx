// What is known of a method: its text, its evidence, its place in the benchmark.
import type { Evidence, Json, MethodDetail } from "../api";
import { inline } from "../text/markdown";

export function About({ detail }: { detail: MethodDetail }) {
  const { lesson } = detail;
  return (
    <div class="about">
      <p class="lead" dangerouslySetInnerHTML={{ __html: inline(detail.summary) }} />
      <dl class="facts">
        <dt>Source</dt><dd>{detail.paper || "own"}</dd>
        <dt>Task</dt><dd>{detail.task}</dd>
        <dt>Called as</dt><dd><code>{detail.path}</code></dd>
        {lesson?.id && <><dt>Lesson</dt><dd><a href={`/lessons/${lesson.id}`}>{lesson.title ?? lesson.id}</a></dd></>}
      </dl>
      {detail.doc.filter((section) => !/^(parameters)$/i.test(section.title)).map((section) => <Section key={section.title} title={section.title} text={section.title ? section.text : section.text.replace(detail.summary, "")} />)}
    </div>
  );
}

function Section({ title, text }: { title: string; text: string }) {
  if (!text.trim()) return null;
  return (
    <>
      {title && <h3>{title}</h3>}
      {/>>>/.test(text) ? <pre class="doc" tabIndex={0}>{text}</pre> : text.split(/\n\s*\n/).map((part, i) => <p key={i} dangerouslySetInnerHTML={{ __html: inline(part) }} />)}
    </>
  );
}

export function EvidenceRows({ rows, bench }: { rows: Evidence[]; bench: Record<string, Json>[] }) {
  return (
    <div class="evidence">
      <h3>Evidence</h3>
      {rows.length ? (
        <ul class="plain-list">
          {rows.map((row, i) => (
            <li key={i}>
              <span class={row.holds ? "holds" : "fails"}>{row.holds ? "holds" : "fails"}</span>{" "}
              {row.kind === "reaches" ? <>{row.figure}: {row.measured} here, {row.published} published ({row.source})</> : <>equals <b>{row.peer}</b> {row.version}, tolerance {row.tolerance}; measured {row.measured ?? "–"}</>}
              <br /><span class="hint">{row.data} · <code>{row.command}</code></span>
            </li>
          ))}
        </ul>
      ) : <p>None is recorded here.</p>}
      <h3>Speed</h3>
      {bench.length ? <BenchTable rows={bench} /> : <p class="hint">It is not in the benchmark's table.</p>}
    </div>
  );
}

function BenchTable({ rows }: { rows: Record<string, Json>[] }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => rows.some((row) => typeof row[name] !== "object" && row[name] !== null)).slice(0, 7);
  return (
    <div class="sl-table" role="region" aria-label="Benchmark" tabIndex={0}>
      <table>
        <thead><tr>{columns.map((name) => <th key={name} scope="col">{name.replace(/_/g, " ")}</th>)}</tr></thead>
        <tbody>{rows.map((row, i) => <tr key={i}>{columns.map((name) => <td key={name}>{say(row[name])}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

function say(value: Json | undefined): string {
  if (typeof value === "number") return String(Number(value.toPrecision(3)));
  return value === null || value === undefined ? "" : String(value);
}
