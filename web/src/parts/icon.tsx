// The few signs that buttons carry, drawn as strokes in the colour of the text.
const PATHS: Record<string, string> = {
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  play: "M4 2.5v11l9-5.5z",
  pause: "M5 3v10M11 3v10",
  back: "M10 3 5 8l5 5",
  on: "M6 3l5 5-5 5",
  close: "M3 3l10 10M13 3 3 13",
  copy: "M5 5V2h9v9h-3M2 5h9v9H2z",
  check: "M2 8.5 6 12l8-8",
  up: "M3 10l5-5 5 5",
  down: "M3 6l5 5 5-5",
  camera: "M1.5 4.5h3l1-2h5l1 2h3v9h-13zM8 6.2a2.6 2.6 0 1 0 .01 0",
  folder: "M1.5 3h5l1.5 2h6.5v8.5h-13z",
  upload: "M8 11V2M4.5 5.5 8 2l3.5 3.5M2 10v4h12v-4",
  split: "M8 1v14M2 3h12v10H2z",
  compare: "M1.5 3h5.5v10H1.5zM9 3h5.5v10H9z",
  chain: "M1.5 6h4v4h-4zM10.5 6h4v4h-4zM5.5 8h5",
  save: "M8 2v8M4.5 6.5 8 10l3.5-3.5M2 11v3h12v-3",
  link: "M6.5 9.5l3-3M7 4l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 8.5M9 12l-1.5 1.5A3 3 0 0 1 3 9l1.5-1.5",
  sun: "M8 5a3 3 0 1 0 .01 0M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.5A6 6 0 1 1 6.5 2.5a5 5 0 0 0 7 7z",
  auto: "M8 2a6 6 0 1 0 .01 0zM8 2v12",
  search: "M7 2.5a4.5 4.5 0 1 0 .01 0M10.5 10.5 14 14",
  brush: "M13.5 2.5 7 9M7 9c-2-1-4 0-4 2.5 0 1-.5 1.5-1.5 2 3 .8 6 0 6.5-2.5z",
};

export function Icon({ name }: { name: string }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round">
      <path d={PATHS[name] ?? ""} fill={name === "play" ? "currentColor" : "none"} />
    </svg>
  );
}
