// Curves, tables, clouds and sentences of a step, and a curve of one's own.
import { useEffect, useRef } from "preact/hooks";
import { besideElement } from "../core/beside";
import { drawCurve, valueAt, type CurveOptions, type Line } from "../core/curve";
import type { Beside } from "../core/painted";

export function BesideView({ items }: { items: Beside[] }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current!.replaceChildren(...items.map(besideElement));
  }, [items]);
  return <div class="beside" ref={box} hidden={!items.length} />;
}

export interface CurveProps extends CurveOptions {
  lines: Line[];
  /** Called with the place on the x axis that the mark is dragged to. Give the keyboard a slider beside it. */
  onMark?: (x: number) => void;
}

/** Lines over axes; `onMark` makes the mark draggable. */
export function Curve({ lines, onMark, ...options }: CurveProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current!.replaceChildren(drawCurve(lines, options));
  });
  const at = (event: PointerEvent) => onMark?.(valueAt(box.current!.firstElementChild as SVGSVGElement, event.clientX));
  const down = (event: PointerEvent) => {
    box.current!.setPointerCapture(event.pointerId);
    at(event);
  };
  return (
    <div
      class={onMark ? "curve can-drag" : "curve"}
      ref={box}
      onPointerDown={onMark ? down : undefined}
      onPointerMove={onMark ? (event) => event.buttons && at(event) : undefined}
    />
  );
}
