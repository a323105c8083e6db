// A trained classifier looked into: what it confuses, and the mistakes that it was surest of, with what spoke for them.
import { useEffect, useState } from "preact/hooks";
import { call, get } from "../api";

interface Evaluation {
  split: string;
  images: number;
  accuracy: number;
  accuracy_interval: [number, number];
  confusion_matrix: number[][];
  classes: string[];
}

interface Mistake {
  text: string;
  pictures: { source: string; text: string }[];
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

export function Examined({ run }: { run: string }) {
  const [found, setFound] = useState<Evaluation | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    let here = true;
    get<Evaluation>(`/api/runs/${run}/evaluation`).then((value) => here && setFound(value), (problem: Error) => here && setError(problem.message));
    return () => { here = false; };
  }, [run]);
  return (
    <>
      <section aria-labelledby="confused">
        <h2 id="confused">What it confuses</h2>
        {error && <p class="error" role="alert">{error}</p>}
        {!error && !found && <p class="hint" role="status">It is measured on the pictures that were held back…</p>}
        {found && <Confusion found={found} />}
      </section>
      <Mistakes run={run} />
    </>
  );
}

function Confusion({ found }: { found: Evaluation }) {
  const { classes, confusion_matrix: matrix } = found;
  const most = (row: number[]) => Math.max(1, row.reduce((a, b) => a + b, 0));
  return (
    <>
      <p>Of {found.images} pictures of the split “{found.split}”, {percent(found.accuracy)} are right (95 % interval {percent(found.accuracy_interval[0])} to {percent(found.accuracy_interval[1])}). Rows are true classes, columns answers.</p>
      <div class="confusion" tabIndex={0} role="region" aria-label="Confusion matrix">
        <table>
          <thead><tr><th scope="col">is ↓, said →</th>{classes.map((item) => <th scope="col" key={item}>{item}</th>)}</tr></thead>
          <tbody>
            {matrix.map((row, i) => (
              <tr key={i}>
                <th scope="row">{classes[i]}</th>
                {row.map((count, j) => <td key={j} style={{ background: `color-mix(in srgb, var(${i === j ? "--accent" : "--warn"}) ${count ? Math.round((i === j ? 5 : 12) + (40 - (i === j ? 0 : 7)) * (count / most(row))) : 0}%, var(--face))` }}>{count || ""}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** The worst mistakes, read from the report that the training wrote. */
function Mistakes({ run }: { run: string }) {
  const [found, setFound] = useState<{ lead: string; rows: Mistake[] } | null>(null);
  const [missing, setMissing] = useState("");
  useEffect(() => {
    let here = true;
    get<{ report: string | null }>(`/api/runs/${run}`).then(async ({ report }) => {
      if (!report) {
        if (here) setMissing("They are picked out when the training ends.");
        return;
      }
      const page = new DOMParser().parseFromString(await (await call(report)).text(), "text/html");
      const list = page.querySelector(".mistakes");
      const rows = [...(list?.children ?? [])].map((item) => ({
        text: [...(item.querySelector("figcaption")?.childNodes ?? [])].map((part) => ((part as Element).className === "file" ? ` · ${part.textContent}` : part.textContent)).join(""),
        pictures: [...item.querySelectorAll("img")].filter((image) => image.src.startsWith("data:image/")).map((image) => ({ source: image.src, text: image.alt })),
      }));
      if (here) setFound({ lead: list?.previousElementSibling?.textContent ?? "", rows });
    }).catch((problem: Error) => here && setMissing(problem.message));
    return () => { here = false; };
  }, [run]);
  return (
    <section aria-labelledby="mistakes">
      <h2 id="mistakes">Its worst mistakes</h2>
      {missing && <p>{missing}</p>}
      {found && (
        <>
          <p>{found.lead}</p>
          <ul class="mistakes">
            {found.rows.map((row, i) => (
              <li key={i}>
                <div class="row">{row.pictures.map((image, k) => <img key={k} src={image.source} alt={image.text} width={96} />)}</div>
                <p class="hint">{row.text}</p>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
