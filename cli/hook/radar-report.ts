/**
 * Starts `koor radar report` in the background after tools that may have changed files, so that the radar knows changes
 * before they are committed. The agent does not wait for it. Runs in the process of `koor-hook`.
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

/** Returns whether a report is due. The end of a turn is always reported, because nothing else may follow. */
function isDue(event: string, mark: string): boolean {
  if (TURN_END.test(event)) return true;
  if (!AFTER_TOOL.test(event)) return false;
  const lastMs = statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Math.abs(Date.now() - lastMs) >= CLI_RADAR_HOOK_GAP_MS;
}

/**
 * Starts a report of the project's working tree, if one is due. It goes to the server of the hook, with the hook's
 * token. A report that cannot be made is dropped.
 */
export function reportToRadar({ root, server, headers }: HookProject, event: string | undefined, input: Buffer): void {
  const record = ownRecordPath(realPath(root), process.env);
  if (record === undefined || !existsSync(join(root, ".git"))) return;
  const mark = radarMarkPath(record);
  if (!isDue(event ?? EVENT_NAME.exec(input.toString("latin1"))?.[1] ?? "", mark)) return;
  mkdirSync(dirname(mark), { recursive: true });
  writeFileSync(mark, "");
  const { spawn } = process.getBuiltinModule("node:child_process");
  const koor = join(dirname(realPath(process.argv[1] ?? "")), "koor.js");
  const child = spawn(process.execPath, [koor, "radar", "report"], {
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
  });
  child.on("error", () => undefined);
  child.unref();
}
