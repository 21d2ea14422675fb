/** Buttons that export the rows that match the filter. The browser generates the file. */
import { reasonOf } from "../../api/client.js";
import { download } from "../../base/download.js";
import { count, plural } from "../../base/format.js";
import { showToast } from "../../parts/toasts.js";
import type { AgentNames } from "../../parts/agent-name.js";
import { Button } from "../../parts/button.js";
import { FORMATS, type Format } from "./export.js";
import { readForExport } from "./loader.js";
import { matching, type AuditFilter } from "./model.js";

/** The maximum number of rows in an exported file. They take about 20 MB in the browser. */
const EXPORT_ROWS_MAX = 50_000;

interface ExportProps {
  readonly filter: AuditFilter;
  readonly names: AgentNames;
}

export function Export({ filter, names }: ExportProps) {
  const save = async (format: Format): Promise<void> => {
    try {
      const { rows, more } = await readForExport(filter, EXPORT_ROWS_MAX);
      const kept = matching(rows, filter, names);
      const { type, write } = FORMATS[format];
      download(
        `audit-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${format}`,
        type,
        write(kept, names),
      );
      showToast(
        more
          ? `Exported ${plural(kept.length, "row")} of the newest ${count(EXPORT_ROWS_MAX)}: choose a range for others`
          : `Exported ${plural(kept.length, "row")}`,
      );
    } catch (error) {
      showToast(reasonOf(error), "bad");
    }
  };
  const title = `The matching rows among the newest ${count(EXPORT_ROWS_MAX)}`;
  return (
    <div class="buttons" role="group" aria-label="Export">
      <Button onClick={() => save("csv")} title={title} label="Export CSV">
        Export CSV
      </Button>
      <Button onClick={() => save("jsonl")} title={title} label="Export JSON lines">
        JSON lines
      </Button>
    </div>
  );
}
