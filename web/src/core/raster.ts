// Rasters: what can be drawn pixel by pixel, with the numbers behind the colours.
import { bitPixels, extent, heatPixels, labelPixels, levelPixels, maskPixels } from "./colour";
import { blobOf, bytesOf, numbersOf, valueOf, type BlobEntry, type Layer, type Trace } from "./trace";

export interface Raster {
  width: number;
  height: number;
  image: CanvasImageSource;
  /** The numbers at a pixel: one a channel; empty outside. */
  read(x: number, y: number): number[];
  /** Whether the numbers went through a lossy file: good to look at, not to read off. */
  lossy: boolean;
  /** The range that a heat map is stretched from. */
  range?: [number, number];
}

export function canvasOf(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, width);
  canvas.height = Math.max(1, height);
  return canvas;
}

export function canvasFrom(pixels: Uint32Array, width: number, height: number): HTMLCanvasElement {
  const canvas = canvasOf(width, height);
  if (width && height) {
    const bytes = new Uint8ClampedArray(pixels.buffer as ArrayBuffer, pixels.byteOffset, 4 * width * height);
    canvas.getContext("2d")!.putImageData(new ImageData(bytes, width, height), 0, 0);
  }
  return canvas;
}

/** Canvases that a moving picture's frames are drawn on in turn: what was drawn three frames ago is gone. */
export class CanvasRing {
  private readonly slots: { canvas: HTMLCanvasElement; pixels: Uint32Array; data: ImageData }[] = [];
  private turn = 0;

  /** Return the next canvas, with what `fill` writes into its pixels. */
  draw(width: number, height: number, fill: (pixels: Uint32Array) => void): HTMLCanvasElement {
    if (!width || !height) return canvasOf(width, height);
    this.turn = (this.turn + 1) % 3;
    let slot = this.slots[this.turn];
    if (slot?.canvas.width !== width || slot.canvas.height !== height) {
      const pixels = new Uint32Array(width * height);
      const data = new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
      this.slots[this.turn] = slot = { canvas: canvasOf(width, height), pixels, data };
    }
    fill(slot.pixels);
    slot.canvas.getContext("2d")!.putImageData(slot.data, 0, 0);
    return slot.canvas;
  }
}

/** A raster of an image that the browser decoded; its pixels are read back only when somebody asks for a number. */
export function rasterOfImage(
  image: ImageBitmap | HTMLCanvasElement | OffscreenCanvas, channels: number, lossy: boolean, scale = 1,
): Raster {
  const { width, height } = image;
  let data: Uint8ClampedArray | null = null;
  return {
    width,
    height,
    image,
    lossy,
    read(x, y) {
      if (x < 0 || y < 0 || x >= width || y >= height) return [];
      if (!data) {
        const canvas = canvasOf(width, height);
        const context = canvas.getContext("2d", { willReadFrequently: true })!;
        context.drawImage(image, 0, 0);
        data = context.getImageData(0, 0, width, height).data;
      }
      const at = 4 * (y * width + x);
      const found: number[] = [];
      for (let c = 0; c < channels; c++) found.push(data[at + c]! * scale);
      return found;
    },
  };
}

export async function decodeImage(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<ImageBitmap> {
  const options: ImageBitmapOptions = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  return createImageBitmap(new Blob([bytes], { type: `image/${type}` }), options);
}

function reader(data: ArrayLike<number>, width: number, height: number, channels: number): Raster["read"] {
  return (x, y) => {
    if (x < 0 || y < 0 || x >= width || y >= height) return [];
    const at = (y * width + x) * channels;
    return Array.from({ length: channels }, (_, c) => data[at + c]!);
  };
}

const WHITE: Record<string, number> = { uint16: 65535, float32: 1, float64: 1, float16: 1, bool: 1 };

function photoPixels(data: ArrayLike<number>, count: number, channels: number, white: number): Uint32Array {
  const pixels = new Uint32Array(count);
  if (data instanceof Uint8Array && channels === 3) { // as they come, and quick: a live picture of few colours
    for (let i = 0, at = 0; i < count; i++, at += 3) pixels[i] = ((255 << 24) | (data[at + 2]! << 16) | (data[at + 1]! << 8) | data[at]!) >>> 0;
    return pixels;
  }
  const factor = 255 / white;
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    const level = (c: number) => Math.max(0, Math.min(255, Math.round(data[at + (channels >= 3 ? c : 0)]! * factor)));
    pixels[i] = ((255 << 24) | (level(2) << 16) | (level(1) << 8) | level(0)) >>> 0;
  }
  return pixels;
}

/** Decode the first field of a layer (a picture, heat, mask or labels); `over` leaves what is not set see-through, on a
 *  `ring` masks are drawn that the next frames replace. */
export async function rasterOf(trace: Trace, kind: string, value: unknown, over: boolean, ring?: CanvasRing): Promise<Raster> {
  const entry = blobOf(value);
  if (!entry) return plainRaster(trace, kind, value, over);
  const height = entry.shape[0] ?? 0;
  const width = entry.shape[1] ?? 0;
  const channels = entry.shape[2] ?? 1;
  if (entry.as === "levels") return levelled(trace, entry, width, height);
  if (entry.as === "png" || entry.as === "jpeg") return encoded(trace, entry, kind, channels, over);
  if (entry.as === "bits" && kind === "mask") return bitmask(trace, entry, width, height, over, ring);
  const { data } = numbersOf(trace, value);
  const read = reader(data, width, height, channels);
  if (kind === "picture" && channels !== 2) {
    if (channels === 1 && data instanceof Uint8Array) return { width, height, image: canvasFrom(levelPixels(data, false), width, height), read, lossy: false };
    const pixels = photoPixels(data, width * height, channels, WHITE[entry.dtype] ?? 255);
    return { width, height, image: canvasFrom(pixels, width, height), read, lossy: false };
  }
  return { width, height, lossy: false, read, ...shaded(kind, one(data, width * height, channels), width, height, over) };
}

