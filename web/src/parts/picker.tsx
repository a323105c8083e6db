// Choosing a picture: samples, one's own by file, drop or paste, the camera, a video, the folder that the lab was started on.
import { useEffect, useId, useState } from "preact/hooks";
import { get, pictureUrl, samples, upload, type Entry, type Sample } from "../api";
import { picture, tell } from "../state";
import { FrameSource } from "../frames";
import { Dialog } from "./dialog";
import { Icon } from "./icon";

export interface PickerProps {
  label: string;
  value: string | null;
  onValue: (ref: string | null) => void;
  /** What to call the choice of none: "as in the example". Left out, there is always a picture. */
  none?: string;
  /** Gives the camera and own videos; left out, only still pictures are offered. */
  onFrames?: (source: FrameSource) => void;
  /** Several pictures, their references joined by "|": a click adds one or takes it away. */
  several?: boolean;
  /** Opens the brush; left out, no mask can be painted here. */
  onPaint?: () => void;
  /** Pictures that are offered before the samples. */
  more?: { ref: string; title: string }[];
}

/** Send a file to the server and make it the picture in hand; return its reference. */
export async function take(file: Blob): Promise<string | null> {
  try {
    const found = await upload(file);
    picture.value = found.ref;
    return found.ref;
  } catch (error) {
    tell((error as Error).message);
    return null;
  }
}

export function Picker({ label, value, onValue: choose, none, onFrames, onPaint, several = false, more = [] }: PickerProps) {
  const [shown, setShown] = useState<Sample[]>([]);
  const [files, setFiles] = useState(false);
  const id = useId();
  useEffect(() => {
    samples().then(setShown, (error: Error) => tell(error.message));
  }, []);
  const chosen = value ? (several ? value.split("|") : [value]) : [];
  const own = chosen.filter((ref) => !shown.some((sample) => sample.ref === ref) && !more.some((one) => one.ref === ref));
  const onValue = (ref: string | null) => {
    if (!several || ref === null) choose(ref);
    else choose((chosen.includes(ref) && chosen.length > 1 ? chosen.filter((item) => item !== ref) : [...new Set([...chosen, ref])]).join("|"));
  };
  const opened = async (file: File | undefined) => {
    if (!file) return;
    if (file.type.startsWith("video/") && onFrames) {
      await frames(FrameSource.file(file));
      return;
    }
    const ref = await take(file);
    if (ref) onValue(ref);
  };
  const frames = async (source: Promise<FrameSource>) => {
    try {
      onFrames?.(await source);
    } catch (error) {
      tell((error as Error).message);
    }
  };
  return (
    <div class="picker" role="group" aria-labelledby={id}>
      <div class="control-head">
        <span id={id} class="label">{label}</span>
        <div class="row">
          <label class="button icon" title="Open a picture or a video">
            <Icon name="upload" /><span class="sr">Open a picture{onFrames ? " or a video" : ""} for {label}</span>
            <input type="file" class="sr" accept={onFrames ? "image/*,video/*" : "image/*"} onChange={(event) => { void opened(event.currentTarget.files?.[0]); event.currentTarget.value = ""; }} />
          </label>
          {onFrames && <button type="button" class="icon" aria-label="Camera" title="Camera" onClick={() => void frames(FrameSource.camera())}><Icon name="camera" /></button>}
          <button type="button" class="icon" aria-label={`Files of the lab's folder for ${label}`} title="Files of the lab's folder" onClick={() => setFiles(true)}><Icon name="folder" /></button>
          {onPaint && <button type="button" class="icon" aria-label={`Paint ${label}`} title="Paint it" onClick={onPaint}><Icon name="brush" /></button>}
        </div>
      </div>
      <div class="thumbs" role="group" aria-label={`Pictures for ${label}`}>
        {none !== undefined && <button type="button" class="thumb none" aria-pressed={value === null} onClick={() => onValue(null)}>{none}</button>}
        {own.map((ref) => <Thumb key={ref} picked address={ref} title="Own picture" onPick={() => onValue(ref)} />)}
        {more.map((one) => <Thumb key={one.ref} picked={chosen.includes(one.ref)} address={one.ref} title={one.title} onPick={() => onValue(one.ref)} />)}
        {shown.map((sample) => (
          <Thumb key={sample.ref} picked={chosen.includes(sample.ref)} address={sample.ref} title={sample.title} credit={sample.credit} onPick={() => onValue(sample.ref)} />
        ))}
      </div>
      {value && /@\d+$/.test(value) && (
        <label class="inline frame">Frame <input type="number" min={0} step={1} value={Number(/@(\d+)$/.exec(value)![1])} onInput={(event) => onValue(value.replace(/@\d+$/, `@${Math.max(0, Math.round(Number(event.currentTarget.value)) || 0)}`))} /></label>
      )}
      {files && <Files onClose={() => setFiles(false)} onValue={(ref) => { onValue(ref); setFiles(false); }} />}
    </div>
  );
}

function reveal(button: HTMLButtonElement | null): void {
  const strip = button?.parentElement;
  if (strip && (button.offsetLeft < strip.scrollLeft || button.offsetLeft + button.offsetWidth > strip.scrollLeft + strip.clientWidth)) {
    strip.scrollLeft = button.offsetLeft - strip.clientWidth / 2;
  }
}

function Thumb({ address, title, credit = "", picked, onPick }: { address: string; title: string; credit?: string; picked: boolean; onPick: () => void }) {
  return (
    <button type="button" class="thumb" ref={picked ? reveal : undefined} aria-pressed={picked} title={credit ? `${title} (${credit})` : title} onClick={onPick}>
      <img src={pictureUrl(address, 96)} alt={title} loading="lazy" width={52} height={40} />
    </button>
  );
}

function Files({ onValue, onClose }: { onValue: (ref: string) => void; onClose: () => void }) {
  const [folder, setFolder] = useState("");
  const [entries, setEntries] = useState<Entry[] | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    get<{ entries: Entry[] }>(`/api/files?folder=${encodeURIComponent(folder)}`).then(
      (answer) => { setEntries(answer.entries); setError(""); },
      (problem: Error) => setError(problem.message),
    );
  }, [folder]);
  const parent = folder.split("/").slice(0, -1).join("/");
  return (
    <Dialog title={folder ? `Files in ${folder}` : "Files"} onClose={onClose}>
      {error && <p class="error" role="alert">{error}</p>}
      <ul class="files">
        {folder && <li><button type="button" class="plain" onClick={() => setFolder(parent)}><Icon name="back" /> Up</button></li>}
        {entries?.map((entry) => (
          <li key={entry.name}>
            {entry.kind === "folder" ? (
              <button type="button" class="plain" onClick={() => setFolder(entry.path ?? entry.name)}><Icon name="folder" /> {entry.name}</button>
            ) : entry.kind === "picture" || entry.kind === "video" ? (
              <button type="button" class="plain" onClick={() => onValue(`${entry.ref ?? ""}${entry.kind === "video" && !entry.ref?.includes("@") ? "@0" : ""}`)}>
                {entry.kind === "picture" && <img src={pictureUrl(entry.ref ?? "", 96)} alt="" loading="lazy" width={52} height={40} />} {entry.name}
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      {entries && !entries.some((entry) => ["folder", "picture", "video"].includes(entry.kind)) && <p>No pictures here. Start the lab with <code>--root DIR</code> on a folder of yours.</p>}
    </Dialog>
  );
}
