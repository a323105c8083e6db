// The map of pictures: where each lies among the others by what the network makes of it, as a page in a frame.
import { Choice } from "./frame";

export type Laid = "" | "pca" | "tsne";

export interface PictureMapProps {
  run: string;
  /** How pictures are laid out; empty while there is no map. */
  laid: Laid;
  onLaid: (laid: Laid) => void;
  of: "test" | "samples";
  onOf: (of: "test" | "samples") => void;
}

export function PictureMap({ run, laid, onLaid, of, onOf }: PictureMapProps) {
  const page = `/api/inspect/${encodeURIComponent(run)}/embedding?pictures=${of}&layout=${laid}`;
  return (
    <section aria-labelledby="picture-map" class="inspector-map">
      <h2 id="picture-map">Map of pictures</h2>
      <p class="hint">Pictures that are alike to the network lie by each other: each is a place in the space of what its last layer reads.</p>
      <div class="controls">
        <Choice label="Laid out" value={laid || "none"} options={[["pca", "Widest directions"], ["tsne", "Neighbours"], ["none", "Not yet"]]} onValue={(next) => onLaid(next === "none" ? "" : next)} text={laid === "tsne" ? "By t-SNE: neighbours stay neighbours; distances between far groups mean little." : "The two directions in which the features vary most."} />
        <Choice label="Pictures" value={of} options={[["test", "Test pictures"], ["samples", "Bundled pictures"]]} onValue={onOf} />
      </div>
      {laid && (
        <>
          <iframe key={page} src={page} title="Map of pictures" sandbox="allow-scripts" />
          <p class="hint"><a href={page} target="_blank" rel="noreferrer">The map as a page of its own</a></p>
        </>
      )}
    </section>
  );
}