/** A mask from its bits at once; they become numbers only when somebody asks for one. */
function bitmask(trace: Trace, entry: BlobEntry, width: number, height: number, over: boolean, ring?: CanvasRing): Raster {
  const packed = trace.body.subarray(entry.at, entry.at + entry.bytes);
  const fill = (pixels: Uint32Array) => bitPixels(packed, over, pixels);
  return {
    width, height, lossy: false, image: (ring ?? new CanvasRing()).draw(width, height, fill),
    read(x, y) {
      const at = y * width + x;
      return x < 0 || y < 0 || x >= width || y >= height ? [] : [(packed[at >> 3]! >> (at & 7)) & 1];
    },
  };
}

/** A map of values that came in 256 levels: good to look at, and about right to read off. */
function levelled(trace: Trace, entry: BlobEntry, width: number, height: number): Raster {
  const levels = bytesOf(trace, entry);
  return {
    width, height, lossy: true, range: [entry.low!, entry.high!], image: canvasFrom(levelPixels(levels, true), width, height),
    read: (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? [] : [valueOf(entry, levels[y * width + x]!)]),
  };
}

function plainRaster(trace: Trace, kind: string, value: unknown, over: boolean): Raster {
  const { data, shape } = numbersOf(trace, value);
  const [height, width] = [shape[0] ?? 1, shape[1] ?? 1];
  return { width, height, lossy: false, read: reader(data, width, height, 1), ...shaded(kind, data, width, height, over) };
}

function shaded(kind: string, data: ArrayLike<number>, width: number, height: number, over: boolean) {
  if (kind === "mask") return { image: canvasFrom(maskPixels(data, over), width, height) };
  if (kind === "labels") return { image: canvasFrom(labelPixels(data, over), width, height) };
  const range = extent(data);
  return { image: canvasFrom(heatPixels(data, range[0], range[1]), width, height), range };
}

/** One number a pixel: several channels become their length. */
function one(data: ArrayLike<number>, count: number, channels: number): ArrayLike<number> {
  if (channels === 1) return data;
  const found = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += data[i * channels + c]! ** 2;
    found[i] = Math.sqrt(sum);
  }
  return found;
}

async function encoded(trace: Trace, entry: BlobEntry, kind: string, channels: number, over: boolean): Promise<Raster> {
  const bitmap = await decodeImage(bytesOf(trace, entry), entry.as);
  const lossy = entry.as === "jpeg";
  const scale = entry.dtype === "bool" ? 1 / 255 : 1;
  const plain = rasterOfImage(bitmap, channels, lossy, scale);
  if (kind === "picture" || (kind === "mask" && !over)) return plain;
  const { width, height } = bitmap;
  const data = new Float32Array(width * height);
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) data[i] = plain.read(x, y)[0]!;
  return { ...plain, ...shaded(kind, data, width, height, over) };
}

/** A sheet of tiles, each stretched to its own range, with a pixel between them. */
export function mosaic(trace: Trace, layer: Layer): Raster {
  const { data, shape } = numbersOf(trace, layer["tiles"]);
  const [count = 0, h = 1, w = 1, channels = 1] = shape;
  const columns = Math.max(1, Math.ceil(Math.sqrt(count)));
  const rows = Math.max(1, Math.ceil(count / columns));
  const width = columns * (w + 1) - 1;
  const height = rows * (h + 1) - 1;
  const pixels = new Uint32Array(width * height);
  const size = h * w * channels;
  for (let tile = 0; tile < count; tile++) {
    const part = Array.prototype.slice.call(data, tile * size, (tile + 1) * size) as number[];
    const [low, high] = extent(part);
    const photo = photoPixels(part.map((value) => value - low), h * w, channels, high > low ? high - low : 1);
    const [left, top] = [(tile % columns) * (w + 1), Math.floor(tile / columns) * (h + 1)];
    for (let y = 0; y < h; y++) pixels.set(photo.subarray(y * w, (y + 1) * w), (top + y) * width + left);
  }
  const read = (x: number, y: number): number[] => {
    const [column, row] = [Math.floor(x / (w + 1)), Math.floor(y / (h + 1))];
    const [dx, dy, tile] = [x - column * (w + 1), y - row * (h + 1), row * columns + column];
    if (dx < 0 || dy < 0 || dx >= w || dy >= h || column >= columns || tile >= count) return [];
    const at = tile * size + (dy * w + dx) * channels;
    return Array.from({ length: channels }, (_, c) => data[at + c]!);
  };
  return { width, height, image: canvasFrom(pixels, width, height), read, lossy: false };
}

/** One number as short text that still tells it apart. */
export function short(value: number): string {
  if (Number.isInteger(value)) return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size >= 1000 || size < 0.001) return value.toExponential(1).replace("e+", "e");
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
