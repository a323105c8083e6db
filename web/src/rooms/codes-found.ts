// The codes of a scan, read from the value of its last step: a record, or a plain dictionary where the result came alone.
import { listOf, type Trace } from "../core/trace";

export interface Found {
  kind: string;
  text: string;
  version: number | null;
  level: string | null;
  mask: number | null;
  corrected: number;
}

export function codesIn(trace: Trace): Found[] {
  const value = trace.steps.at(-1)?.layers.find((layer) => layer.kind === "text")?.["text"];
  return listOf(value).map((item) => {
    const record = item as { fields?: Record<string, unknown>; items?: [string, unknown][] };
    return (record.fields ?? Object.fromEntries(record.items ?? [])) as unknown as Found;
  }).filter((code) => typeof code.text === "string" && typeof code.kind === "string");
}
