// A parameter's sentence from the docstring, its code set as code.
import { inline } from "../text/markdown";

export function Hint({ text, id, wrong = false }: { text: string; id?: string; wrong?: boolean }) {
  if (!text) return null;
  return <p class={wrong ? "hint error" : "hint"} id={id} dangerouslySetInnerHTML={{ __html: inline(text) }} />;
}
