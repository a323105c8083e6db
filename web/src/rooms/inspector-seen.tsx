// What the model sees and what it answers: click a class, and the evidence for it lies over the picture.
import { useEffect, useMemo, useState } from "preact/hooks";
import { post } from "../api";
import type { Raster } from "../core/raster";
import { Picture } from "../parts/picture";
import { Answers } from "./classifier";
import { Choice } from "./frame";
import { paintedOf, useTraced, valuesOf, veil } from "./inspector-model";

interface Answer {
  label: string;
  score: number;
  top: { label: string; score: number }[];
}

export type Way = "grad_cam" | "grad_cam_plus_plus" | "saliency" | "smooth_grad" | "integrated_gradients" | "occlusion" | "deconvnet" | "attention_rollout" | "none";

export const WAYS: [Way, string][] = [["grad_cam", "Grad-CAM"], ["grad_cam_plus_plus", "Grad-CAM++"], ["saliency", "Saliency"], ["smooth_grad", "SmoothGrad"], ["integrated_gradients", "Integrated gradients"], ["occlusion", "Occlusion"], ["none", "Nothing"]];

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
}

export function Seen({ run, input, seen, truth, target, onTarget, way, onWay, box }: SeenProps) {
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
  return (
    <div class="room-pair inspector-seen" data-shown={evidence.fresh && asked && way !== "none" && values ? `${way} ${asked}` : ""}>
      <figure>
        <figcaption>What the model sees{seen ? `, ${seen.width}×${seen.height} pixels` : ""}{way !== "none" && asked ? <>; what speaks for “<b>{asked}</b>” is lit</> : ""}{box && "; in the box, what the unit below sees"}</figcaption>
        <Picture painted={painted} label="What the model sees" aspect={seen ? seen.width / seen.height : 1} />
      </figure>
      <figure>
        <figcaption>What it answers{truth && <>; it is a “<b>{truth}</b>”</>}. Choose a class to see what speaks for it.</figcaption>
        <Answers rows={[...shown, ...(odd ? [{ label: target, score: 0 }] : [])]} marked={asked} onChoose={onTarget} />
        <Choice label="Lit by" value={way} options={WAYS} onValue={onWay} text="Grad-CAM weighs the last maps by how much they move the class. Grad-CAM++ weighs place by place. Saliency asks each pixel, SmoothGrad many noisy copies, integrated gradients share the whole score out. Occlusion covers one place after the other." />
        {(error || evidence.error) && <p class="error" role="alert">{error || evidence.error}</p>}
      </figure>
    </div>
  );
}
