// The hand-made rooms, one entry a room. The list is read by the router and the header; a room is loaded when it is opened.
import type { ComponentType } from "preact";

export interface Room {
  id: string;
  title: string;
  summary: string;
  load: () => Promise<{ default: ComponentType }>;
}

export const rooms: Room[] = [
  { id: "kernel", title: "Kernel slider", summary: "A table of weights moves over the picture; products and sum are written out.", load: () => import("./kernel") },
  { id: "otsu", title: "Otsu and the histogram", summary: "A threshold dragged over the histogram, and the curve whose peak Otsu's method takes.", load: () => import("./otsu") },
  { id: "hough", title: "Hough transform", summary: "Edges on one side, the votes for all lines on the other: point at either.", load: () => import("./hough") },
  { id: "blend", title: "Pyramid blend", summary: "Two photos joined under a painted mask, band by band, beside the plain cut.", load: () => import("./blend") },
  { id: "seams", title: "Seam carving", summary: "A photo gets narrower by the seams that are missed least; paint what stays or goes.", load: () => import("./seams") },
  { id: "cockpit", title: "Training cockpit", summary: "Start a training and watch it learn; then see what it confuses, and ask it.", load: () => import("./cockpit") },
  { id: "inspector", title: "Model inspector", summary: "A trained network opened: feature maps, receptive fields, attention, and what speaks for a class.", load: () => import("./inspector") },
  { id: "morphology", title: "Morphology", summary: "Draw a footprint, and see what it does to pixels and to a photo.", load: () => import("./morphology") },
  { id: "clusters", title: "Colour clusters", summary: "k-means and mean shift, round by round: colours as a cloud, centres that move.", load: () => import("./clusters") },
  { id: "tower", title: "SIFT tower", summary: "Octaves and levels as a stack, extrema on their level, and one keypoint described in full.", load: () => import("./tower") },
  { id: "consensus", title: "Consensus theatre", summary: "RANSAC round by round: the sample, its model, who agrees, and how many rounds are still needed.", load: () => import("./consensus") },
  { id: "views", title: "Two-view table", summary: "A point in one photo is a line in the other; pairs, epipoles, and what to doubt.", load: () => import("./views") },
  { id: "calibration", title: "Calibration", summary: "Photos of a chessboard become a camera: corners, errors drawn as arrows, the lens undone.", load: () => import("./calibration") },
  { id: "reconstruction", title: "Structure from motion", summary: "A folder of photos becomes a cloud of points to go around, with the cameras in it.", load: () => import("./reconstruction") },
  { id: "flow", title: "Optical flow", summary: "What moved between two pictures, level by level: colours, arrows, and what is left over.", load: () => import("./flow") },
  { id: "tracker", title: "Tracker's ledger", summary: "Predict, compare, assign, update: frame by frame to where identities are mixed up.", load: () => import("./tracker") },
  { id: "cascade", title: "Cascade", summary: "Stages throw out windows until faces are left; how many remain after each.", load: () => import("./cascade") },
  { id: "eigenfaces", title: "Eigenfaces", summary: "A mean face, what faces differ by, and a face rebuilt from a few of these differences.", load: () => import("./eigenfaces") },
  { id: "race", title: "Optimiser race", summary: "Optimisers come down a loss of two weights, from where you point, at the rates that you give them.", load: () => import("./race") },
  { id: "tape", title: "Autograd tape", summary: "A tiny net computed node by node, then its slopes sent back edge by edge.", load: () => import("./tape") },
  { id: "codes", title: "Code scanner", summary: "QR and bar codes from a photo or the camera, step by step; and made from text.", load: () => import("./codes") },
  { id: "clock", title: "K-means clock", summary: "Centres put down well or badly, round by round to where they rest.", load: () => import("./clock") },
  { id: "digits", title: "Map of digits", summary: "t-SNE as it goes on: point at a digit, and see its neighbours.", load: () => import("./digit-map") },
];
