// What is drawn on a folder's pictures: read once, and kept on the server after each change.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, put } from "../api";
import type { Box } from "./annotate-boxes";

export interface Drawn {
  name: string;
  ref: string;
  width: number;
  height: number;
  /** Null where nobody has looked yet: such a picture is no part of the set. */
  boxes: Box[] | null;
}

export interface Folder {
  classes: string[];
  pictures: Drawn[];
  /** The other form that the folder is annotated in already: it can only be looked at. */
  form: string;
  version: string;
}

export interface Kept {
  folder: Folder | null;
  state: "opening" | "kept" | "keeping" | "failed";
  error: string;
  change: (next: Pick<Folder, "classes" | "pictures">) => void;
}

const REST = 350; // milliseconds between a change and its keeping

export function useKept(path: string): Kept {
  const [folder, setFolder] = useState<Folder | null>(null);
  const [state, setState] = useState<Kept["state"]>("opening");
  const [error, setError] = useState("");
  const version = useRef("");
  const waiting = useRef<Folder | null>(null);
  const busy = useRef(false);
  useEffect(() => {
    setFolder(null);
    setError("");
    setState("opening");
    waiting.current = null;
    if (!path) return;
    let here = true;
    get<Folder>(`/api/annotations?folder=${encodeURIComponent(path)}`).then(
      (found) => {
        if (!here) return;
        version.current = found.version;
        setFolder(found);
        setState("kept");
      },
      (problem: Error) => { if (here) { setError(problem.message); setState("failed"); } },
    );
    return () => { here = false; };
  }, [path]);

  const keep = async () => {
    if (busy.current) return; // it goes on with the newest when it is done
    busy.current = true;
    while (waiting.current) {
      const next = waiting.current;
      waiting.current = null;
      const pictures = Object.fromEntries(next.pictures.filter((one) => one.boxes).map((one) => [one.name, one.boxes!]));
      try {
        version.current = (await put<{ version: string }>("/api/annotations", { folder: path, version: version.current, classes: next.classes, pictures })).version;
        setState("kept");
        setError("");
      } catch (problem) {
        setState("failed");
        setError((problem as Error).message);
      }
    }
    busy.current = false;
  };
  const timer = useRef(0);
  const change: Kept["change"] = (next) => {
    if (!folder) return;
    const made = { ...folder, ...next };
    setFolder(made);
    setState("keeping");
    waiting.current = made;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void keep(), REST);
  };
  return { folder, state, error, change };
}
