// The autograd tape: a tiny net computed node by node, and its slopes sent back edge by edge.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Slider } from "../controls/slider";
import { StepScrubber } from "../parts/scrubber";
import { keep, place } from "../router";
import { useAsked } from "./asked";
import { Choice, Room } from "./frame";
import "./learning.css";

type Kind = "tanh" | "sigmoid" | "relu";

interface Node {
  name: string;
  operation: string;
  cell: [number, number];
  value: number;
  slope: number;
  parents: number[];
  learnt: boolean;
}

interface Tape {
  nodes: Node[];
  sent: { node: number; slope: number; parts: { to: number; local: number; part: number; so_far: number }[] }[];
  weights: number[];
  next: number[];
}

const [WIDE, HIGH, GAP, LANE] = [74, 46, 20, 12];

function short(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

function called(node: Node): string {
  return node.name || node.operation;
}

export default function TapeRoom() {
  const query = useRef(place.peek().query).current;
  const number = (name: string, fallback: number) => (query.has(name) ? Number(query.get(name)) || 0 : fallback);
  const given = query.get("kind");
  const [kind, setKind] = useState<Kind>(given === "sigmoid" || given === "relu" ? given : "tanh");
  const [x1, setX1] = useState(number("x1", 1));
  const [x2, setX2] = useState(number("x2", -0.5));
  const [target, setTarget] = useState(number("target", 1));
  const [rate, setRate] = useState(number("rate", 0.1));
  const [weights, setWeights] = useState<number[]>(query.get("weights")?.split(",").map(Number).filter(Number.isFinite) ?? []);
  const [taken, setTaken] = useState(0);
  const [at, setAt] = useState(number("at", 0));
  const found = useAsked<Tape>("/api/tape", { inputs: [x1, x2], target, kind, rate, weights: weights.length === 9 ? weights : [] });
  const tape = found.value;
  const made = useMemo(() => (tape?.nodes ?? []).map((_, i) => i).filter((i) => tape!.nodes[i]!.parents.length), [tape]);
  const last = made.length + (tape?.sent.length ?? 0);
  const index = Math.min(at, last);
  const forward = Math.min(index, made.length);
  const back = index - forward;

  useEffect(() => {
    const next = new URLSearchParams({ kind, x1: String(x1), x2: String(x2), target: String(target), rate: String(rate), at: String(index) });
    if (weights.length === 9) next.set("weights", weights.map((one) => Number(one.toFixed(5))).join(","));
    keep(next);
  }, [kind, x1, x2, target, rate, weights, index]);

  const names = ["given", ...made.map((i) => `forward: ${called(tape!.nodes[i]!)}`), ...(tape?.sent ?? []).map((one) => `back: ${called(tape!.nodes[one.node]!)}`)];
  const known = new Set(made.slice(0, forward));
  const slopes = new Map<number, number>();
  if (tape && back > 0) slopes.set(tape.sent[0]!.node, tape.sent[0]!.slope);
  for (const row of tape?.sent.slice(0, back) ?? []) for (const part of row.parts) slopes.set(part.to, part.so_far);
  const now = !tape || index === 0 ? -1 : back > 0 ? tape.sent[back - 1]!.node : made[forward - 1]!;
  const row = tape && back > 0 ? tape.sent[back - 1]! : null;

  const left = ([column, _]: [number, number]) => 4 + column * (WIDE + GAP);
  const top = ([_, line]: [number, number]) => 4 + line * (HIGH + LANE);
  const width = tape ? Math.max(...tape.nodes.map((node) => left(node.cell))) + WIDE + 4 : 100;
  const height = tape ? Math.max(...tape.nodes.map((node) => top(node.cell))) + HIGH + 4 : 100;
  const span = (low: number, high: number, step: number) => ({ low, high, step, least: -100, most: 100, log: false });
  const loss = tape?.nodes[tape.nodes.length - 1];
  const reset = () => { setWeights([]); setTaken(0); setAt(0); };
  const controls = (
    <>
      <Choice label="Bend" value={kind} options={[["tanh", "tanh"], ["sigmoid", "sigmoid"], ["relu", "ReLU"]]} onValue={setKind} text="What the two hidden units do with their sums." />
      <Slider label="x1" value={x1} span={span(-2, 2, 0.05)} onValue={setX1} />
      <Slider label="x2" value={x2} span={span(-2, 2, 0.05)} onValue={setX2} />
      <Slider label="Target" value={target} span={span(-2, 2, 0.05)} onValue={setTarget} text="What y should be; the loss is the square of what is missing." />
      <Slider label="Learning rate" value={rate} span={{ low: 0.001, high: 1, step: 0.001, least: 0, most: 10, log: true }} onValue={setRate} text="Each weight goes down its slope, times this." />
      <div class="control">
        <button type="button" onClick={() => { if (tape) { setWeights(tape.next); setTaken(taken + 1); setAt(last); } }}>Take a step down</button>{" "}
        <button type="button" class="small" onClick={reset}>First weights</button>
      </div>
    </>
  );
  return (
    <Room
      title="Autograd tape" lead="A net of two inputs, two hidden units and nine weights, written down as it is computed. Then the tape is read from its end: each node sends its slope back to what it was made of."
      methods={["learn.gradients", "learn.grad_check"]} lesson={{ id: "w4d4", title: "Backpropagation by hand" }} controls={controls} error={found.error}
    >
      <StepScrubber bare names={names} index={index} onIndex={setAt} pace={700} />
      {tape && (
        <div class="tape-board" tabIndex={0} role="group" aria-label="The tape">
          <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label="graph of the net, values above, slopes below">
            {tape.nodes.flatMap((node, i) => node.parents.map((parent, k) => {
              const from = tape.nodes[parent]!.cell;
              const [a, b, c, d] = [left(from) + WIDE, top(from) + HIGH / 2, left(node.cell), top(node.cell) + HIGH / 2];
              const bend = Math.max(10, (c - a) / 2);
              const lit = i === now;
              return <path key={`${i}-${k}`} d={`M${a} ${b}C${a + bend} ${b} ${c - bend} ${d} ${c} ${d}`} class={lit ? (row ? "edge is-back" : "edge is-forward") : "edge"} />;
            }))}
            {tape.nodes.map((node, i) => {
              const seen = !node.parents.length || known.has(i);
              const slope = slopes.get(i);
              const middle = left(node.cell) + WIDE / 2;
              return (
                <g key={i} class={`node${node.learnt ? " is-learnt" : ""}${i === now ? " is-now" : ""}`}>
                  <rect x={left(node.cell)} y={top(node.cell)} width={WIDE} height={HIGH} rx="5" />
                  <text x={middle} y={top(node.cell) + 13} class="name">{node.name && node.operation ? `${node.name} ${node.operation}` : called(node)}</text>
                  <text x={middle} y={top(node.cell) + 27}>{seen ? short(node.value) : "·"}</text>
                  <text x={middle} y={top(node.cell) + 41} class="slope">{slope === undefined ? "" : `∂ ${short(slope)}`}</text>
                </g>
              );
            })}
          </svg>
        </div>
      )}
      {tape && loss && (
        <div class="room-told" role="status" data-tape={index} data-last={last} data-loss={loss.value} data-taken={taken}>
          {index === 0 && <p><b>What is given:</b> two inputs, nine weights (blue), the target. Nothing is computed yet.</p>}
          {!row && index > 0 && (
            <p><b>Forward {forward} of {made.length}:</b> {called(tape.nodes[now]!)} = {tape.nodes[now]!.operation} of {tape.nodes[now]!.parents.map((parent) => `${called(tape.nodes[parent]!)} ${short(tape.nodes[parent]!.value)}`).join(" and ")} = {short(tape.nodes[now]!.value)}.</p>
          )}
          {row && (
            <p><b>Back {back} of {tape.sent.length}:</b> at {called(tape.nodes[row.node]!)} the slope of the loss is {short(row.slope)}. {row.parts.map((part) => `To ${called(tape.nodes[part.to]!)} goes ${short(row.slope)} × ${short(part.local)} = ${short(part.part)}`).join("; ")}.</p>
          )}
          <p>{index >= last ? `All slopes are there. The loss is ${short(loss.value)}${taken ? ` after ${taken} ${taken === 1 ? "step" : "steps"} down` : ""}; take a step and it gets smaller, if the step is not too long.` : `The loss ${known.has(tape.nodes.length - 1) ? `is ${short(loss.value)}` : "is not known yet"}.`}</p>
        </div>
      )}
    </Room>
  );
}
