import { useEffect, useState } from "preact/hooks";

const said = new EventTarget();

// announce has a screen reader say what changed on the page.
export function announce(text: string): void {
  said.dispatchEvent(new CustomEvent("say", { detail: text }));
}

export function Announcer() {
  const [text, set] = useState("");
  useEffect(() => {
    const hear = (e: Event) => set(e instanceof CustomEvent ? String(e.detail) : "");
    said.addEventListener("say", hear);
    return () => said.removeEventListener("say", hear);
  }, []);
  return <div class="vh" role="status">{text}</div>;
}
