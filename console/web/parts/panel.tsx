import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Props {
  title: ComponentChildren;
  end?: ComponentChildren;
  tags?: readonly string[];
  class?: string;
  id?: string;
  children: ComponentChildren;
}

// Panel is a named part of a page.
export function Panel({ title, end, tags = [], class: more = "", id, children }: Props) {
  const name = useId();
  return (
    <section class={`panel ${more}`} id={id} aria-labelledby={name}>
      <header>
        <h2 id={name}>{title}</h2>
        {tags.map((t) => <span key={t} class="tag">{t}</span>)}
        {end && <span class="end">{end}</span>}
      </header>
      {children}
    </section>
  );
}

export interface Column {
  name: string;
  num?: boolean;
  wide?: boolean;
}

// Table keeps its roles when narrow pages draw its rows as cards, which would
// otherwise take them away from screen readers.
export function Table({ label, columns, class: more = "", children }: { label: string; columns: readonly Column[]; class?: string; children: ComponentChildren }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table class={`cards ${more}`} role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">{columns.map((c) => <th key={c.name} role="columnheader" scope="col" class={c.num ? "num" : c.wide ? "what" : ""}>{c.name}</th>)}</tr>
        </thead>
        <tbody role="rowgroup">{children}</tbody>
      </table>
    </div>
  );
}

export const Cell = ({ label, class: more = "", children }: { label?: string; class?: string; children?: ComponentChildren }) => (
  <td role="cell" class={more} data-l={label}>{children}</td>
);

// Seg is a choice of views, each with its own address.
export function Seg({ label, at, of }: { label: string; at: string; of: readonly { key: string; word: string; href: string }[] }) {
  return (
    <div class="seg" role="group" aria-label={label}>
      {of.map((o) => <a key={o.key} href={o.href} aria-current={o.key === at ? "true" : undefined}>{o.word}</a>)}
    </div>
  );
}
