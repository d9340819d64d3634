import { csv, save } from "../../app/save";
import type { Row } from "../../app/types";
import { Icon } from "../../parts/icon";
import { table } from "./views";

// Export saves what is shown, no more and no less.
export function Export({ rows }: { rows: readonly Row[] }) {
  const name = `countersign-history-${new Date().toISOString().slice(0, 10)}`;
  return (
    <div class="exports" role="group" aria-label={`Export these ${rows.length}`}>
      <button type="button" class="btn" onClick={() => save(`${name}.json`, "application/json", JSON.stringify(rows, null, 2))}><Icon name="download" />Export these {rows.length}<span class="vh"> as JSON</span></button>
      <button type="button" class="btn" onClick={() => save(`${name}.csv`, "text/csv", csv(table(rows)))}>CSV</button>
    </div>
  );
}
