// The live socket: one request in flight, the newest one waits. Of camera frames a second one is under way while the first
// is worked on.
import { useEffect, useRef } from "preact/hooks";
import { batch, signal, type Signal } from "@preact/signals";
import { ApiError, type ChainStep, type Json } from "./api";
import { CanvasRing } from "./core/raster";
import { readTrace, type Trace } from "./core/trace";
import { painted } from "./parts/use-painted";

export interface LiveRequest {
  method?: string;
  pipeline?: ChainStep[];
  inputs: Record<string, string | string[]>;
  parameters?: Record<string, Json>;
  steps?: boolean;
  size?: number;
}

type Waiting = { request: LiveRequest; picture: Uint8Array | null; landed: () => void };

/** When a frame is on its way, and when its answer is there. */
export interface Sent {
  /** There is room for another frame. */
  room: Promise<void>;
  landed: Promise<void>;
}

const FRAMES_IN_FLIGHT = 2;

export class Live {
  onTrace: (trace: Trace, request: LiveRequest, moving: boolean) => void = () => {};
  onError: (error: ApiError) => void = () => {};
  onBusy: (busy: boolean) => void = () => {};
  private room: () => void = () => {};
  private socket: WebSocket | null = null;
  private waiting: Waiting | null = null;
  private readonly flying = new Map<number, Waiting>();
  private id = 0;
  private retry = 0;
  private tries = 0;
  private closed = false;

  /** Ask for a trace; a request that still waits is forgotten. */
  request(request: LiveRequest): void {
    this.wait({ request, picture: null, landed: () => {} });
  }

  /** Ask for the trace of a frame: a JPEG that becomes the first input. */
  frame(request: LiveRequest, picture: Uint8Array): Sent {
    let [room, landed] = [() => {}, () => {}];
    const sent = { room: new Promise<void>((resolve) => (room = resolve)), landed: new Promise<void>((resolve) => (landed = resolve)) };
    this.room(); // nobody waits for ever
    this.room = room;
    this.wait({ request, picture, landed });
    return sent;
  }

  private wait(next: Waiting): void {
    this.waiting?.landed();
    this.waiting = next;
    this.send();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.close();
  }

  private open(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const token = new URLSearchParams(location.search).get("token");
    const socket = new WebSocket(`${scheme}://${location.host}/api/live${token ? `?token=${encodeURIComponent(token)}` : ""}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.send();
    socket.onmessage = (event) => this.receive(event.data as ArrayBuffer | string);
    socket.onclose = () => this.lost();
    this.socket = socket;
  }

  private lost(): void {
    this.socket = null;
    if (this.closed) return;
    for (const request of this.flying.values()) {
      request.landed();
      this.waiting ??= request;
    }
    this.flying.clear();
    this.room();
    this.onBusy(false);
    if (this.tries++ >= 2) this.onError(new ApiError("The lab's server does not answer. Is it still running?", "Offline", "", 0));
    this.retry = window.setTimeout(() => this.waiting && this.send(), Math.min(5000, 300 * 2 ** this.tries));
  }

  private send(): void {
    if (this.closed) return;
    if (!this.socket) this.open();
    const next = this.waiting;
    if (!next || this.socket?.readyState !== WebSocket.OPEN) return;
    if (this.flying.size >= (next.picture ? FRAMES_IN_FLIGHT : 1)) return;
    this.waiting = null;
    this.flying.set(++this.id, next);
    this.onBusy(true);
    const text = JSON.stringify({ id: this.id, ...next.request });
    this.socket.send(next.picture ? framed(text, next.picture) : text);
    if (this.flying.size < FRAMES_IN_FLIGHT) this.room();
  }

  private receive(data: ArrayBuffer | string): void {
    this.tries = 0;
    if (typeof data === "string") {
      const answer = JSON.parse(data) as { id?: number; dropped?: boolean; error?: { kind: string; message: string; argument?: string } };
      const { error } = answer;
      if (typeof answer.id === "number" && !this.landed(answer.id)) return;
      if (typeof answer.id !== "number") this.landed([...this.flying.keys()][0] ?? 0);
      if (error) this.onError(new ApiError(error.message, error.kind, error.argument ?? "", 422));
      return;
    }
    const trace = readTrace(data);
    const asked = this.landed(Number(trace.id));
    if (asked) this.onTrace(trace, asked.request, asked.picture !== null);
  }

  /** An answer is there: what waits is sent. Returns what was asked. */
  private landed(id: number): Waiting | undefined {
    const done = this.flying.get(id);
    this.flying.delete(id);
    this.send();
    if (!this.flying.size) this.onBusy(false);
    if (!this.waiting && this.flying.size < FRAMES_IN_FLIGHT) this.room();
    done?.landed();
    return done;
  }
}

function framed(text: string, picture: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(text);
  const bytes = new Uint8Array(4 + header.length + picture.length);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  bytes.set(picture, 4 + header.length);
  return bytes;
}

export interface LiveState {
  trace: Signal<Trace | null>;
  /** What the trace answers. */
  answered: Signal<LiveRequest | null>;
  error: Signal<ApiError | null>;
  busy: Signal<boolean>;
  /** Milliseconds from the request to the answer, the last one. */
  latency: Signal<number>;
  send(request: LiveRequest): void;
  /** Ask about a frame, a JPEG that becomes the first input. */
  frame(request: LiveRequest, picture: Uint8Array): Sent;
}

/** A live connection for as long as the component is there. With `request` given, it is sent whenever it changes. */
export function useLive(request: LiveRequest | null = null): LiveState {
  const kept = useRef<{ live: Live; state: LiveState } | null>(null);
  if (!kept.current) {
    const live = new Live();
    let asked = 0;
    const state: LiveState = {
      trace: signal(null), answered: signal(null), error: signal(null), busy: signal(false), latency: signal(0),
      send: (wanted) => {
        asked = performance.now();
        live.request(wanted);
      },
      frame: (wanted, picture) => {
        asked = performance.now();
        return live.frame(wanted, picture);
      },
    };
    let [turn, told] = [0, 0];
    const ring = new CanvasRing();
    live.onTrace = (trace, answered, moving) => {
      const [mine, latency] = [++turn, performance.now() - asked];
      const tell = () => mine > told && batch(() => {
        told = mine;
        state.answered.value = answered;
        state.latency.value = latency;
        state.error.value = null;
        state.trace.value = trace;
      });
      // a result alone is decoded first: what hears of it draws it at once, in one go
      if (trace.steps.length === 1) void painted(trace, 0, moving ? ring : undefined).then(tell);
      else tell();
    };
    live.onError = (error) => (state.error.value = error);
    live.onBusy = (busy) => (state.busy.value = busy);
    kept.current = { live, state };
  }
  const { live, state } = kept.current;
  useEffect(() => () => live.close(), [live]);
  const text = request && JSON.stringify(request);
  useEffect(() => {
    if (text) state.send(JSON.parse(text) as LiveRequest);
  }, [text, state]);
  return state;
}
