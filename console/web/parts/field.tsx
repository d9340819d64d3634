import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

// Field is a control with its name and, if it needs one, a line of help.
export function Field({ label, help, children }: { label: string; help?: string; children: (id: string, helpId: string | undefined) => ComponentChildren }) {
  const id = useId();
  const helpId = help ? `${id}-help` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id, helpId)}
      {help && <span class="help" id={helpId}>{help}</span>}
    </div>
  );
}

export const mostReason = 280;

// Reason asks for one in the reader's words.
export const Reason = ({ value, onValue, help, required = false }: { value: string; onValue: (v: string) => void; help: string; required?: boolean }) => (
  <Field label="Reason" help={help}>{(id, helpId) => (
    <textarea id={id} rows={3} maxLength={mostReason} required={required} aria-describedby={helpId} value={value} onInput={(e) => onValue(e.currentTarget.value)} />
  )}</Field>
);

// Line asks for one line.
export const Line = ({ label, help, value, onValue, mono = false, placeholder, required = false }: { label: string; help?: string; value: string; onValue: (v: string) => void; mono?: boolean; placeholder?: string; required?: boolean }) => (
  <Field label={label} {...(help === undefined ? {} : { help })}>{(id, helpId) => (
    <input id={id} type="text" class={mono ? "mono" : ""} autocomplete="off" autocapitalize="off" spellcheck={false} maxLength={200} required={required} placeholder={placeholder} aria-describedby={helpId} value={value} onInput={(e) => onValue(e.currentTarget.value)} />
  )}</Field>
);
