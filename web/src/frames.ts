// Moving pictures: the camera, or a video file of one's own, frame by frame as JPEG.

export interface Frame {
  /** The frame's pixels; they are painted over when `KEPT` more frames were taken. */
  image: OffscreenCanvas;
  jpeg: Uint8Array;
}

const KEPT = 4; // one is shown, two are on their way to the server, one is being taken

export class FrameSource {
  private readonly video = document.createElement("video");
  // offscreen ones: their encoder works beside the page, `toBlob` waits until the page is idle
  private readonly canvases = Array.from({ length: KEPT }, () => new OffscreenCanvas(1, 1));
  private count = 0;
  private fresh = true;
  private arrived: () => void = () => {};
  private address = "";

  private constructor(readonly name: string, private readonly side: number) {
    Object.assign(this.video, { muted: true, playsInline: true, loop: true });
    if ("requestVideoFrameCallback" in this.video) {
      this.fresh = false;
      this.watch();
    }
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
    return this.video.paused;
  }

  toggle(): void {
    if (this.video.paused) void this.video.play();
    else this.video.pause();
  }

  /** The newest frame, at most `side` pixels wide; null while there is none. */
  async take(): Promise<Frame | null> {
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
    return { image: canvas, jpeg: new Uint8Array(await blob.arrayBuffer()) };
  }

  close(): void {
    const stream = this.video.srcObject as MediaStream | null;
    for (const track of stream?.getTracks() ?? []) track.stop();
    this.video.pause();
    this.video.srcObject = null;
    if (this.address) URL.revokeObjectURL(this.address);
  }
}
