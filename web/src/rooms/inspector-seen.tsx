// What the model sees and what it answers: click a class, and the evidence for it lies over the picture.
import { useEffect, useMemo, useState } from "preact/hooks";
import { post } from "../api";
import type { Raster } from "../core/raster";
import { Picture } from "../parts/picture";
import { Answers } from "./classifier";
import { Choice } from "./frame";
import { Sanity } from "./inspector-sanity";
import { paintedOf, useTraced, valuesOf, veil } from "./inspector-model";

interface Answer {
  label: string;
  score: number;
  top: { label: string; score: number }[];
}

export type Way = "grad_cam" | "grad_cam_plus_plus" | "saliency" | "smooth_grad" | "integrated_gradients" | "occlusion" | "eigen_cam" | "guided_backprop" | "deconvnet" | "attention_rollout" | "none";

export const WAYS: [Way, string][] = [["grad_cam", "Grad-CAM"], ["grad_cam_plus_plus", "Grad-CAM++"], ["saliency", "Saliency"], ["smooth_grad", "SmoothGrad"], ["integrated_gradients", "Integrated gradients"], ["occlusion", "Occlusion"], ["eigen_cam", "Eigen-CAM"], ["guided_backprop", "Guided backprop"], ["deconvnet", "Deconvnet"], ["attention_rollout", "Attention rollout"], ["none", "Nothing"]];

const TEXTS: Record<Way, string> = {
  grad_cam: "The last maps, each weighed by how much it moves the class.",
  grad_cam_plus_plus: "The last maps, weighed place by place.",
  saliency: "How much each pixel moves the class.",
  smooth_grad: "The same, the mean over many noisy copies.",
  integrated_gradients: "The whole score, shared out among the pixels.",
  occlusion: "What it costs to cover one place after the other.",
  eigen_cam: "What stands out in the last maps, for any class.",
  guided_backprop: "The pattern that moves the class; of a network with ReLU.",
  deconvnet: "The pattern that the maps answer to; of a network with ReLU.",
  attention_rollout: "Where the attention of all layers leads, for any class.",
  none: "The picture alone.",
};

export interface SeenProps {
  run: string;
  input: string | null;
  /** What the model sees, once it is known. */
  seen: Raster | null;
  /** The true class, where it is known. */
  truth: string;
  target: string;
  onTarget: (target: string) => void;
  way: Way;
  onWay: (way: Way) => void;
  /** What the unit in hand sees. */
  box: number[] | null;
  /** Whether the network attends: it has a rollout then. */
  attends: boolean;
  sanity: boolean;
  onSanity: (open: boolean) => void;
}

export function Seen({ run, input, seen, truth, target, onTarget, way, onWay, box, attends, sanity, onSanity }: SeenProps) {
  const [answer, setAnswer] = useState<{ of: string; found: Answer } | null>(null);
  const [error, setError] = useState("");
  const key = `${run} ${input}`;
  useEffect(() => {
    if (!input) return;
    let here = true;
    post<Answer>(`/api/predict/${run}`, { input }).then(
      (found) => { if (here) { setAnswer({ of: key, found }); setError(""); } },
      (problem: Error) => here && setError(problem.message),
    );
    return () => { here = false; };
  }, [key]);
  const fresh = answer?.of === key ? answer.found : null;
  const asked = target || fresh?.label || "";
  const evidence = useTraced(`/api/inspect/${run}/evidence`, input && asked && way !== "none" ? { input, target: asked, method: way } : null);
  const values = useMemo(() => valuesOf(evidence.trace, "evidence"), [evidence.trace]);
  const over = useMemo(() => (values && way !== "none" && values.shape[1] === seen?.width ? [veil(values.data, values.shape[1]!, values.shape[0]!)] : []), [values, way, seen]);
  const painted = useMemo(() => paintedOf("What the model sees", seen, over, box), [seen, over, box?.join()]);
  const shown = answer?.found.top.slice(0, 10) ?? [];
  const odd = shown.every(({ label }) => label !== target) && target;
  const ways = WAYS.filter(([name]) => attends || name !== "attention_rollout");
  return (
    <>
      <div class="room-pair inspector-seen" data-shown={evidence.fresh && asked && way !== "none" && values ? `${way} ${asked}` : ""}>
        <figure>
          <figcaption>What the model sees{seen ? `, ${seen.width}×${seen.height} pixels` : ""}{way !== "none" && asked ? <>; what speaks for “<b>{asked}</b>” is lit</> : ""}{box && "; in the box, what the unit below sees"}</figcaption>
          <Picture painted={painted} label="What the model sees" aspect={seen ? seen.width / seen.height : 1} />
        </figure>
        <figure>
          <figcaption>What it answers{truth && <>; it is a “<b>{truth}</b>”</>}. Choose a class to see what speaks for it.</figcaption>
          <Answers rows={[...shown, ...(odd ? [{ label: target, score: 0 }] : [])]} marked={asked} onChoose={onTarget} />
          <Choice label="Lit by" value={way} options={ways} onValue={onWay} text={TEXTS[way]} />
          {(error || evidence.error) && <p class="error" role="alert">{error || evidence.error}</p>}
        </figure>
      </div>
      {way !== "none" && way !== "attention_rollout" && <Sanity run={run} input={input} target={asked} way={way} open={sanity} onOpen={onSanity} />}
    </>
  );
}
