// Moving pictures: the camera, or a video file of one's own, frame by frame as JPEG.
import { canvasOf } from "./core/raster";

export interface Frame {
  /** A copy of the frame's pixels. */
  image: HTMLCanvasElement;
  jpeg: Uint8Array;
}

export class FrameSource {
  private readonly video = document.createElement("video");
  // an offscreen one: its encoder works beside the page, `toBlob` waits until the page is idle
  private readonly canvas = new OffscreenCanvas(1, 1);
  private address = "";

  private constructor(readonly name: string, private readonly side: number) {
    Object.assign(this.video, { muted: true, playsInline: true, loop: true });
  }

  static async camera(side = 640): Promise<FrameSource> {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("This browser gives pages no camera here. Open the lab at http://127.0.0.1 or over https.");
    const source = new FrameSource("camera", side);
    try {
      source.video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: side, height: (side * 3) / 4, facingMode: "environment" }, audio: false });
    } catch (error) {
      throw new Error(`The camera could not be opened: ${(error as Error).message || (error as Error).name}.`);
    }
    await source.video.play();
    return source;
  }

  static async file(file: File, side = 640): Promise<FrameSource> {
    const source = new FrameSource(file.name, side);
    source.address = URL.createObjectURL(file);
    source.video.src = source.address;
    try {
      await source.video.play();
    } catch {
      source.close();
      throw new Error(`The video '${file.name}' cannot be played by this browser.`);
    }
    return source;
  }

  get paused(): boolean {
    return this.video.paused;
  }

  toggle(): void {
    if (this.video.paused) void this.video.play();
    else this.video.pause();
  }

  /** The frame that is on now, at most `side` pixels wide; null while there is none. */
  async take(): Promise<Frame | null> {
    const { video, canvas } = this;
    if (video.readyState < 2) return null;
    const scale = Math.min(1, this.side / video.videoWidth);
    const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext("2d", { willReadFrequently: true })!.drawImage(video, 0, 0, width, height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.88 });
    const image = canvasOf(width, height);
    image.getContext("2d")!.drawImage(canvas, 0, 0);
    return { image, jpeg: new Uint8Array(await blob.arrayBuffer()) };
  }

  close(): void {
    const stream = this.video.srcObject as MediaStream | null;
    for (const track of stream?.getTracks() ?? []) track.stop();
    this.video.pause();
    this.video.srcObject = null;
    if (this.address) URL.revokeObjectURL(this.address);
  }
}
