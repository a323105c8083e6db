// The hand-made rooms, one entry a room. The list is read by the router and the header; a room is loaded when it is opened.
import type { ComponentType } from "preact";

export interface Room {
  id: string;
  title: string;
  summary: string;
  load: () => Promise<{ default: ComponentType }>;
}

export const rooms: Room[] = [];
