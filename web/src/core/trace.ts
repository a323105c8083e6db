// A trace file: `u32 header length | JSON header | blobs`. Reading it needs no server.

export interface BlobEntry {
  at: number;
  bytes: number;
  /** `bits` are eight to a byte, the first one lowest; `levels` are bytes from `low` to `high`. */
  as: "png" | "jpeg" | "raw" | "bits" | "levels";
  low?: number;
  high?: number;
  dtype: string;
  shape: number[];
}

/** One layer as the header has it: a kind, and fields that are plain values or `{blob}`. */
export interface Layer {
  kind: string;
  [field: string]: unknown;
}

export interface Step {
  name: string;
  note: string;
  layers: Layer[];
  line?: number;
  file?: string;
}

export interface Trace {
  method: string;
  parameters: Record<string, unknown>;
  steps: Step[];
  milliseconds?: number;
  size?: [number, number];
  scale?: number;
  id?: number | string;
  body: Uint8Array;
  bytes: Uint8Array;
}

/** Numbers of an array: row by row, as many as the shape says. */
export interface Numbers {
  shape: number[];
  dtype: string;
  data: ArrayLike<number>;
}

export function readTrace(source: ArrayBuffer | Uint8Array): Trace {
  const bytes = source instanceof Uint8Array ? source : new Uint8Array(source);
  if (bytes.byteLength < 4) throw new Error("This is not a trace: it is too short.");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.byteLength - 4) throw new Error("This is not a trace: its header is cut off.");
  let header: Omit<Trace, "body" | "bytes"> & { format?: string };
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  } catch {
    throw new Error("This is not a trace: its header cannot be read.");
  }
  if (header.format !== "sightline-trace 1") throw new Error("This is not a trace of version 1.");
  return { ...header, body: bytes.subarray(4 + length), bytes };
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export function blobOf(value: unknown): BlobEntry | null {
  if (value && typeof value === "object" && "blob" in value) return (value as { blob: BlobEntry }).blob;
  return null;
}

/** The bytes of a blob, aligned for a typed array. */
export function bytesOf(trace: Trace, entry: BlobEntry): Uint8Array<ArrayBuffer> {
  return trace.body.slice(entry.at, entry.at + entry.bytes) as Uint8Array<ArrayBuffer>;
}

/** Bits as one byte each. */
export function bitsOf(trace: Trace, entry: BlobEntry): Uint8Array {
  const packed = trace.body.subarray(entry.at, entry.at + entry.bytes);
  const found = new Uint8Array(8 * packed.length);
  for (let i = 0, at = 0; i < packed.length; i++, at += 8) {
    const byte = packed[i]!;
    if (byte) for (let bit = 0; bit < 8; bit++) found[at + bit] = (byte >> bit) & 1;
  }
  return found.subarray(0, entry.shape.reduce((a, b) => a * b, 1));
}

/** What a level stands for. */
export function valueOf(entry: BlobEntry, level: number): number {
  return entry.low! + (level / 255) * (entry.high! - entry.low!);
}

const READERS: Record<string, (buffer: ArrayBuffer) => ArrayLike<number>> = {
  bool: (b) => new Uint8Array(b),
  uint8: (b) => new Uint8Array(b),
  int8: (b) => new Int8Array(b),
  uint16: (b) => new Uint16Array(b),
  int16: (b) => new Int16Array(b),
  uint32: (b) => new Uint32Array(b),
  int32: (b) => new Int32Array(b),
  float32: (b) => new Float32Array(b),
  float64: (b) => new Float64Array(b),
  int64: (b) => Float64Array.from(new BigInt64Array(b), Number),
  uint64: (b) => Float64Array.from(new BigUint64Array(b), Number),
  float16: (b) => Float32Array.from(new Uint16Array(b), half),
  complex64: (b) => magnitudes(new Float32Array(b)),
  complex128: (b) => magnitudes(new Float64Array(b)),
};

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function magnitudes(pairs: Float32Array | Float64Array): Float64Array {
  const found = new Float64Array(pairs.length / 2);
  for (let i = 0; i < found.length; i++) found[i] = Math.log1p(Math.hypot(pairs[2 * i]!, pairs[2 * i + 1]!));
  return found;
}

/** The numbers of a raw blob, or of a plain list or number in the header. */
export function numbersOf(trace: Trace, value: unknown): Numbers {
  const entry = blobOf(value);
  if (entry) {
    const { shape, dtype } = entry;
    if (entry.as === "bits") return { shape, dtype, data: bitsOf(trace, entry) };
    if (entry.as === "levels") return { shape, dtype, data: Float32Array.from(bytesOf(trace, entry), (level) => valueOf(entry, level)) };
    const read = READERS[entry.dtype];
    if (entry.as !== "raw" || !read) throw new Error(`A trace holds ${entry.dtype} as ${entry.as}: it cannot be read as numbers.`);
    return { shape, dtype, data: read(bytesOf(trace, entry).buffer) };
  }
  const items = listOf(value);
  if (items.length && items.every((item) => Array.isArray(item) || (item && typeof item === "object"))) {
    const rows = items.map(listOf) as number[][];
    return { shape: [rows.length, rows[0]?.length ?? 0], dtype: "float64", data: rows.flat() };
  }
  return { shape: [items.length], dtype: "float64", data: items as number[] };
}

/** A tuple is an array in the header, a list an object with its items. */
export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (value && typeof value === "object" && "items" in value) return (value as { items: unknown[] }).items;
  return typeof value === "number" ? [value] : [];
}
