/**
 * Finds the records of the commands that a task requires, and the commands that have not passed. Reads the database;
 * runs on the front and in the writer.
 */
import type { MissingEvidence, RequiredEvidence } from "../../../schemas/evidence.js";
import type { Static } from "typebox";
import { listedEvidence } from "./encode.js";
import { judge, type JudgedAgainst } from "./judge.js";
import { PROVING } from "./levels.js";
import type { EvidenceReader, JudgedRow } from "./table.js";

export interface TaskCommands {
  /** The id of the task. */
  readonly task: string;
  readonly commands: readonly string[];
}

/** Returns the newest records of a command in a task, for each origin. */
function recordsOf(reader: EvidenceReader, task: string, command: string): JudgedRow[] {
  return [
    ...PROVING.flatMap((origin) => reader.newest(task, command, origin)),
    ...reader.newest(task, command, "agent", 1),
  ];
}

/**
 * Returns the required commands that have not passed.
 * @param named the ids of records that count too, even if they belong to another task
 */
export function missingOf(
  reader: EvidenceReader,
  { task, commands }: TaskCommands,
  named: readonly number[],
  against: JudgedAgainst,
): MissingEvidence[] {
  const further = [...new Set(named)].map((id) => reader.get(id)).filter((row) => row !== undefined);
  return commands.flatMap((command) => {
    const others = further.filter((row) => row.command === command && row.task !== task);
    const { why, evidence } = judge([...recordsOf(reader, task, command), ...others], against);
    return why === null ? [] : [{ command, why, evidence }];
  });
}

/** Returns the required commands with the newest record of each level. */
export function showRequired(
  reader: EvidenceReader,
  { task, commands }: TaskCommands,
  staleTo: number,
): Static<typeof RequiredEvidence>[] {
  return commands.map((command) => {
    const records = recordsOf(reader, task, command);
    const newestOf = (...origins: readonly JudgedRow["seen_by"][]) => {
      const [newest] = records.filter(({ seen_by }) => origins.includes(seen_by)).toSorted((a, b) => b.id - a.id);
      const row = newest === undefined ? undefined : reader.get(newest.id);
      return row === undefined ? null : listedEvidence(row);
    };
    const { why } = judge(records, { tree: null, staleTo });
    return { command, why, said: newestOf("agent"), observed: newestOf("cli", "hook"), ci: newestOf("ci") };
  });
}

/**
 * Returns whether a new edit would make a record stale. It would if any required command has a record that is newer
 * than the last edit.
 */
export function hasFreshRecord(reader: EvidenceReader, { task, commands }: TaskCommands, staleTo: number): boolean {
  return commands.some((command) =>
    PROVING.some((origin) => (reader.newest(task, command, origin, 1)[0]?.id ?? 0) > staleTo),
  );
}
