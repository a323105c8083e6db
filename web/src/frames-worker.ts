// A worker that reads the camera: the newest frame as a picture and as JPEG, whenever the page asks for one.

export interface Taken {
  /** Both null when the camera has ended. */
  image: ImageBitmap | null;
  jpeg: ArrayBuffer | null;
}

type Asked = { readable?: ReadableStream<VideoFrame>; side?: number };

const scope = self as unknown as { onmessage: (event: MessageEvent<Asked>) => void; postMessage(message: Taken, transfer: Transferable[]): void };
const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true })!;
let reader: ReadableStreamDefaultReader<VideoFrame> | null = null;
let widest = 640;
let turn = Promise.resolve();

scope.onmessage = ({ data }) => {
  if (data.readable) {
    reader = data.readable.getReader();
    widest = data.side ?? widest;
  } else turn = turn.then(take);
};

async function take(): Promise<void> {
  const { value: frame } = (await reader?.read()) ?? {};
  if (!frame) {
    scope.postMessage({ image: null, jpeg: null }, []);
    return;
  }
  const scale = Math.min(1, widest / frame.displayWidth);
  const [width, height] = [Math.round(frame.displayWidth * scale), Math.round(frame.displayHeight * scale)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.drawImage(frame, 0, 0, width, height);
  frame.close();
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.88 });
  const jpeg = await blob.arrayBuffer();
  const image = canvas.transferToImageBitmap();
  scope.postMessage({ image, jpeg }, [image, jpeg]);
}
