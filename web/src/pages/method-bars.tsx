// The bars of a method's page: saving, sharing, chaining; and what a camera or a video needs.
import { tell } from "../state";
import type { Setting } from "../controls/controls";
import type { Trace } from "../core/trace";
import { Icon } from "../parts/icon";
import { go } from "../router";
import type { FrameSource } from "../frames";
import { exactRun, requestOf } from "./run";

export function save(bytes: Uint8Array, name: string, type = "application/octet-stream"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function PageActions({ setting, trace }: { setting: Setting; trace: Trace | null }) {
  const saveTrace = async () => {
    try {
      const exact = await exactRun(requestOf(setting));
      save(exact.bytes, `${setting.method.replace(/.*\./, "")}.trace`);
    } catch (error) {
      if (trace) save(trace.bytes, `${setting.method.replace(/.*\./, "")}.trace`);
      else tell((error as Error).message);
    }
  };
  const share = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      tell("The address of this page, with all its settings, is copied.");
    } catch {
      tell("The address line holds this page with all its settings.");
    }
  };
  const chain = () => {
    const [first, ...others] = Object.entries(setting.inputs);
    const parameters = { ...setting.parameters, ...Object.fromEntries(others) };
    const query = new URLSearchParams({ ...(first ? { image: first[1] } : {}), steps: JSON.stringify([{ method: setting.method, parameters }]) });
    go(`/pipeline?${query}`);
  };
  return (
    <div class="row wrap actions">
      <button type="button" onClick={chain} title="Start a pipeline with this method"><Icon name="chain" /> Pipeline</button>
      <button type="button" onClick={() => void saveTrace()} title="Save the steps as a trace file"><Icon name="save" /> Save trace</button>
      <button type="button" onClick={() => void share()} title="Copy the address with all settings"><Icon name="link" /> Share</button>
    </div>
  );
}

export function FrameBar({ source, rate, onStop }: { source: FrameSource; rate: number; onStop: () => void }) {
  return (
    <div class="frame-bar row" role="group" aria-label="Moving picture">
      <span class="live-dot" aria-hidden="true" /> <b>{source.name}</b>
      <span class="rate" data-rate={rate.toFixed(1)}>{rate ? `${rate.toFixed(0)} frames/s` : "…"}</span>
      <button type="button" class="small" onClick={() => source.toggle()}>Pause / play</button>
      <button type="button" class="small" onClick={onStop}><Icon name="close" /> Stop</button>
    </div>
  );
}
