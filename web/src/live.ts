// The live socket: one request in flight, the newest one waits, answers are shown in the next animation frame.
import { useEffect, useRef } from "preact/hooks";
import { signal, type Signal } from "@preact/signals";
import { ApiError, type ChainStep, type Json } from "./api";
import { readTrace, type Trace } from "./core/trace";

export interface LiveRequest {
  method?: string;
  pipeline?: ChainStep[];
  inputs: Record<string, string | string[]>;
  parameters?: Record<string, Json>;
  steps?: boolean;
  size?: number;
}

type Waiting = { request: LiveRequest; picture: Uint8Array | null };

export class Live {
  onTrace: (trace: Trace, request: LiveRequest) => void = () => {};
  onError: (error: ApiError) => void = () => {};
  onBusy: (busy: boolean) => void = () => {};
  onLanded: () => void = () => {};
  private socket: WebSocket | null = null;
  private waiting: Waiting | null = null;
  private flying: Waiting | null = null;
  private id = 0;
  private frame = 0;
  private retry = 0;
  private tries = 0;
  private closed = false;

  /** Ask for a trace; a request that still waits is forgotten. `picture` is a JPEG that becomes the first input. */
  request(request: LiveRequest, picture: Uint8Array | null = null): void {
    this.waiting = { request, picture };
    this.send();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    cancelAnimationFrame(this.frame);
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
    this.onLanded();
    this.waiting ??= this.flying;
    this.flying = null;
    this.onBusy(false);
    if (this.tries++ >= 2) this.onError(new ApiError("The lab's server does not answer. Is it still running?", "Offline", "", 0));
    this.retry = window.setTimeout(() => this.waiting && this.send(), Math.min(5000, 300 * 2 ** this.tries));
  }

  private send(): void {
    if (this.closed) return;
    if (!this.socket) this.open();
    if (this.flying || !this.waiting || this.socket?.readyState !== WebSocket.OPEN) return;
    this.flying = this.waiting;
    this.waiting = null;
    this.onBusy(true);
    const text = JSON.stringify({ id: ++this.id, ...this.flying.request });
    this.socket.send(this.flying.picture ? framed(text, this.flying.picture) : text);
  }

  private receive(data: ArrayBuffer | string): void {
    this.tries = 0;
    if (typeof data === "string") {
      const answer = JSON.parse(data) as { id?: number; dropped?: boolean; error?: { kind: string; message: string; argument?: string } };
      if (answer.id !== undefined && answer.id !== null && answer.id !== this.id) return;
      this.landed();
      const { error } = answer;
      if (error) this.onError(new ApiError(error.message, error.kind, error.argument ?? "", 422));
      return;
    }
    const trace = readTrace(data);
    const request = this.flying?.request;
    this.landed();
    cancelAnimationFrame(this.frame);
    if (request) this.frame = requestAnimationFrame(() => this.onTrace(trace, request));
  }

  private landed(): void {
    this.flying = null;
    if (!this.waiting) this.onBusy(false);
    this.send();
    this.onLanded();
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
  send(request: LiveRequest, picture?: Uint8Array | null): void;
  /** Like `send`; settles when an answer is there, be it a trace or an error. */
  ask(request: LiveRequest, picture?: Uint8Array | null): Promise<void>;
}

/** A live connection for as long as the component is there. With `request` given, it is sent whenever it changes. */
export function useLive(request: LiveRequest | null = null): LiveState {
  const kept = useRef<{ live: Live; state: LiveState } | null>(null);
  if (!kept.current) {
    const live = new Live();
    let asked = 0;
    const state: LiveState = {
      trace: signal(null), answered: signal(null), error: signal(null), busy: signal(false), latency: signal(0),
      send: (wanted, picture = null) => {
        asked = performance.now();
        live.request(wanted, picture);
      },
      ask: (wanted, picture = null) => new Promise((resolve) => {
        live.onLanded = resolve;
        state.send(wanted, picture);
      }),
    };
    live.onTrace = (trace, answered) => {
      state.answered.value = answered;
      state.latency.value = performance.now() - asked;
      state.error.value = null;
      state.trace.value = trace;
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
