// Markdown of lessons and docstrings as HTML: headings, paragraphs, lists, tables, code, pictures, links and formulas. Everything else is escaped.
import { escape, mathml } from "../core/math";
import { highlight } from "./highlight";

/** Emphasis, code, links, pictures and formulas within a line. */
export function inline(text: string): string {
  const kept: string[] = [];
  const keep = (html: string) => `\u0000${kept.push(html) - 1}\u0000`;
  let found = text
    .replace(/``([^`]+)``|`([^`]+)`/g, (_, a: string, b: string) => keep(`<code>${escape(a ?? b)}</code>`))
    .replace(/\$\$([^$]+)\$\$/g, (_, body: string) => keep(mathml(body, true)))
    .replace(/\$([^$\n]+)\$/g, (_, body: string) => keep(mathml(body)))
    .replace(/!\[([^\]]*)\]\(([^)\s]+)\)/g, (_, alt: string, src: string) => keep(safe(src) ? `<img alt="${escape(alt)}" src="${escape(src)}">` : escape(alt)))
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, (_, words: string, href: string) => keep(safe(href) ? `<a href="${escape(href)}"${/^https?:/.test(href) ? ' target="_blank" rel="noreferrer"' : ""}>${inline(words)}</a>` : escape(words)))
    .replace(/:(?:\w+:)?`[^`]*`/g, (role) => escape(role));
  found = escape(found)
    .replace(/\*\*([^*]+)\*\*/g, "<b>$1</b>")
    .replace(/(^|[^\w*])\*([^*\s][^*]*)\*/g, "$1<em>$2</em>")
    .replace(/(^|[^\w_])_([^_\s][^_]*)_(?!\w)/g, "$1<em>$2</em>");
  return found.replace(/\u0000(\d+)\u0000/g, (_, index: string) => kept[Number(index)]!);
}

function safe(address: string): boolean {
  return !/^\s*(javascript|vbscript|data:(?!image\/))/i.test(address);
}

export function markdown(text: string): string {
  const lines = text.replace(/\r/g, "").split("\n");
  const html: string[] = [];
  let at = 0;
  const until = (stop: (line: string) => boolean) => {
    const taken: string[] = [];
    while (at < lines.length && !stop(lines[at]!)) taken.push(lines[at++]!);
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at]!;
    const heading = /^(#{1,4})\s+(.*)/.exec(line);
    if (!line.trim()) at++;
    else if (heading) {
      const level = Math.max(2, heading[1]!.length);
      html.push(`<h${level}>${inline(heading[2]!)}</h${level}>`);
      at++;
    } else if (/^```/.test(line)) {
      at++;
      const body = until((row) => /^```/.test(row)).join("\n");
      at++;
      html.push(`<pre tabindex="0"><code>${/python/.test(line) ? highlight(body) : escape(body)}</code></pre>`);
    } else if (/^\s*\$\$/.test(line)) html.push(formula());
    else if (/^\s*\|/.test(line)) html.push(table(until((row) => !/^\s*\|/.test(row))));
    else if (/^\s*([-*]|\d+\.)\s+/.test(line)) html.push(list(until((row) => !row.trim() || /^(#|```|\s*\|)/.test(row))));
    else if (/^>\s?/.test(line)) html.push(`<blockquote>${markdown(until((row) => !/^>\s?/.test(row)).map((row) => row.replace(/^>\s?/, "")).join("\n"))}</blockquote>`);
    else html.push(`<p>${inline(until((row) => !row.trim() || /^(#{1,4}\s|```|\s*\$\$|\s*\||>|\s*[-*]\s)/.test(row)).join("\n"))}</p>`);
  }
  return html.join("\n");

  function formula(): string {
    const first = lines[at++]!.replace(/^\s*\$\$/, "");
    if (/\$\$\s*$/.test(first)) return block(first.replace(/\$\$\s*$/, ""));
    const body = [first, ...until((row) => /\$\$/.test(row))];
    body.push((lines[at++] ?? "").replace(/\$\$.*$/, ""));
    return block(body.join("\n"));
  }
}

/** A formula on lines of its own; a wide one is moved along inside its box. */
function block(latex: string): string {
  return `<div class="formula" tabindex="0" role="group" aria-label="Formula">${mathml(latex, true)}</div>`;
}

function list(rows: string[]): string {
  const ordered = /^\s*\d+\./.test(rows[0]!);
  const items: string[] = [];
  for (const row of rows) {
    const match = /^\s*(?:[-*]|\d+\.)\s+(.*)/.exec(row);
    if (match) items.push(match[1]!);
    else items[items.length - 1] += `\n${row.trim()}`;
  }
  const tag = ordered ? "ol" : "ul";
  return `<${tag}>${items.map((item) => `<li>${inline(item)}</li>`).join("")}</${tag}>`;
}

function table(rows: string[]): string {
  const cells = (row: string) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim()));
  const [head, , ...body] = rows;
  return `<div class="sl-table" tabindex="0" role="region" aria-label="Table"><table><thead><tr>${cells(head!).map((cell) => `<th scope="col">${cell}</th>`).join("")}</tr></thead><tbody>${body.map((row) => `<tr>${cells(row).map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("")}</tbody></table></div>`;
}
