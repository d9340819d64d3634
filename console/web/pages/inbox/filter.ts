import type { Row } from "../../app/types";
import { plain } from "../../app/words";

// A filter is words; "resource:db/crm" looks in one field, anything else in all.
const fields: Readonly<Record<string, (r: Row) => readonly string[]>> = {
  resource: (r) => [r.resource],
  rule: (r) => [r.rule],
  agent: (r) => [r.agent],
  risk: (r) => [r.severity],
  indicator: (r) => r.indicators,
  label: (r) => r.labels,
};

const everything = (r: Row): readonly string[] => [plain(r.sentence), plain(r.command), r.id, r.resource, r.rule, r.agent, r.severity, ...r.labels, ...r.indicators];

// matcher says whether a row is what the words ask for; each word must be there.
export function matcher(query: string): (r: Row) => boolean {
  const words = query.toLowerCase().split(/\s+/).filter((w) => w !== "");
  const tests = words.map((word) => {
    const colon = word.indexOf(":");
    const field = colon > 0 ? fields[word.slice(0, colon)] : undefined;
    const wanted = field ? word.slice(colon + 1) : word;
    return (r: Row) => (field ?? everything)(r).some((s) => s.toLowerCase().includes(wanted));
  });
  return (r) => tests.every((t) => t(r));
}

export const known = Object.keys(fields);
