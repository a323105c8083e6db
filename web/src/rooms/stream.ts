// Traces that come one after the other in one answer, `u32 length | trace`: what a method makes, while it makes it.
import { postRaw } from "../api";
import { readTrace, type Trace } from "../core/trace";

/** Hand over each trace of an answer as it arrives; ends with the answer, or when the signal ends it. */
export async function readStream(path: string, body: unknown, signal: AbortSignal, onTrace: (trace: Trace) => void): Promise<void> {
  const reader = (await postRaw(path, body, signal)).body!.getReader();
  let kept = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(kept.length + value.length);
    joined.set(kept);
    joined.set(value, kept.length);
    let at = 0;
    for (;;) {
      if (joined.length < at + 4) break;
      const length = new DataView(joined.buffer).getUint32(at, true);
      if (joined.length < at + 4 + length) break;
      onTrace(readTrace(joined.slice(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    kept = joined.slice(at);
  }
}
