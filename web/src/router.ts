// Addresses: a path for the page, a query for its whole state.
import { signal } from "@preact/signals";

export interface Place {
  path: string;
  query: URLSearchParams;
}

function here(): Place {
  return { path: decodeURIComponent(location.pathname).replace(/\/+$/, "") || "/", query: new URLSearchParams(location.search) };
}

export const place = signal<Place>(here());

/** Go to an address of the lab; `replace` leaves no step back, for state that changes while dragging. */
export function go(address: string, replace = false): void {
  if (replace) history.replaceState(null, "", address);
  else {
    history.pushState(null, "", address);
    window.scrollTo(0, 0);
  }
  place.value = here();
}

let waiting = 0;
/** Write the state of a page into the address, at most a few times a second. */
export function keep(query: URLSearchParams): void {
  clearTimeout(waiting);
  const path = location.pathname;
  waiting = window.setTimeout(() => {
    if (location.pathname !== path) return;
    const text = query.toString();
    history.replaceState(null, "", text ? `${path}?${text}` : path);
  }, 150);
}

export function startRouter(): void {
  window.addEventListener("popstate", () => (place.value = here()));
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.origin !== location.origin || link.target || link.hasAttribute("download") || link.dataset["server"] !== undefined) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
