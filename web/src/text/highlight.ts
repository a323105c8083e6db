// Python in colours: enough to read it, escaped so that it is safe to set as HTML.
import { escape } from "../core/math";

const TOKENS =
  /(#[^\n]*)|([rbfu]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|(@[\w.]+)|\b(def|class|return|yield|from|import|for|in|if|elif|else|while|not|and|or|is|None|True|False|lambda|with|as|raise|try|except|finally|assert|continue|break|pass|del|global|nonlocal|match|case|async|await)\b|\b(\d[\d_]*\.?\d*(?:e-?\d+)?)\b|\b([A-Za-z_]\w*)(?=\()/gi;

const NAMES = ["comment", "string", "decorator", "keyword", "number", "call"];

export function highlight(code: string): string {
  let found = "";
  let at = 0;
  for (const match of code.matchAll(TOKENS)) {
    found += escape(code.slice(at, match.index));
    at = match.index + match[0].length;
    const kind = NAMES[match.slice(1).findIndex((group) => group !== undefined)]!;
    const span = (text: string) => `<span class="t-${kind}">${escape(text)}</span>`;
    found += match[0].split("\n").map(span).join("\n"); // a span never crosses a line
  }
  return found + escape(code.slice(at));
}
