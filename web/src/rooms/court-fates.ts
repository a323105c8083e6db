// Where each box of a court stands after some rounds.
import type { Box } from "./boxes";

export interface Round {
  best: number;
  score: number;
  rivals: number[];
  overlaps: number[];
  weights: number[];
  scores: number[];
}

export interface Court {
  ref: string;
  size: [number, number];
  boxes: Box[];
  scores: number[];
  kept: number[];
  left: number[];
  rounds: Round[];
}

export interface Fate {
  state: "waits" | "taken" | "gone";
  /** What its score is by now. */
  score: number;
}

/** Play the first rounds: the server says what happens in each. */
export function courtAt(court: Court, rounds: number): Fate[] {
  const fates: Fate[] = court.scores.map((score) => ({ state: "waits", score }));
  for (const one of court.rounds.slice(0, rounds)) {
    fates[one.best] = { state: "taken", score: one.score };
    one.rivals.forEach((i, k) => (fates[i] = { state: one.weights[k] === 0 ? "gone" : "waits", score: one.scores[k]! }));
  }
  if (rounds === court.rounds.length) for (const one of fates) if (one.state === "waits") one.state = "gone"; // below the floor
  return fates;
}
