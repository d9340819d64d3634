import { useState } from "preact/hooks";
import { announce } from "../app/announce";
import { Icon } from "./icon";

// Copy puts a text on the clipboard, and says whether it did.
export function Copy({ text, what, label = "Copy" }: { text: string; what: string; label?: string }) {
  const [said, say] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
      announce(`${what} copied`);
    } catch {
      say("Not copied");
      announce(`${what} could not be copied: select it and copy it by hand`);
    }
  };
  return <button type="button" class="btn small" onClick={() => void copy()}><Icon name={said === "Copied" ? "check" : "copy"} />{said || label}<span class="vh"> {what}</span></button>;
}
