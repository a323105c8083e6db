// What pages share: the theme, the picture in hand, a trace that was dropped, and notices.
import { effect, signal } from "@preact/signals";
import type { Trace } from "./core/trace";

export type Theme = "system" | "light" | "dark";

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export const theme = signal<Theme>((stored("sightline-theme") as Theme | null) ?? "system");
effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  try {
    localStorage.setItem("sightline-theme", theme.value);
  } catch {
    // a browser that keeps nothing: the choice lasts as long as the page
  }
});

/** The own picture that was opened last: pages without one in their address start with it. */
export const picture = signal<string | null>(null);

/** A trace file that was dropped or opened. */
export const openedTrace = signal<{ name: string; trace: Trace } | null>(null);

export const notice = signal<string>("");
let timer = 0;
export function tell(text: string): void {
  notice.value = text;
  clearTimeout(timer);
  timer = window.setTimeout(() => (notice.value = ""), 5000);
}

export const calm = matchMedia("(prefers-reduced-motion: reduce)");
