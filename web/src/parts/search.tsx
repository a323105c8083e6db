// The search of every page: a box in the header with what it finds below; `/` goes there.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { methods, type MethodRow } from "../api";
import { score, wordsOf } from "../pages/map";
import { go } from "../router";
import { Icon } from "./icon";

const COMBOBOX = { role: "combobox" } as object; // typed to want a datalist, which this one draws itself

export function HeaderSearch() {
  const [rows, setRows] = useState<MethodRow[]>([]);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    methods().then((fields) => setRows(fields.flatMap((field) => field.methods)), () => {});
  }, []);
  const words = wordsOf(text);
  const found = words.length
    ? rows.map((row) => [score(row, words), row] as const).filter(([points]) => points).sort((a, b) => b[0] - a[0]).slice(0, 9).map(([, row]) => row) : [];
  const choose = (row: MethodRow | undefined) => {
    if (!row) return;
    setText("");
    setOpen(false);
    input.current?.blur();
    go(`/method/${row.field}.${row.name}`);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else if (event.key === "Enter") choose(found[at]);
    else if (event.key === "Escape") setOpen(false);
    else return;
    event.preventDefault();
  };
  const shown = open && found.length > 0;
  return (
    <div class="header-search">
      <Icon name="search" />
      <input
        ref={input} id="search" type="search" {...COMBOBOX} aria-label="Search the methods" aria-expanded={shown} aria-controls={`${id}-list`} aria-autocomplete="list"
        aria-activedescendant={shown ? `${id}-${at}` : undefined} placeholder="Search  /" autocomplete="off" value={text}
        onInput={(event) => { setText(event.currentTarget.value); setAt(0); setOpen(true); }} onKeyDown={key} onFocus={() => setOpen(true)} onBlur={() => setTimeout(() => setOpen(false), 150)}
      />
      <ul id={`${id}-list`} role="listbox" aria-label="Methods found" hidden={!shown}>
        {found.map((row, i) => (
          <li key={row.name} id={`${id}-${i}`} role="option" aria-selected={i === at} onPointerDown={(event) => { event.preventDefault(); choose(row); }}>
            <b>{row.name}</b> <span>{row.summary.replace(/`/g, "")}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
