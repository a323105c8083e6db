// The picture view as a component: a painted step, the picture before, zoom buttons and the reading under the pointer.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Painted } from "../core/painted";
import { short, type Raster } from "../core/raster";
import { PictureView, ViewLink, type Reading, type Tool } from "../core/view";
import { Icon } from "./icon";

export interface PictureProps {
  painted: Painted | null;
  before?: Raster | null;
  /** Share of the width that shows the picture before; 0 turns it off. */
  split?: number;
  onSplit?: (share: number) => void;
  /** Views with the same link zoom, move and point together. */
  link?: ViewLink;
  label?: string;
  tool?: Tool | null;
  onStep?: (by: number) => void;
  onExact?: () => void;
  onReading?: (reading: Reading | null) => void;
  /** Width over height of the box; the picture's own when it is left out. */
  aspect?: number;
  /** Redraw when this changes: what a tool draws has changed. */
  tick?: unknown;
  /** Screen pixels that a pixel must be wide for its numbers to stand in it; 26 when it is left out. */
  numbersFrom?: number;
  bare?: boolean;
}

export function Picture(props: PictureProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<PictureView | null>(null);
  const [reading, setReading] = useState<Reading | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useLayoutEffect(() => {
    const made = new PictureView(props.link ?? new ViewLink(), props.label);
    made.onStep = (by) => latest.current.onStep?.(by);
    made.onHover = (at) => {
      setReading(at);
      latest.current.onReading?.(at);
    };
    made.onExact = () => latest.current.onExact?.();
    made.onSplit = (share) => latest.current.onSplit?.(share);
    box.current!.prepend(made.element);
    view.current = made;
    return () => {
      made.destroy();
      made.element.remove();
    };
  }, []);

  const { painted, before = null, split = 0, tool = null, aspect } = props;
  useLayoutEffect(() => { // at once: the frame after next would be late for a camera
    const made = view.current!;
    made.tool = tool;
    made.numbersFrom = props.numbersFrom ?? 26;
    if (Math.abs(made.split - split) > 1e-6) made.split = split;
    made.show(painted, before);
    const ratio = aspect ?? (painted?.width ? painted.width / painted.height : 1.5);
    made.element.style.aspectRatio = String(Math.max(0.75, Math.min(2.6, ratio)));
  }, [painted, before, split, tool, aspect, props.tick]);

  return (
    <div class="picture" ref={box}>
      {!props.bare && (
        <div class="picture-bar">
          <button type="button" class="icon" aria-label="Zoom in" title="Zoom in (+)" onClick={() => view.current?.zoomBy(1.6)}><Icon name="plus" /></button>
          <button type="button" class="icon" aria-label="Zoom out" title="Zoom out (−)" onClick={() => view.current?.zoomBy(1 / 1.6)}><Icon name="minus" /></button>
          <button type="button" class="icon" aria-label="Fit" title="Fit (0)" onClick={() => view.current?.reset()}><Icon name="fit" /></button>
          <button type="button" class="small" title="Zoom until the numbers stand in the pixels" onClick={() => view.current?.zoomTo(52)}>123</button>
          <output class="reading">{say(reading)}</output>
        </div>
      )}
    </div>
  );
}

function say(reading: Reading | null): string {
  if (!reading) return "";
  const words = (values: number[]) => values.map(short).join(" ");
  const change = reading.before.length ? `${words(reading.before)} → ` : "";
  return `(${reading.x}, ${reading.y})  ${change}${words(reading.values)}`;
}
