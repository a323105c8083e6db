// A dialog that paints a mask over the picture in use.
import { useMemo, useState } from "preact/hooks";
import type { Painted } from "../core/painted";
import type { Raster } from "../core/raster";
import { tell } from "../state";
import { Brush, MaskLayer } from "./brush";
import { Dialog } from "./dialog";

export interface PaintDialogProps {
  before: Raster;
  /** Width and height that the method works at: the mask has the same. */
  size: [number, number];
  name: string;
  onMask: (ref: string) => void;
  onClose: () => void;
}

export function PaintDialog({ before, size, name, onMask, onClose }: PaintDialogProps) {
  const layer = useMemo(() => new MaskLayer(size[0], size[1]), []);
  const [busy, setBusy] = useState(false);
  const painted = useMemo<Painted>(
    () => ({ name: "picture", width: size[0], height: size[1], under: before, over: [], strokes: [], second: null, beside: [] }),
    [before],
  );
  const use = async () => {
    setBusy(true);
    try {
      onMask((await layer.upload()).ref);
    } catch (error) {
      tell((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Paint ${name}`} onClose={onClose}>
      <Brush painted={painted} layer={layer} />
      <p class="row"><button type="button" class="primary" disabled={busy} onClick={() => void use()}>Use it</button> <button type="button" onClick={onClose}>Leave it</button></p>
    </Dialog>
  );
}
