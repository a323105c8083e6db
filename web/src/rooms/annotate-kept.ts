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
  const waiting = useRef<{ path: string; made: Folder } | null>(null);
  const busy = useRef(false);
  const timer = useRef(0);
  const open = useRef(path);
  open.current = path;
  useEffect(() => {
    setFolder(null);
    setError("");
    setState("opening");
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
    return () => {
      here = false;
      clearTimeout(timer.current);
      void keep(); // what still rests is kept before the folder is left
    };
  }, [path]);

  const keep = async () => {
    if (busy.current) return; // it goes on with the newest when it is done
    busy.current = true;
    while (waiting.current) {
      const { path: folder, made } = waiting.current;
      waiting.current = null;
      const pictures = Object.fromEntries(made.pictures.filter((one) => one.boxes).map((one) => [one.name, one.boxes!]));
      try {
        const kept = await put<{ version: string }>("/api/annotations", { folder, version: version.current, classes: made.classes, pictures });
        if (open.current !== folder) continue; // another one was opened meanwhile, with a version of its own
        version.current = kept.version;
        setState(waiting.current ? "keeping" : "kept");
        setError("");
      } catch (problem) {
        setState("failed");
        setError((problem as Error).message);
      }
    }
    busy.current = false;
  };
  const change: Kept["change"] = (next) => {
    if (!folder) return;
    const made = { ...folder, ...next };
    setFolder(made);
    setState("keeping");
    waiting.current = { path, made };
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void keep(), REST);
  };
  return { folder, state, error, change };
}
