/**
 * Starts `koor hooks report` in the background, after a tool or at the end of a turn. It reports to the radar which
 * files have changed, before they are committed. It also reports to the budgets what the client has written to its
 * transcript. The agent does not wait for it. Runs in the process of `koor-hook`.
 */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { CLI_RADAR_HOOK_GAP_MS } from "../../schemas/limits/cli.js";
import { ownRecordPath, radarMarkPath } from "../own-record.js";
import { realPath } from "../regular-file.js";
import type { HookProject } from "./hook-project.js";

/** The number of bytes of the hook's input that the background program gets. */
const INPUT_BYTES = 4096;
const EVENT_NAME = /"hook_event_name"\s*:\s*"(\w+)"/;
/** Match the names of two events: after a tool, and at the end of a turn. Each client has its own names. */
const AFTER_TOOL = /^(?:post_?tool|after(?:tool|shell|file|tab|mcp)|tool\.execute\.after|tool_result)/i;
const TURN_END = /^(?:stop|afteragent|agentstop|session\.idle)$/i;

/**
 * Returns whether a report is due. After a tool, the last report must be old enough. At the end of a turn, one is
 * always due, because no event may follow.
 */
function isDue(event: string, mark: string): boolean {
  if (TURN_END.test(event)) return true;
  if (!AFTER_TOOL.test(event)) return false;
  const lastMs = statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Math.abs(Date.now() - lastMs) >= CLI_RADAR_HOOK_GAP_MS;
}

/**
 * Starts a report of the working tree and of the session's transcript, if it is due. The report goes to the hook's
 * server, with the hook's token.
 */
export function startReports({ root, server, headers }: HookProject, event: string | undefined, input: Buffer): void {
  const record = ownRecordPath(realPath(root), process.env);
  if (record === undefined) return;
  const mark = radarMarkPath(record);
  if (!isDue(event ?? EVENT_NAME.exec(input.toString("latin1"))?.[1] ?? "", mark)) return;
  mkdirSync(dirname(mark), { recursive: true });
  writeFileSync(mark, "");
  const { spawn } = process.getBuiltinModule("node:child_process");
  const koor = join(dirname(realPath(process.argv[1] ?? "")), "koor.js");
  const child = spawn(process.execPath, [koor, "hooks", "report"], {
    cwd: root,
    detached: true,
    stdio: "ignore",
    windowsHide: true,
    env: {
      ...process.env,
      KOOR_SERVER: server.href,
      KOOR_TOKEN: (headers["Authorization"] ?? "").replace("Bearer ", ""),
      KOOR_WORKSPACE: decodeURIComponent(headers["X-Koor-Workspace"] ?? ""),
      // Pass the start of the input. It contains the path of the transcript, and precedes the long arguments of the
      // tool.
      KOOR_HOOK: input.toString("utf8", 0, INPUT_BYTES),
    },
  });
  child.on("error", () => undefined);
  child.unref();
}
