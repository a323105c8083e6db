// A code made of typed text, to be looked at, copied as a program and scanned.
import { useState } from "preact/hooks";
import { postRaw, upload, type Json } from "../api";
import { Slider } from "../controls/slider";
import { useRun } from "../pages/run";
import { Code } from "../parts/copy";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";
import { Choice } from "./frame";

type Kind = "qr" | "ean13" | "upca" | "ean8" | "code128";
type Level = "L" | "M" | "Q" | "H";

export interface Made {
  text: string;
  kind: Kind;
  level: Level;
  scale: number;
}

const KINDS: [Kind, string][] = [["qr", "QR"], ["ean13", "EAN-13"], ["upca", "UPC-A"], ["ean8", "EAN-8"], ["code128", "Code 128"]];
const TEXTS: Record<Kind, string> = { qr: "https://example.org/sightline", ean13: "590123412345", upca: "03600029145", ean8: "9638507", code128: "SIGHTLINE-128" };

export function readMade(query: URLSearchParams): Made {
  const kind = KINDS.find(([name]) => name === query.get("make.kind"))?.[0] ?? "qr";
  const level = (["L", "M", "Q", "H"] as const).find((name) => name === query.get("make.level")) ?? "M";
  return { text: query.get("make.text") ?? TEXTS[kind], kind, level, scale: Math.max(1, Math.min(16, Math.round(Number(query.get("make.scale")) || 6))) };
}

export function MakeCode({ made, onMade, onScan }: { made: Made; onMade: (made: Made) => void; onScan: (ref: string) => void }) {
  const [error, setError] = useState("");
  const { text, kind, level, scale } = made;
  const parameters: Record<string, Json> = { text, kind, scale, ...(kind === "qr" ? { level } : {}) };
  const run = useRun({ method: "image.make_code", inputs: {}, parameters });
  const painted = usePainted(run.trace, (run.trace?.steps.length ?? 1) - 1);
  const scan = async () => {
    setError("");
    try {
      const answer = await postRaw("/api/run/image.make_code", { inputs: {}, parameters, steps: false, as: "picture" });
      onScan((await upload(await answer.blob())).ref);
    } catch (problem) {
      setError((problem as Error).message);
    }
  };
  const problem = error || run.error?.message;
  const words = Object.entries(parameters).slice(1).filter(([name, value]) => !(name === "kind" && value === "qr")).map(([name, value]) => `, ${name}=${JSON.stringify(value)}`).join("");
  return (
    <section aria-labelledby="make-code" class="make-code">
      <h2 id="make-code">Make one</h2>
      <div class="room-pair">
        <div>
          <div class="control">
            <label for="code-text">Text</label>
            <textarea id="code-text" rows={3} value={text} onInput={(event) => onMade({ ...made, text: event.currentTarget.value })} />
            <p class="hint">What the code says. Retail codes take digits, and their check digit is worked out when it is left away.</p>
          </div>
          <Choice label="Kind" value={kind} options={KINDS} onValue={(next) => onMade({ ...made, kind: next, text: Object.values(TEXTS).includes(text) ? TEXTS[next] : text })} text="QR holds any text; the others are bars, for the till and for parcels." />
          {kind === "qr" && <Choice label="Level" value={level} options={[["L", "L 7 %"], ["M", "M 15 %"], ["Q", "Q 25 %"], ["H", "H 30 %"]]} onValue={(next) => onMade({ ...made, level: next })} text="How much of it may be lost and is still read: more takes more modules." />}
          <Slider label="Scale" value={scale} span={{ low: 1, high: 16, step: 1, least: 1, most: 16, log: false }} onValue={(next) => onMade({ ...made, scale: Math.round(next) })} text="Pixels of a module, the smallest square or bar." />
          {problem && <p class="error" role="alert">{problem}</p>}
          <p><button type="button" disabled={!text || Boolean(problem)} onClick={() => void scan()}>Scan this code</button></p>
        </div>
        <figure>
          <figcaption>{painted ? `${painted.width} × ${painted.height} pixels` : "…"}</figcaption>
          <Picture painted={painted} label="The code" aspect={painted ? painted.width / painted.height : 1} />
        </figure>
      </div>
      <Code language="python" label="the Python that makes it" text={`import sightline as sl\n\nsl.write("code.png", sl.image.make_code(${JSON.stringify(text)}${words}))\n`} />
    </section>
  );
}
