import { useState } from "preact/hooks";
import { go } from "../../app/router";

const words = [
  ["resource", "Resource"], ["agent", "Agent"], ["person", "Person"], ["rule", "Rule"], ["indicator", "Indicator"], ["digest", "Digest"],
] as const;
const decisions = ["approved", "rejected", "expired", "withdrawn", "denied", "allowed"];
const executions = ["none", "running", "succeeded", "failed", "unknown"];
const names = [...words.map(([n]) => n), "decision", "execution", "since", "until"];

// queryOf is the part of the address that the server is asked with.
export function queryOf(query: URLSearchParams): string {
  const out = new URLSearchParams();
  for (const n of names) {
    const v = query.get(n);
    if (v) out.set(n, v);
  }
  return out.toString();
}

// Filters is a form; what it says stands in the address once it is used.
export function Filters({ query }: { query: URLSearchParams }) {
  const [values, set] = useState<Readonly<Record<string, string>>>(() => Object.fromEntries(names.map((n) => [n, query.get(n) ?? ""])));
  const change = (n: string, v: string) => set((all) => ({ ...all, [n]: v }));
  const use = (next: Readonly<Record<string, string>>) => {
    const out = new URLSearchParams(location.search);
    for (const n of names) {
      const v = (next[n] ?? "").trim();
      if (v === "") out.delete(n);
      else out.set(n, v);
    }
    const search = out.toString();
    go(search === "" ? "/history" : `/history?${search}`);
  };
  const any = names.some((n) => (values[n] ?? "") !== "");
  const pick = (n: string, v: string) => {
    change(n, v);
    use({ ...values, [n]: v });
  };
  return (
    <form class="filters" role="search" aria-label="Search the history" onSubmit={(e) => { e.preventDefault(); use(values); }}>
      {words.map(([n, word]) => (
        <div key={n} class="field"><label for={`f-${n}`}>{word}</label><input id={`f-${n}`} type="search" name={n} class="mono" maxLength={200} autocomplete="off" spellcheck={false} value={values[n] ?? ""} onInput={(e) => change(n, e.currentTarget.value)} /></div>
      ))}
      <Pick name="decision" word="Decision" of={decisions} value={values["decision"] ?? ""} onPick={pick} />
      <Pick name="execution" word="Execution" of={executions} value={values["execution"] ?? ""} onPick={pick} />
      <Day name="since" word="Since, UTC" value={values["since"] ?? ""} onDay={change} />
      <Day name="until" word="Until, UTC" value={values["until"] ?? ""} onDay={change} />
      <button class="btn">Search</button>
      {any && <a class="btn plain" href="/history">Show all</a>}
    </form>
  );
}

const Pick = ({ name, word, of, value, onPick }: { name: string; word: string; of: readonly string[]; value: string; onPick: (n: string, v: string) => void }) => (
  <div class="field">
    <label for={`f-${name}`}>{word}</label>
    <select id={`f-${name}`} name={name} value={value} onChange={(e) => onPick(name, e.currentTarget.value)}><option value="">Any</option>{of.map((o) => <option key={o}>{o}</option>)}</select>
  </div>
);

// Day is a day; the address holds the moment at which it begins.
const Day = ({ name, word, value, onDay }: { name: string; word: string; value: string; onDay: (n: string, v: string) => void }) => (
  <div class="field">
    <label for={`f-${name}`}>{word}</label>
    <input id={`f-${name}`} type="date" name={name} value={value.slice(0, 10)} onInput={(e) => onDay(name, e.currentTarget.value === "" ? "" : `${e.currentTarget.value}T00:00:00Z`)} />
  </div>
);
