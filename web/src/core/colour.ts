// Colours with a meaning: the same numbers as the library's own canvas, so that a picture looks alike everywhere.

/** Okabe and Ito 2008: distinguishable with every kind of colour vision. */
export const PALETTE = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"] as const;

export function colourOf(index: number): string {
  return PALETTE[index % PALETTE.length]!;
}

const HEAT = [
  0, 0, 4, 11, 7, 36, 33, 12, 74, 61, 9, 101, 86, 16, 110, 112, 25, 110, 137, 34, 106, 163, 44, 97, 187, 54, 84, 209,
  69, 69, 227, 89, 50, 241, 114, 30, 249, 140, 10, 252, 170, 15, 249, 201, 50, 242, 232, 101, 252, 255, 164,
];

/** 256 colours from dark to bright, as 32-bit pixels. */
const HEAT_TABLE = /* @__PURE__ */ (() => {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const position = (i / 255) * 16;
    const low = Math.min(Math.floor(position), 15);
    const share = position - low;
    const mix = (c: number) => Math.round(HEAT[3 * low + c]! * (1 - share) + HEAT[3 * low + 3 + c]! * share);
    table[i] = pixel(mix(0), mix(1), mix(2));
  }
  return table;
})();

function pixel(red: number, green: number, blue: number, alpha = 255): number {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

const GREY = pixel(128, 128, 128);

const GREY_TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, level) => pixel(level, level, level));

export function heatPixels(data: ArrayLike<number>, low: number, high: number): Uint32Array {
  const span = high > low ? high - low : 1;
  const pixels = new Uint32Array(data.length);
  for (let i = 0; i < pixels.length; i++) {
    const share = (data[i]! - low) / span;
    pixels[i] = Number.isNaN(share) ? GREY : HEAT_TABLE[Math.max(0, Math.min(255, Math.round(share * 255)))]!;
  }
  return pixels;
}

/** Levels 0–255 in the colours of heat, or in greys. */
export function levelPixels(levels: Uint8Array, heat: boolean): Uint32Array {
  const table = heat ? HEAT_TABLE : GREY_TABLE;
  const pixels = new Uint32Array(levels.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[levels[i]!]!;
  return pixels;
}

export function heatCss(share: number): string {
  const value = HEAT_TABLE[Math.max(0, Math.min(255, Math.round(share * 255)))]!;
  return `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
}

/** Near labels have far colours: the golden ratio spreads the hues. */
const LABEL_TABLE = /* @__PURE__ */ (() => {
  const table = new Uint32Array(1024);
  for (let i = 0; i < 1024; i++) {
    const turn = ((i + 1) * 0.6180339887498949) % 1;
    const shade = 0.62 + 0.38 * ((i % 3) / 2);
    const part = (offset: number) => {
      const wave = Math.abs(((turn * 6 + offset) % 6) - 3) - 1;
      return Math.round(255 * shade * (0.25 + 0.75 * Math.max(0, Math.min(1, wave))));
    };
    table[i] = pixel(part(3), part(1), part(5));
  }
  return table;
})();

export function labelPixels(data: ArrayLike<number>, over: boolean): Uint32Array {
  const pixels = new Uint32Array(data.length);
  const nothing = over ? 0 : pixel(0, 0, 0);
  for (let i = 0; i < pixels.length; i++) {
    const label = data[i]!;
    const colour = LABEL_TABLE[(((label - 1) % 1024) + 1024) % 1024]!;
    pixels[i] = label === 0 ? nothing : over ? (colour & 0xffffff) | (128 << 24) : colour;
  }
  return pixels;
}

/** The colours of what is set and what is not: black and white, or laid over a picture. */
function maskColours(over: boolean): [number, number] {
  return over ? [pixel(230, 159, 0, 128), 0] : [pixel(255, 255, 255), pixel(0, 0, 0)];
}

/** Write a mask of eight pixels a byte, the first one lowest, into `pixels`. */
export function bitPixels(packed: Uint8Array, over: boolean, pixels: Uint32Array): void {
  const [set, clear] = maskColours(over);
  pixels.fill(clear);
  for (let i = 0, at = 0; i < packed.length; i++, at += 8) {
    for (let byte = packed[i]!, bit = 0; byte; byte >>= 1, bit++) if (byte & 1) pixels[at + bit] = set;
  }
}

export function maskPixels(data: ArrayLike<number>, over: boolean): Uint32Array {
  const pixels = new Uint32Array(data.length);
  const [set, clear] = maskColours(over);
  for (let i = 0; i < pixels.length; i++) pixels[i] = data[i] ? set : clear;
  return pixels;
}

/** The smallest and the largest number; NaN and infinities are left out. */
export function extent(data: ArrayLike<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (value < low && value !== -Infinity) low = value;
    if (value > high && value !== Infinity) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}
