// What a network learns a painting from: the folder of photos, the name it is kept by, its loss, and all as a program.
import { useId } from "preact/hooks";
import type { Trace } from "../core/trace";
import { FolderChoice } from "./cockpit-folder";
import { readingOf } from "./program";

export function Learnt({ photos, name, onPhotos, onName }: { photos: string; name: string; onPhotos: (folder: string) => void; onName: (name: string) => void }) {
  const id = useId();
  return (
    <>
      <div class="control">
        <span>Learn on <b>{photos ? photos.slice(5) : "the photos of the lab"}</b></span>
        <span class="row wrap">
          <FolderChoice onFolder={(path) => onPhotos(`file:${path}`)} about="The folder holds photos, in folders of its own or not: a hundred or more." verb="Learn on" />
          {photos && <button type="button" class="small" onClick={() => onPhotos("")}>The photos of the lab</button>}
        </span>
        <p class="hint">The lab has fifteen: enough to see how it learns, not enough to learn it well.</p>
      </div>
      <div class="control">
        <label for={id}>Name of the network</label>
        <input id={id} value={name} pattern="[\w\-]+" onInput={(event) => onName(event.currentTarget.value.replace(/[^\w\-]/g, ""))} />
      </div>
    </>
  );
}

/** The loss at the first step and now, and on how many photos it learns. */
export function Loss({ frames }: { frames: Trace[] }) {
  const [first, last] = [frames[0], frames.at(-1)].map((frame) => frame as unknown as { loss: number; photos: number; left_out: number });
  if (!first || !last) return null;
  return <> Loss {first.loss.toPrecision(3)} → <b>{last.loss.toPrecision(3)}</b>, on {last.photos} photos{last.left_out ? `; ${last.left_out} cannot be read` : ""}.</>;
}

/** The program that learns the same network. */
export function lesson(model: string, photos: string, style: string, image: string, learnt: string, steps: number, size: number, seed: number): string {
  const read = photos ? `[sl.read(path) for path in sorted(Path("${photos.slice(5)}").rglob("*")) if path.suffix in (".jpg", ".png")]` : "[sl.data.sample(name) for name in sl.data.SAMPLES]";
  return `${photos ? "from pathlib import Path\n\n" : ""}import sightline as sl
from sightline.apply.painting import learning, painted, small

judge = sl.load("${model}")
photos = [small(photo, ${size}) for photo in ${read}]
for painter, loss in learning(judge, ${readingOf(style)}, photos, size=${size}, iterations=${steps}, seed=${seed}):
    pass
painter.save("${learnt}.safetensors")
sl.write("made.png", painted(painter, ${readingOf(image)}, ${size}))
`;
}
