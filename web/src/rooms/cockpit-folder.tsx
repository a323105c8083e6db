// Choosing a folder below the one that the lab was started on.
import { useEffect, useState } from "preact/hooks";
import { get, type Entry } from "../api";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icon";

interface FolderProps {
  onFolder: (path: string) => void;
  /** What the folder must hold, and what is done with it. */
  about?: string;
  verb?: string;
}

export function FolderChoice({ onFolder, ...words }: FolderProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="small" onClick={() => setOpen(true)}><Icon name="folder" /> A folder of mine</button>
      {open && <Folders {...words} onClose={() => setOpen(false)} onFolder={(path) => { onFolder(path); setOpen(false); }} />}
    </>
  );
}

function Folders({ onFolder, onClose, about = "The folder has one folder for each class, with the pictures of that class in it.", verb = "Train on" }: FolderProps & { onClose: () => void }) {
  const [folder, setFolder] = useState("");
  const [entries, setEntries] = useState<Entry[]>([]);
  const [error, setError] = useState("");
  useEffect(() => {
    get<{ entries: Entry[] }>(`/api/files?folder=${encodeURIComponent(folder)}`).then(
      (answer) => { setEntries(answer.entries); setError(""); },
      (problem: Error) => setError(problem.message),
    );
  }, [folder]);
  const folders = entries.filter((entry) => entry.kind === "folder");
  return (
    <Dialog title={folder ? `Folders in ${folder}` : "Folders"} onClose={onClose}>
      {error && <p class="error" role="alert">{error}</p>}
      <p>{about}</p>
      {folder && <p><button type="button" class="primary" onClick={() => onFolder(folder)}>{verb} {folder}</button></p>}
      <ul class="files">
        {folder && <li><button type="button" class="plain" onClick={() => setFolder(folder.split("/").slice(0, -1).join("/"))}><Icon name="back" /> Up</button></li>}
        {folders.map((entry) => <li key={entry.name}><button type="button" class="plain" onClick={() => setFolder(entry.path ?? entry.name)}><Icon name="folder" /> {entry.name}</button></li>)}
      </ul>
      {!folders.length && !folder && <p>No folders here. Start the lab with <code>--root DIR</code> on a folder of yours.</p>}
    </Dialog>
  );
}
