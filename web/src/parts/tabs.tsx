// Tabs: one list of names, one panel; the arrow keys go along.
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";

export interface Tab {
  id: string;
  title: string;
  body: () => ComponentChildren;
}

export function Tabs({ tabs, at, onTab, label }: { tabs: Tab[]; at: string; onTab: (id: string) => void; label: string }) {
  const base = useId();
  const list = useRef<HTMLDivElement>(null);
  const index = Math.max(0, tabs.findIndex((tab) => tab.id === at));
  const key = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!by) return;
    event.preventDefault();
    const next = (index + by + tabs.length) % tabs.length;
    onTab(tabs[next]!.id);
    (list.current!.children[next] as HTMLElement).focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} ref={list} onKeyDown={key}>
        {tabs.map((tab, i) => (
          <button type="button" role="tab" key={tab.id} id={`${base}-${tab.id}`} aria-selected={i === index} aria-controls={`${base}-panel`} tabIndex={i === index ? 0 : -1} onClick={() => onTab(tab.id)}>{tab.title}</button>
        ))}
      </div>
      <div role="tabpanel" id={`${base}-panel`} aria-labelledby={`${base}-${tabs[index]!.id}`}><h2 class="sr">{tabs[index]!.title}</h2>{tabs[index]!.body()}</div>
    </div>
  );
}
