// A trained detector asked about a picture: the boxes that it is surer of than a person asks for.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get, post, type Entry } from "../api";
import { Slider } from "../controls/slider";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { usePicture } from "../parts/use-painted";
import { picture } from "../state";
import { viewOf } from "./asked";
import { useSized } from "./made";

interface Detection {
  box: [number, number, number, number];
  score: number;
  name: string;
}

const LEAST = 0.25; // the server tells of nothing less sure

/** `folder` is one under the lab's root whose last picture is asked about first. */
export function Found({ run, folder }: { run: string; folder: string | null }) {
  const [image, setImage] = useState<string>(picture.peek() ?? "sample:cat");
  const [sure, setSure] = useState(LEAST);
  const [found, setFound] = useState<{ of: string; rows: Detection[] } | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    if (folder === null || picture.peek()) return;
    get<{ entries: Entry[] }>(`/api/files?folder=${encodeURIComponent(folder)}`).then(({ entries }) => {
      const last = entries.filter((one) => one.kind === "picture").at(-1);
      if (last?.ref) setImage(last.ref);
    }, () => {}); // the folder went: any picture can be chosen
  }, [folder]);
  const sized = useSized(image, 1000);
  const ref = sized.value?.ref ?? null;
  const raster = usePicture(ref);
  useEffect(() => {
    if (!ref) return;
    let here = true;
    post<{ result: Detection[] }>(`/api/predict/${encodeURIComponent(run)}`, { input: ref }).then(
      ({ result }) => { if (here) { setFound({ of: ref, rows: result }); setError(""); } },
      (problem: Error) => here && setError(problem.message),
    );
    return () => { here = false; };
  }, [ref, run]);
  const rows = useMemo(() => (found?.of === ref ? found.rows.filter((one) => one.score >= sure) : []), [found, ref, sure]);
  const painted = useMemo(() => {
    const base = viewOf("Found", raster, sized.value ? [sized.value.width, sized.value.height] : undefined);
    if (!base) return null;
    const boxes = { shape: [rows.length, 4], dtype: "float64", data: rows.flatMap((one) => one.box) };
    return { ...base, strokes: [{ kind: "boxes" as const, rows: boxes, labels: rows.map((one) => `${one.name} ${(100 * one.score).toFixed(0)} %`) }] };
  }, [raster, rows, sized.value]);
  return (
    <section aria-labelledby="ask">
      <h2 id="ask">Ask it</h2>
      <Picker label="Picture to ask about" value={image} onValue={(next) => next && setImage(next)} />
      <Slider label="At least so sure" value={sure} span={{ low: LEAST, high: 1, step: 0.01, least: LEAST, most: 1, log: false }} onValue={setSure} />
      <p class="room-told" role="status" data-found={found?.of === ref ? rows.length : ""}>{found?.of !== ref ? "It looks…" : rows.length ? `It finds ${rows.length}: ${rows.slice(0, 6).map((one) => `${one.name} ${(100 * one.score).toFixed(0)} %`).join(", ")}${rows.length > 6 ? ", …" : ""}.` : "It finds nothing that it is sure of."}</p>
      <Picture painted={painted} label="What it finds" />
      {(error || sized.error) && <p class="error" role="alert">{error || sized.error}</p>}
    </section>
  );
}
