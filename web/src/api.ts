// What the server answers, in types, and one function a route.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Parameter {
  name: string;
  kind: string;
  required: boolean;
  text: string;
  default?: Json;
  low?: number;
  high?: number;
  step?: number;
  choices?: string[];
}

export interface Evidence {
  kind: string;
  peer?: string;
  version?: string;
  tolerance?: string;
  data?: string;
  measured?: number | null;
  holds: boolean;
  figure?: string;
  published?: number;
  source?: string;
  command?: string;
}

export interface MethodRow {
  name: string;
  field: string;
  path: string;
  task: string;
  summary: string;
  paper: string;
  year: number | null;
  lesson: string;
  steps: boolean;
  returns: string;
  first: string;
  /** How many claims hold. */
  evidence: number;
  sample: string;
  /** Whether it can be run from a page, and why not. */
  runs: boolean;
  why_not: string;
}

export interface Field {
  name: string;
  title: string;
  floor: number;
  methods: MethodRow[];
}

export interface Source {
  file: string;
  text: string;
  start: number;
  end: number;
}

export interface MethodDetail extends Omit<MethodRow, "evidence" | "lesson"> {
  parameters: Parameter[];
  evidence: Evidence[];
  bench: Record<string, Json>[];
  doc: { title: string; text: string }[];
  example: Record<string, Json>;
  source: Source | null;
  lesson: { id: string; title?: string } | null;
}

export interface Sample {
  ref: string;
  title: string;
  width: number;
  height: number;
  credit: string;
}

export interface Entry {
  name: string;
  kind: "folder" | "picture" | "video" | "run" | string;
  ref?: string;
  /** Path of a folder. */
  path?: string;
}

export interface Uploaded {
  ref: string;
  width: number;
  height: number;
}

export interface ChainStep {
  method: string;
  parameters: Record<string, Json>;
}

export class ApiError extends Error {
  constructor(message: string, readonly kind: string, readonly argument: string, readonly status: number) {
    super(message);
  }
}

export async function call(path: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new ApiError("The lab's server does not answer. Is it still running?", "Offline", "", 0);
  }
  if (answer.ok) return answer;
  const body = (await answer.json().catch(() => null)) as { error?: { kind?: string; message?: string; argument?: string } } | null;
  const error = body?.error;
  throw new ApiError(error?.message ?? `The server answered ${answer.status}.`, error?.kind ?? "", error?.argument ?? "", answer.status);
}

export async function get<T>(path: string): Promise<T> {
  return (await call(path)).json() as Promise<T>;
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return (await postRaw(path, body)).json() as Promise<T>;
}

export async function put<T>(path: string, body: unknown): Promise<T> {
  return (await call(path, { ...json(body), method: "PUT" })).json() as Promise<T>;
}

export function postRaw(path: string, body: unknown, signal: AbortSignal | null = null): Promise<Response> {
  return call(path, { ...json(body), method: "POST", signal });
}

const json = (body: unknown) => ({ headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const kept = new Map<string, Promise<unknown>>();
/** A `get` that is asked once. */
export function once<T>(path: string): Promise<T> {
  let found = kept.get(path) as Promise<T> | undefined;
  if (!found) {
    found = get<T>(path);
    found.catch(() => kept.delete(path));
    kept.set(path, found);
  }
  return found;
}

export const methods = () => once<{ fields: Field[] }>("/api/methods").then((answer) => answer.fields);
export const method = (name: string) => once<MethodDetail>(`/api/methods/${encodeURIComponent(name)}`);
export const samples = () => once<Sample[]>("/api/samples");

export async function upload(file: Blob, kind = ""): Promise<Uploaded> {
  const form = new FormData();
  form.append("file", file, file instanceof File ? file.name : "picture.png");
  return (await call(`/api/uploads${kind && `?kind=${kind}`}`, { method: "POST", body: form })).json() as Promise<Uploaded>;
}

export function pictureUrl(ref: string, width = 0): string {
  return `/api/pictures/${ref.split("/").map(encodeURIComponent).join("/")}${width ? `?width=${width}` : ""}`;
}
