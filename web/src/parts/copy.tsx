// Text that wants to be copied: a block of code with a button.
import { useState } from "preact/hooks";
import { highlight } from "../text/highlight";
import { Icon } from "./icon";

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="copy" onClick={copy} aria-label={label} title={label}>
      <Icon name={done ? "check" : "copy"} /> <span aria-live="polite">{done ? "Copied" : "Copy"}</span>
    </button>
  );
}

async function writeText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.body.appendChild(document.createElement("textarea"));
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** Code with a copy button; `language` is "python" for colours, anything else is plain. */
export function Code({ text, language = "", label }: { text: string; language?: string; label: string }) {
  return (
    <div class="code">
      <CopyButton text={text} label={`Copy ${label}`} />
      <pre tabIndex={0} aria-label={label} role="region">
        {language === "python" ? <code dangerouslySetInnerHTML={{ __html: highlight(text) }} /> : <code>{text}</code>}
      </pre>
    </div>
  );
}
