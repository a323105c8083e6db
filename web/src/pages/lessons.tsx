// The path of lessons: twelve weeks, what is written, what is done.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api";

export interface Day {
  id: string;
  title: string;
  question: string;
  /** False for a day that is planned. */
  written: boolean;
  methods: string[];
  done: boolean;
}

export interface Week {
  number: number;
  title: string;
  days: Day[];
}

export default function LessonsPage() {
  const [weeks, setWeeks] = useState<Week[] | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    document.title = "Lessons · Sightline lab";
    get<{ weeks: Week[] }>("/api/lessons").then((answer) => setWeeks(answer.weeks), (problem: Error) => setError(problem.message));
  }, []);
  const days = weeks?.flatMap((week) => week.days) ?? [];
  const written = days.filter((day) => day.written);
  const done = days.filter((day) => day.done).length;
  return (
    <main class="page lessons-page">
      <h1>Lessons</h1>
      <p class="lead">Twelve weeks from a pixel to a trained network. Each lesson is a program that runs, ends in an exercise, and is graded.</p>
      {error && <p class="error" role="alert">{error}</p>}
      {weeks && <p role="status"><progress value={done} max={Math.max(1, written.length)} aria-label="Exercises done" /> {done} of {written.length} exercises done</p>}
      {weeks?.map((week) => (
        <section key={week.number} aria-labelledby={`week-${week.number}`}>
          <h2 id={`week-${week.number}`}><small>Week {week.number}</small> {week.title}</h2>
          <ul class="cards days">
            {week.days.map((day) => (
              <li key={day.id}>
                {!day.written ? <div class="card planned"><Inside day={day} /></div> : <a class="card" href={`/lessons/${day.id}`}><Inside day={day} /></a>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </main>
  );
}

function Inside({ day }: { day: Day }) {
  return (
    <>
      <span class="card-name">{day.title}{day.done && <span class="holds"> done</span>}</span>
      <span class="card-text">{day.question}</span>
      <span class="card-facts">{day.id}{!day.written ? " · planned" : ""}{day.methods.length ? ` · ${day.methods.slice(0, 5).map((name) => name.replace(/^.*\./, "")).join(", ")}${day.methods.length > 5 ? " …" : ""}` : ""}</span>
    </>
  );
}
