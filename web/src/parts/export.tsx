// "Take it with you": the chain as Python, as a command line and as TOML, as the server writes them, and the pictures that
// these read.
import { useEffect, useState } from "preact/hooks";
import { pictureUrl, post, type ChainStep } from "../api";
import { Code } from "./copy";

interface Exported {
  python: string;
  command: string;
  toml: string;
  /** Pictures that only the lab has: samples, uploads, painted masks. */
  files: { name: string; ref: string }[];
}

export function Export({ inputs, steps }: { inputs: Record<string, string | string[]>; steps: ChainStep[] }) {
  const [found, setFound] = useState<Exported | null>(null);
  const [error, setError] = useState("");
  const key = JSON.stringify([inputs, steps]);
  useEffect(() => {
    let here = true;
    const timer = setTimeout(() => {
      post<Exported>("/api/export", { inputs, steps }).then(
        (answer) => { if (here) { setFound(answer); setError(""); } },
        (problem: Error) => here && setError(problem.message),
      );
    }, 200);
    return () => { here = false; clearTimeout(timer); };
  }, [key]);
  if (error) return <p class="error" role="alert">{error}</p>;
  if (!found) return <p class="hint">…</p>;
  return (
    <div class="export">
      <h3>Python</h3>
      <Code text={found.python} language="python" label="the Python" />
      <h3>Command line</h3>
      <Code text={found.command} label="the command line" />
      <h3>TOML, for <code>sightline pipeline</code></h3>
      <Code text={found.toml} label="the TOML" />
      {found.files.length > 0 && (
        <p class="hint">
          It reads {found.files.map((file, i) => <>{i ? (i < found.files.length - 1 ? ", " : " and ") : ""}<a key={file.ref} href={pictureUrl(file.ref)} download={file.name}>{file.name}</a></>)}: save {found.files.length > 1 ? "them" : "it"} beside the program, or put your own pictures there.
        </p>
      )}
    </div>
  );
}
