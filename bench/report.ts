/**
 * Formats the report for people: a table for each scenario, and then the targets of the design. In a table, Koor's line
 * comes first, and below it each reference with its ratio. The JSON file holds the whole result. Pure.
 */
import type { Figures, Row, RunResult, ScenarioResult, Target } from "./model.js";

const COLUMN_GAP = "  ";
/**
 * The number of busy CPUs from which the report warns. The limit is above zero, because the kernel's own work for the
 * run's sockets and disk also counts as work of other processes.
 */
const CPUS_ELSEWHERE_MAX = 0.3;
const ABSENT = "-";

/** Formats a number with three or four significant digits, and groups its thousands. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1_000) return String(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  if (size >= 10) return value.toFixed(1);
  return size >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/**
 * Formats a table: text columns are aligned left and number columns right, and every column is as wide as its widest
 * cell.
 */
export function formatTable(
  header: readonly string[],
  lines: readonly (readonly string[])[],
  leftColumns: ReadonlySet<number>,
): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => (line[column] ?? "").length)),
  );
  const format = (cells: readonly string[]): string =>
    widths
      .map((width, column) =>
        leftColumns.has(column) ? (cells[column] ?? "").padEnd(width) : (cells[column] ?? "").padStart(width),
      )
      .join(COLUMN_GAP)
      .trimEnd();
  return [format(header), ...lines.map(format)].join("\n");
}

function figureCells(columns: readonly string[], figures: Figures): string[] {
  return columns.map((column) => {
    const value = figures[column];
    return value === undefined ? ABSENT : formatNumber(value);
  });
}

function ratioCell(row: Row, reference: string): string {
  const ratios = row.ratios.filter((ratio) => ratio.to === reference);
  return ratios.map((ratio) => `${ratio.of} ×${ratio.value.toFixed(2)}`).join(", ");
}

function rowLines(row: Row, columns: readonly string[]): string[][] {
  const name = row.client === "" ? row.name : `${row.name} (${row.client})`;
  const own = [name, ...figureCells(columns, row.figures), ""];
  const below = row.references.map((reference) => [
    `    ${reference.name}`,
    ...figureCells(columns, reference.figures),
    ratioCell(row, reference.name),
  ]);
  return [own, ...below];
}

/** Formats one scenario as a table. */
export function formatScenario(result: ScenarioResult): string {
  const columns = [...new Set(result.rows.flatMap((row) => Object.keys(row.figures)))];
  const header = [result.scenario, ...columns, "Koor to it"];
  return formatTable(
    header,
    result.rows.flatMap((row) => rowLines(row, columns)),
    new Set([0, header.length - 1]),
  );
}

export function isMet(target: Target): boolean {
  return target.at === "least" ? target.value >= target.limit : target.value <= target.limit;
}

function formatTargets(result: RunResult): string {
  const lines = result.scenarios.flatMap(({ rows }) =>
    rows.flatMap((row) =>
      row.targets.map((target) => [
        isMet(target) ? "met" : "MISSED",
        row.name,
        target.what,
        formatNumber(target.value),
        `${target.at === "least" ? "≥" : "≤"} ${formatNumber(target.limit)}`,
      ]),
    ),
  );
  return lines.length === 0
    ? ""
    : formatTable(["target", "row", "what", "measured", "limit"], lines, new Set([0, 1, 2]));
}

/** Formats the whole report. */
export function formatReport(result: RunResult): string {
  const { machine } = result;
  const about = [
    `${result.mode} run, ${result.elapsed_s.toFixed(0)} s, ${machine.cpus} CPUs (${machine.cpu_model}), ` +
      `Node ${machine.node}, ${machine.platform}`,
    `fsync of 4 KiB: ${formatNumber(machine.fsync_us)} µs; wrk: ${machine.wrk ? "yes" : "no"}; ` +
      `redis-server: ${machine.redis ? "yes" : "no"}`,
  ];
  const elsewhere = result.cpus_elsewhere;
  if (elsewhere !== undefined) {
    const warning = elsewhere > CPUS_ELSEWHERE_MAX ? ": too many to trust figures that are near a limit" : "";
    about.push(`CPUs busy with other processes meanwhile: ${formatNumber(elsewhere)}${warning}`);
  }
  const left = result.left_out.map(({ scenario, reason }) => `left out: ${scenario} (${reason})`);
  return [about.join("\n"), ...result.scenarios.map(formatScenario), formatTargets(result), left.join("\n")]
    .filter((part) => part !== "")
    .join("\n\n");
}
