// One colour a task, the same on every page: hues spread by the golden ratio over the sorted names.
let order: string[] = [];

export function setTasks(names: string[]): void {
  order = [...new Set(names)].sort();
}

/** The hue of a task, in degrees. */
export function hueOf(task: string): number {
  const index = Math.max(0, order.indexOf(task));
  return Math.round(((index * 0.6180339887498949) % 1) * 360);
}
