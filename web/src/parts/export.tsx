// "Take it with you": the chain as Python, as a command line and as TOML, as the server writes them.
import { useEffect, useState } from "preact/hooks";
import { post, type ChainStep } from "../api";
import { Code } from "./copy";

interface Exported {
  python: string;
  command: string;
  toml: string;
}

export function Export({ inputs, steps }: { inputs: Record<string, string>; steps: ChainStep[] }) {
  const [found, setFound] = useState<Exported | null>(null);
  const [error, setError] = useState("");
  const key = JSON.stringify([inputs, steps]);
  useEffect(() => {
    let here = true;
    const timer = setTimeout(() => {
      post<Exported>("/api/export", { input: Object.values(inputs)[0] ?? null, steps }).then(
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
    </div>
  );
}
