// The lens on the words of Grounding DINO: where in the picture each phrase of a text looks, and the boxes that answer it.
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { colourOf } from "../core/colour";
import { Picker } from "../parts/picker";
import { Picture } from "../parts/picture";
import { StepScrubber } from "../parts/scrubber";
import { usePainted } from "../parts/use-painted";
import { keep, place } from "../router";
import { useTraceOf } from "./asked";
import { boxTool, drawBox, drawLabel, type Box } from "./boxes";
import { RunChoice } from "./box-runs";
import { Choice, Room } from "./frame";
import { paintedOf, tileOf, valuesOf, veil } from "./inspector-model";
import "./detection.css";

/** P phrases, L layers of the feature enhancer, and of each phrase its surest boxes. */
interface Words {
  phrases: string[];
  layers: number;
  boxes: Box[][];
  scores: number[][];
}

const REST = 400; // milliseconds that a text rests before it is asked about

export default function WordsRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) || 0 : fallback);
  const [image, setImage] = useState(query.get("image") ?? "sample:cat");
  const [text, setText] = useState(query.get("text") ?? "a cat. green eyes.");
  const [run, setRun] = useState(query.get("run") ?? "");
  const [seed, setSeed] = useState(number("seed", 0));
  const [phrase, setPhrase] = useState(number("phrase", 0));
  const [at, setAt] = useState(number("layer", 1e9));
  const [shown, setShown] = useState(number("boxes", 1));
  const field = useId();
  const found = useTraceOf("/api/words", text.trim() ? { input: image, text, ...(run ? { run } : { seed }) } : null, REST);
  const trace = found.value;
  const told = trace as unknown as Words | null;
  const seen = usePainted(trace, 0);
  const maps = useMemo(() => valuesOf(trace, "attention"), [trace]);
  const layers = told?.layers ?? 1;
  const [layer, chosen] = [Math.min(at, layers - 1), Math.min(phrase, (told?.phrases.length ?? 1) - 1)];
  const map = useMemo(() => (maps ? tileOf(maps, chosen * layers + layer) : null), [maps, chosen, layer, layers]);
  const most = useMemo(() => (map ? map.reduce((a, b) => Math.max(a, b), 0) : 0), [map]);
  const painted = useMemo(() => {
    if (!seen?.under || !map || !maps) return seen;
    const [height, width] = [maps.shape[1]!, maps.shape[2]!];
    return paintedOf(`Words in layer ${layer + 1}`, seen.under, [veil(map.map((one) => one / Math.max(most, 1e-12)), width, height)]);
  }, [seen, map, maps, most, layer]);

  useEffect(() => {
    const next = new URLSearchParams({ image, text, phrase: String(phrase), boxes: String(shown) });
    if (run) next.set("run", run);
    else next.set("seed", String(seed));
    if (layer < layers - 1) next.set("layer", String(layer));
    keep(next);
  }, [image, text, run, seed, phrase, layer, layers, shown]);

  const size: [number, number] = [seen?.under?.width ?? 320, seen?.under?.height ?? 320];
  const tool = useMemo(() => boxTool(size, () => {}, () => {}, (context, to) => {
    told?.boxes[chosen]?.slice(0, shown).forEach((one, i) => {
      const colour = colourOf(1 + i);
      drawLabel(context, `${told.phrases[chosen]} ${told.scores[chosen]![i]!.toFixed(2)}`, drawBox(context, to, one, colour, i ? 1 : 3), colour);
    });
  }), [told, chosen, shown, size[0], size[1]]);

  const span = (low: number, high: number, step: number, top = high) => ({ low, high, step, least: low, most: top, log: false });
  const controls = (
    <>
      <Picker label="Picture" value={image} onValue={(ref) => ref && setImage(ref)} />
      <div class="control">
        <label for={field}>Text</label>
        <input id={field} value={text} maxLength={500} onInput={(event) => setText(event.currentTarget.value)} />
        <p class="hint">Phrases, with a full stop behind each.</p>
      </div>
      <RunChoice value={run} onValue={setRun} suits={(recipe) => recipe === "detect/grounding_dino"} train="detect/grounding_dino" />
      {!run && <Slider label="Seed" value={seed} span={span(0, 20, 1, 1e9)} onValue={(next) => setSeed(Math.round(next))} text="Of its first weights." />}
      {told && told.phrases.length > 1 && <Choice label="Phrase" value={String(chosen)} options={told.phrases.map((one, i) => [String(i), one])} onValue={(next) => setPhrase(Number(next))} />}
      <Slider label="Boxes drawn" value={shown} span={span(0, 5, 1)} onValue={(next) => setShown(Math.round(next))} text="The surest of this phrase, after the last layer of the decoder." />
    </>
  );
  const scores = told?.scores[chosen];
  return (
    <Room
      title="Word lens" lead="Grounding DINO reads a text and looks at a picture at once: in each layer of its enhancer every word takes from the places that are like it, before anything is boxed."
      methods={["detect.grounding_dino", "explain.word_attention"]} lesson={{ id: "w7d5", title: "Detection as a set" }} controls={controls} onPicture={setImage} error={found.error}
    >
      <StepScrubber names={Array.from({ length: layers }, (_, i) => `layer ${i + 1}`)} index={layer} onIndex={setAt} pace={900} />
      <Picture painted={painted} tool={tool} tick={tool} label="Words" />
      {told && scores && map && maps && (
        <div class="room-told" role="status" data-phrases={told.phrases.length} data-layers={layers} data-layer={layer + 1} data-phrase={told.phrases[chosen]} data-most={most.toFixed(6)}>
          {!run && <p class="doubt">This network has learnt nothing, and knows the words of this text alone: where they look is chance. Train one and choose it.</p>}
          <p><b class="is-pixel">{told.phrases[chosen]}</b> in layer {layer + 1} of {layers}: of {maps.shape[2]}×{maps.shape[1]} places, the one it looks at most has {(100 * most).toFixed(1)} % of its attention; if it looked everywhere alike, each had {(100 / map.length).toFixed(2)} %.</p>
        </div>
      )}
      {told && (
        <div class="sl-table court-table" tabIndex={0} role="region" aria-label="What answers each phrase">
          <table>
            <caption>The surest box of each phrase</caption>
            <thead><tr><th scope="col">phrase</th><th scope="col">score</th><th scope="col">x1</th><th scope="col">y1</th><th scope="col">x2</th><th scope="col">y2</th></tr></thead>
            <tbody>{told.phrases.map((one, i) => <tr key={i}><th scope="row"><button type="button" class="small" aria-pressed={i === chosen} onClick={() => setPhrase(i)}>{one}</button></th><td>{told.scores[i]![0]!.toFixed(3)}</td>{told.boxes[i]![0]!.map((side, k) => <td key={k}>{side.toFixed(0)}</td>)}</tr>)}</tbody>
          </table>
        </div>
      )}
    </Room>
  );
}
