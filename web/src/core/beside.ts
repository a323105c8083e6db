// What stands beside the picture of a step: tables, curves, clouds of points, sentences and formulas, as plain elements.
import { drawCloud } from "./cloud";
import { drawCurve } from "./curve";
import { mathml } from "./math";
import type { Beside } from "./painted";
import { short } from "./raster";

const MOST_ROWS = 200;

/** Return the element of one layer. */
export function besideElement(item: Beside): HTMLElement {
  if (item.kind === "table" && item.rows) return table(item);
  if (item.kind === "cloud" && item.rows) return drawCloud(item.rows);
  const box = document.createElement("div");
  if (item.kind === "curve" && item.rows) {
    const [count = 0, width = 2] = item.rows.shape;
    const column = (c: number) => Float64Array.from({ length: count }, (_, i) => item.rows!.data[i * width + c]!);
    const x = column(0);
    const lines = Array.from({ length: width - 1 }, (_, c) => ({ name: `${c + 1}`, x, y: column(c + 1) }));
    const axes: [string, string] = [item.columns[0] ?? "x", item.columns[1] ?? "y"];
    box.append(drawCurve(lines, { axes, mark: item.mark }));
    return box;
  }
  if (item.formula) box.innerHTML = mathml(item.formula, true);
  if (item.text) {
    const text = document.createElement(item.text.includes("\n") || item.text.length > 90 ? "pre" : "p");
    text.textContent = item.text;
    text.className = "sl-text";
    if (text.tagName === "PRE") text.tabIndex = 0;
    box.append(text);
  }
  return box;
}

function table(item: Beside): HTMLElement {
  const rows = item.rows!;
  const count = rows.shape[0] ?? 0;
  const width = rows.shape[1] ?? 1;
  const box = document.createElement("div");
  box.className = "sl-table";
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", `Table of ${count} rows`);
  const element = box.appendChild(document.createElement("table"));
  if (item.columns.length) {
    const head = element.createTHead().insertRow();
    for (const name of item.columns) {
      const cell = document.createElement("th");
      cell.textContent = name;
      head.append(cell);
    }
  }
  const body = element.createTBody();
  for (let i = 0; i < Math.min(count, MOST_ROWS); i++) {
    const row = body.insertRow();
    for (let c = 0; c < width; c++) row.insertCell().textContent = short(rows.data[i * width + c]!);
  }
  if (count > MOST_ROWS) body.insertRow().insertCell().textContent = `… ${count} rows`;
  return box;
}
