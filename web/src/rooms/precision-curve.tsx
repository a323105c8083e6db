// Precision against recall, both from 0 to 1: a point a detection, and the area under their best as it grows.
export interface PrecisionCurveProps {
  /** Recall and precision after each detection. */
  curve: [number, number][];
  right: boolean[];
  /** Recall and the best precision from there on. */
  heights: [number, number][];
  /** The area has a step at each detection; else it is a mean of heights, drawn as bars. */
  steps: boolean;
}

const [WIDE, HIGH, LEFT, TOP, SIDE] = [360, 300, 42, 10, 250];

export function PrecisionCurve({ curve, right, heights, steps }: PrecisionCurveProps) {
  const x = (recall: number) => LEFT + recall * (WIDE - LEFT - 12);
  const y = (precision: number) => TOP + (1 - precision) * SIDE;
  const half = 0.5 / Math.max(1, heights.length - 1);
  const bars = heights.map(([recall, precision], i) => (steps
    ? { from: i ? heights[i - 1]![0] : 0, until: recall, precision }
    : { from: Math.max(0, recall - 0.8 * half), until: Math.min(1, recall + 0.8 * half), precision }));
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const last = curve.at(-1);
  const label = last ? `${curve.length} detections: recall ${last[0].toFixed(2)}, precision ${last[1].toFixed(2)}` : "No detection yet";
  return (
    <svg class="precision-curve" viewBox={`0 0 ${WIDE} ${HIGH}`} role="img" aria-label={label}>
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="rule" x1={x(0)} x2={x(1)} y1={y(tick)} y2={y(tick)} />
          <line class="rule" x1={x(tick)} x2={x(tick)} y1={y(0)} y2={y(1)} />
          <text x={LEFT - 5} y={y(tick) + 4} text-anchor="end">{tick}</text>
          <text x={x(tick)} y={y(0) + 14} text-anchor="middle">{tick}</text>
        </g>
      ))}
      {bars.map(({ from, until, precision }, i) => <rect key={i} class="area" x={x(from)} width={Math.max(0, x(until) - x(from))} y={y(precision)} height={y(0) - y(precision)} />)}
      <polyline class="line" points={curve.map(([r, p]) => `${x(r).toFixed(1)},${y(p).toFixed(1)}`).join(" ")} />
      {curve.map(([r, p], i) => <circle key={i} class={`${right[i] ? "is-hit" : "is-miss"} ${i === curve.length - 1 ? "is-now" : ""}`} cx={x(r)} cy={y(p)} r={i === curve.length - 1 ? 6 : 3.2} />)}
      <text x={(x(0) + x(1)) / 2} y={HIGH - 8} text-anchor="middle">recall</text>
      <text x={12} y={y(0.5)} text-anchor="middle" transform={`rotate(-90 12 ${y(0.5)})`}>precision</text>
    </svg>
  );
}
