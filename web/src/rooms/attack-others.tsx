// One change for many pictures: what it is worth on those that it was not made from, and some of them with it.
import type { Trace } from "../core/trace";
import { Picture } from "../parts/picture";
import { usePainted } from "../parts/use-painted";

export interface Other {
  before: string;
  after: string;
}

const FIRST = 3; // steps of a trace before the other pictures

/** On what share of other pictures the change works. */
export function Worth({ told, goal, busy }: { told: { made_from?: number; tried_on?: number; works?: number; already?: number; pictures?: string }; goal: string; busy: boolean }) {
  return (
    <p class="hint" role="status" data-works={busy ? "" : told.works}>
      {busy ? "The next one is learnt…" : <>Made from {told.made_from} {told.pictures}. Of {told.tried_on} others, <b>{Math.round(100 * (told.works ?? 0))} %</b> {goal ? <>are taken for <b>{goal}</b> with it, {Math.round(100 * (told.already ?? 0))} % without</> : "get another answer with it"}.</>}
    </p>
  );
}

/** Pictures that the change was not made from, each with it. */
export function Others({ trace, others, goal }: { trace: Trace; others: Other[]; goal: string }) {
  return (
    <section aria-labelledby="others">
      <h2 id="others">On other pictures</h2>
      <div class="attack-others">
        {others.map((other, i) => <One key={i} trace={trace} index={i} other={other} works={other.after !== other.before && (!goal || other.after === goal)} />)}
      </div>
    </section>
  );
}

function One({ trace, index, other, works }: { trace: Trace; index: number; other: Other; works: boolean }) {
  const painted = usePainted(trace, FIRST + index);
  return (
    <figure data-works={works}>
      <Picture painted={painted} label={`Other picture ${index + 1}, with the change`} bare />
      <figcaption>{other.before === other.after ? <>still {other.after}</> : <>{other.before} → <b>{other.after}</b></>}</figcaption>
    </figure>
  );
}

/** The same on a few pictures of the package. */
export function programOf(model: string, reading: string, method: string, levels: number, target: string, seed: number): string {
  const made = method === "patch" ? `patch(model.model, batch, target=model.recipe.classes.index(${JSON.stringify(target)}))` : `universal_perturbation(model.model, batch, eps=${levels} / 255)`;
  return `import torch
import sightline as sl

model = sl.load("${model}")


def seen(photo):
    return torch.from_numpy(sl.to_float(model.recipe.form.prepare(photo))).permute(2, 0, 1)


batch = torch.stack([seen(sl.data.sample(name)) for name in ("cat", "coffee", "rocket", "china", "flower")])
made = sl.attack.${made}
scores = model.model(made.apply(seen(${reading})[None]${method === "patch" ? `, seed=${seed}` : ""}))
print(model.recipe.classes[int(scores.argmax())])
`;
}
