// Moving pictures: the camera, or a video file of one's own, frame by frame as JPEG.
import type { Taken } from "./frames-worker";

export interface Frame {
  /** The frame's pixels: good until `close`. */
  image: OffscreenCanvas | ImageBitmap;
  jpeg: Uint8Array;
  close(): void;
}

/** What a browser that hands the camera's frames to a worker has; others watch a video. */
declare const MediaStreamTrackProcessor: (new (init: { track: MediaStreamTrack; maxBufferSize: number }) => { readable: ReadableStream<VideoFrame> }) | undefined;

const KEPT = 4; // canvases: one is shown, two are on their way to the server, one is being taken

export class FrameSource {
  private readonly video = document.createElement("video");
  // offscreen ones: their encoder works beside the page, `toBlob` waits until the page is idle
  private readonly canvases = Array.from({ length: KEPT }, () => new OffscreenCanvas(1, 1));
  private count = 0;
  private fresh = true;
  private arrived: () => void = () => {};
  private address = "";
  private stream: MediaStream | null = null;
  private apart: CameraApart | null = null;
  private held = false;

  private constructor(readonly name: string, private readonly side: number) {
    Object.assign(this.video, { muted: true, playsInline: true, loop: true });
  }

  private async watchVideo(stream: MediaStream | null): Promise<void> {
    if (stream) this.video.srcObject = stream;
    if ("requestVideoFrameCallback" in this.video) {
      this.fresh = false;
      this.watch();
    }
    await this.video.play();
  }

  static async camera(side = 640): Promise<FrameSource> {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("This browser gives pages no camera here. Open the lab at http://127.0.0.1 or over https.");
    const source = new FrameSource("camera", side);
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: side, height: (side * 3) / 4, facingMode: "environment" }, audio: false });
    } catch (error) {
      throw new Error(`The camera could not be opened: ${(error as Error).message || (error as Error).name}.`);
    }
    source.stream = stream;
    const track = stream.getVideoTracks()[0];
    if (track && typeof MediaStreamTrackProcessor === "function") source.apart = new CameraApart(track, side);
    else await source.watchVideo(stream);
    return source;
  }

  static async file(file: File, side = 640): Promise<FrameSource> {
    const source = new FrameSource(file.name, side);
    source.address = URL.createObjectURL(file);
    source.video.src = source.address;
    try {
      await source.watchVideo(null);
    } catch {
      source.close();
      throw new Error(`The video '${file.name}' cannot be played by this browser.`);
    }
    return source;
  }

  /** Note each new frame of the video: none is worked on twice. */
  private watch(): void {
    this.video.requestVideoFrameCallback(() => {
      this.watch();
      this.fresh = true;
      this.arrived();
    });
  }

  private next(): Promise<void> {
    if (this.fresh) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(resolve, 200);
      this.arrived = () => { clearTimeout(late); resolve(); };
    });
  }

  get paused(): boolean {
    return this.held;
  }

  toggle(): void {
    this.held = !this.held;
    if (this.apart) return;
    if (this.held) this.video.pause();
    else void this.video.play();
  }

  /** The newest frame, at most `side` pixels wide; null while there is none. */
  async take(): Promise<Frame | null> {
    if (this.apart) return this.apart.take();
    await this.next();
    const { video } = this;
    if (video.readyState < 2) return null;
    if ("requestVideoFrameCallback" in video) this.fresh = false;
    const canvas = this.canvases[this.count++ % KEPT]!;
    const scale = Math.min(1, this.side / video.videoWidth);
    const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext("2d", { willReadFrequently: true })!.drawImage(video, 0, 0, width, height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.88 });
    return { image: canvas, jpeg: new Uint8Array(await blob.arrayBuffer()), close: () => {} };
  }

  close(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.apart?.close();
    this.video.pause();
    this.video.srcObject = null;
    if (this.address) URL.revokeObjectURL(this.address);
  }
}

/** The camera, read and encoded in a worker: the page's own thread draws answers meanwhile. */
class CameraApart {
  private readonly worker = new Worker(new URL("./frames-worker.ts", import.meta.url), { type: "module" });
  private readonly waiting: ((frame: Frame | null) => void)[] = [];

  constructor(track: MediaStreamTrack, side: number) {
    const { readable } = new MediaStreamTrackProcessor!({ track, maxBufferSize: 1 });
    this.worker.onmessage = (event) => {
      const { image, jpeg } = event.data as Taken;
      this.waiting.shift()?.(image && jpeg ? { image, jpeg: new Uint8Array(jpeg), close: () => image.close() } : null);
    };
    this.worker.onerror = () => this.close();
    this.worker.postMessage({ readable, side }, [readable]);
  }

  take(): Promise<Frame | null> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.worker.postMessage({});
    });
  }

  close(): void {
    this.worker.terminate();
    for (const resolve of this.waiting.splice(0)) resolve(null);
  }
}
