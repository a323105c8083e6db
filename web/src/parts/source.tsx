// The method's source file, with the line of the current step lit.
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Source } from "../api";
import { highlight } from "../text/highlight";
import { calm } from "../state";
import { CopyButton } from "./copy";

export interface SourceProps {
  source: Source;
  /** Number of the line that is running, counted from 1 in the file; null lights none. */
  line: number | null;
  onLine?: (line: number) => void;
  /** Lines that a step stands for: a click goes there. */
  steps?: Map<number, string>;
}

export function SourceView({ source, line, onLine, steps }: SourceProps) {
  const box = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => highlight(source.text).split("\n"), [source.text]);
  const offset = source.text.split("\n").length >= source.end ? 1 : source.start;
  useEffect(() => {
    const target = line ?? source.start;
    const element = box.current?.querySelector<HTMLElement>(`[data-line="${target}"]`);
    if (!element || !box.current) return;
    const top = element.offsetTop - (line ? box.current.clientHeight / 2 : 0);
    box.current.scrollTo({ top: Math.max(0, top), behavior: calm.matches || !line ? "auto" : "smooth" });
  }, [line, source]);
  return (
    <div class="source">
      <div class="source-head">
        <code>{source.file}</code>
        <CopyButton text={source.text} label="Copy the source" />
      </div>
      <div class="source-lines" ref={box} tabIndex={0} role="region" aria-label={`Source of ${source.file}`}>
        {lines.map((text, i) => {
          const number = i + offset;
          const step = steps?.get(number);
          return (
            <div class={`line${number === line ? " lit" : ""}${step ? " has-step" : ""}`} data-line={number} key={i} onClick={step ? () => onLine?.(number) : undefined} title={step ? `Step: ${step}` : undefined}>
              <span class="number" aria-hidden="true">{number}</span>
              <code dangerouslySetInnerHTML={{ __html: text || " " }} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
