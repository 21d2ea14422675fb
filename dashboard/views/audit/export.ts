/** Formats audit rows as a file: CSV for spreadsheets, or JSON lines for programs. Pure. */
import { parseJson } from "../../../shared/json-text.js";
import type { AuditEntry } from "../../api/types.js";
import type { AgentNames } from "../../parts/agent-name.js";

interface FileFormat {
  readonly type: string;
  readonly write: (rows: readonly AuditEntry[], names: AgentNames) => string;
}

/** A format, which is also the extension of the file's name. */
export type Format = "csv" | "jsonl";
export const FORMATS: Readonly<Record<Format, FileFormat>> = {
  csv: { type: "text/csv", write: toCsv },
  jsonl: { type: "application/jsonl", write: toJsonLines },
};

const MEMBERS = ["id", "timestamp", "actor", "action", "resource", "outcome", "detail"] as const;

/**
 * Formats a CSV cell so that no spreadsheet treats it as a formula. A cell that begins like a formula is prefixed with
 * an apostrophe, as OWASP advises. This is necessary, because agents choose the content, and a person opens the file.
 */
function cell(value: string | number): string {
  const text = String(value);
  const harmless = typeof value === "string" && /^[\s]*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Formats rows as CSV with a header (RFC 4180). `actor_name` is the agent's name, if the agent is still registered. */
function toCsv(rows: readonly AuditEntry[], names: AgentNames): string {
  const lines = rows.map((row) =>
    [...MEMBERS.map((member) => row[member]), names.get(row.actor) ?? ""].map(cell).join(","),
  );
  return `${[[...MEMBERS, "actor_name"].join(","), ...lines].join("\r\n")}\r\n`;
}

/** Formats rows as JSON lines, like the API, except that `detail` is parsed as JSON. */
function toJsonLines(rows: readonly AuditEntry[]): string {
  return rows.map((row) => `${JSON.stringify({ ...row, detail: parsed(row.detail) })}\n`).join("");
}

function parsed(detail: string): unknown {
  const value = parseJson(detail);
  return value === undefined ? detail : value;
}
