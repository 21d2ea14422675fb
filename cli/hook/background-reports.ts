/**
 * Starts reports in the background after tools: `koor radar report`, so that the radar knows changes before they are
 * committed, and `koor llm report`, so that budgets know what the client has written into its transcript. The agent does
 * not wait for them. Runs in the process of `koor-hook`.
 */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { CLI_RADAR_HOOK_GAP_MS } from "../../schemas/limits/cli.js";
import { ownRecordPath, radarMarkPath } from "../own-record.js";
import { realPath } from "../regular-file.js";
import type { HookProject } from "./hook-project.js";

const EVENT_NAME = /"hook_event_name"\s*:\s*"(\w+)"/;
/** The events after a tool, by the names that clients give them, and those at the end of a turn. */
const AFTER_TOOL = /^(?:post_?tool|after(?:tool|shell|file|tab|mcp)|tool\.execute\.after|tool_result)/i;
const TURN_END = /^(?:stop|afteragent|agentstop|session\.idle)$/i;

/** The transcript of the session, as JSON text. */
const TRANSCRIPT = /"transcript_path"\s*:\s*("(?:[^"\\]|\\.)+")/;

/** Returns whether a report is due. The end of a turn is always reported, because nothing else may follow. */
function isDue(event: string, mark: string): boolean {
  if (TURN_END.test(event)) return true;
  if (!AFTER_TOOL.test(event)) return false;
  const lastMs = statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Math.abs(Date.now() - lastMs) >= CLI_RADAR_HOOK_GAP_MS;
}

/**
 * Starts the reports of the project's working tree and of the session's transcript, if they are due. They go to the
 * server of the hook, with the hook's token. A report that cannot be made is dropped.
 */
export function startReports({ root, server, headers }: HookProject, event: string | undefined, input: Buffer): void {
  const record = ownRecordPath(realPath(root), process.env);
  if (record === undefined) return;
  const mark = radarMarkPath(record);
  const text = input.toString();
  if (!isDue(event ?? EVENT_NAME.exec(text)?.[1] ?? "", mark)) return;
  mkdirSync(dirname(mark), { recursive: true });
  writeFileSync(mark, "");
  const { spawn } = process.getBuiltinModule("node:child_process");
  const koor = join(dirname(realPath(process.argv[1] ?? "")), "koor.js");
  const options = {
    cwd: root,
    detached: true,
    stdio: "ignore",
    windowsHide: true,
    env: {
      ...process.env,
      KOOR_SERVER: server.href,
      KOOR_TOKEN: (headers["Authorization"] ?? "").replace("Bearer ", ""),
      KOOR_WORKSPACE: decodeURIComponent(headers["X-Koor-Workspace"] ?? ""),
    },
  } as const;
  const start = (...words: string[]): void => {
    const child = spawn(process.execPath, [koor, ...words], options);
    child.on("error", () => undefined);
    child.unref();
  };
  if (existsSync(join(root, ".git"))) start("radar", "report");
  const transcript = TRANSCRIPT.exec(text)?.[1];
  if (transcript !== undefined) start("llm", "report", JSON.parse(transcript) as string);
}
