// The hand-made rooms, one entry a room. The list is read by the router and the header; a room is loaded when it is
// opened, and what the list of rooms says of each (told.ts) when that is.
import type { ComponentType } from "preact";

export interface Room {
  id: string;
  load: () => Promise<{ default: ComponentType }>;
}

export const rooms: Room[] = [
  { id: "kernel", load: () => import("./kernel") },
  { id: "otsu", load: () => import("./otsu") },
  { id: "hough", load: () => import("./hough") },
  { id: "blend", load: () => import("./blend") },
  { id: "seams", load: () => import("./seams") },
  { id: "cockpit", load: () => import("./cockpit") },
  { id: "inspector", load: () => import("./inspector") },
  { id: "annotate", load: () => import("./annotate") },
  { id: "attack", load: () => import("./attack") },
  { id: "imagine", load: () => import("./imagine") },
  { id: "morphology", load: () => import("./morphology") },
  { id: "clusters", load: () => import("./clusters") },
  { id: "tower", load: () => import("./tower") },
  { id: "consensus", load: () => import("./consensus") },
  { id: "views", load: () => import("./views") },
  { id: "calibration", load: () => import("./calibration") },
  { id: "reconstruction", load: () => import("./reconstruction") },
  { id: "flow", load: () => import("./flow") },
  { id: "tracker", load: () => import("./tracker") },
  { id: "cascade", load: () => import("./cascade") },
  { id: "eigenfaces", load: () => import("./eigenfaces") },
  { id: "race", load: () => import("./race") },
  { id: "tape", load: () => import("./tape") },
  { id: "court", load: () => import("./court") },
  { id: "anchors", load: () => import("./anchors") },
  { id: "precision", load: () => import("./precision") },
  { id: "proposals", load: () => import("./proposals") },
  { id: "queries", load: () => import("./queries") },
  { id: "words", load: () => import("./words") },
  { id: "codes", load: () => import("./codes") },
  { id: "clock", load: () => import("./clock") },
  { id: "digits", load: () => import("./digit-map") },
];
