// Dropping and pasting, anywhere on the page: a picture becomes the picture in hand, a trace file is played.
import { useEffect, useState } from "preact/hooks";
import { readTrace } from "../core/trace";
import { go, place } from "../router";
import { openedTrace, picture, tell } from "../state";
import { take } from "./picker";

/** Pages that use the picture in hand listen to this; the event's detail is its reference. */
export const PICTURE_EVENT = "sightline-picture";

export async function openTrace(file: File): Promise<void> {
  try {
    openedTrace.value = { name: file.name, trace: readTrace(await file.arrayBuffer()) };
    if (place.peek().path !== "/trace") go("/trace");
  } catch (error) {
    tell(`${file.name}: ${(error as Error).message}`);
  }
}

async function open(file: File): Promise<void> {
  if (file.name.endsWith(".trace")) {
    await openTrace(file);
    return;
  }
  const ref = await take(file);
  if (!ref) return;
  picture.value = ref;
  document.dispatchEvent(new CustomEvent(PICTURE_EVENT, { detail: ref }));
  if (place.peek().path === "/") tell("Your picture is in hand: choose a method.");
}

export function Drop() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const files = (event: DragEvent) => event.dataTransfer?.types.includes("Files");
    const enter = (event: DragEvent) => { if (files(event)) { depth++; setOver(true); } };
    const leave = () => { if (--depth <= 0) { depth = 0; setOver(false); } };
    const hover = (event: DragEvent) => files(event) && event.preventDefault();
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      depth = 0;
      setOver(false);
      if (!file) return;
      event.preventDefault();
      void open(file);
    };
    const paste = (event: ClipboardEvent) => {
      const file = event.clipboardData?.files[0];
      if (file) void open(file);
    };
    const all = { dragenter: enter, dragleave: leave, dragover: hover, drop, paste } as unknown as Record<string, EventListener>;
    for (const [name, act] of Object.entries(all)) document.addEventListener(name, act);
    return () => { for (const [name, act] of Object.entries(all)) document.removeEventListener(name, act); };
  }, []);
  return over ? <div class="drop-here" aria-hidden="true">Drop a picture or a trace</div> : null;
}
