// One keypoint: the ring of its gradient angles with the directions taken, and its 4×4 cells of eight directions each.
export interface Keypoint {
  histogram: number[];
  angles: number[];
  descriptors: number[][][][];
  place: [number, number];
  scale: number;
}

const R = 70;

/** The histogram as a ring: angles as they are on the screen, y down. */
function Ring({ keypoint: { histogram, angles } }: { keypoint: Keypoint }) {
  const top = Math.max(...histogram, 1e-9);
  const half = Math.PI / histogram.length;
  const at = (angle: number, r: number) => `${(r * Math.cos(angle)).toFixed(2)} ${(r * Math.sin(angle)).toFixed(2)}`;
  return (
    <svg class="ring" viewBox="-92 -92 184 184" role="img" aria-label={`Histogram of gradient angles; ${angles.length === 1 ? "one direction is taken" : `${angles.length} directions are taken`}: ${angles.map((one) => `${((one * 180) / Math.PI).toFixed(0)}°`).join(", ")}`}>
      <circle r={R} class="rim" />
      <circle r={0.8 * R} class="rim least" />
      {histogram.map((value, i) => {
        const [angle, r] = [(2 * Math.PI * i) / histogram.length, (R * value) / top];
        return <path key={i} class="bar" d={`M0 0 L${at(angle - half, r)} A${r} ${r} 0 0 1 ${at(angle + half, r)} Z`}><title>{`${((angle * 180) / Math.PI).toFixed(0)}°: ${value.toFixed(3)}`}</title></path>;
      })}
      {angles.map((angle) => <path key={angle} class="arrow" d={`M0 0 L${at(angle, R + 16)}`} />)}
    </svg>
  );
}

/** The descriptor: a star of eight directions in each cell, turned with the keypoint. */
function Cells({ code }: { code: number[][][] }) {
  const top = Math.max(...code.flat(2), 1e-9);
  return (
    <svg class="cells" viewBox="-2 -2 164 164" role="img" aria-label={`Descriptor: 4 by 4 cells of 8 directions, largest number ${top.toFixed(3)}`}>
      {code.map((row, r) => row.map((bins, c) => (
        <g key={`${r} ${c}`} transform={`translate(${40 * c + 20} ${40 * r + 20})`}>
          <rect x={-20} y={-20} width={40} height={40} class="rim" />
          {bins.map((value, o) => {
            const angle = (-2 * Math.PI * o) / bins.length; // counter-clockwise on the screen
            return <line key={o} class="bar" x2={((18 * value) / top) * Math.cos(angle)} y2={((18 * value) / top) * Math.sin(angle)}><title>{`cell ${r + 1}, ${c + 1}, ${45 * o}°: ${value.toFixed(3)}`}</title></line>;
          })}
        </g>
      )))}
    </svg>
  );
}

export function Described({ keypoint, said }: { keypoint: Keypoint | null; said: string }) {
  const code = keypoint?.descriptors[0];
  return (
    <div class="described" data-angles={keypoint?.angles.length ?? ""}>
      {keypoint ? (
        <>
          <p><b>At ({keypoint.place[0].toFixed(1)}, {keypoint.place[1].toFixed(1)}), scale {keypoint.scale.toFixed(1)} pixels.</b> {said}</p>
          <div class="row wrap">
            <figure><figcaption>Gradient angles; each peak above the inner ring is a direction</figcaption><Ring keypoint={keypoint} /></figure>
            {code && <figure><figcaption>4×4×8 numbers of the {keypoint.angles.length > 1 ? "first direction" : "descriptor"}</figcaption><Cells code={code} /></figure>}
          </div>
        </>
      ) : <p>No keypoint on this level. Lower the contrast, or go to another level.</p>}
    </div>
  );
}
