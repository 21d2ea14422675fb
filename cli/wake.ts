/**
 * Implements `wait --wake claude`. Claude Code starts it in the background when an agent's turn ends. When something
 * concerns the idle session, the command prints one line to stderr and exits with 2. Claude Code then shows the line to
 * the model. In all other cases, the command prints nothing and exits with 0, because Claude Code might react to a
 * failure. Runs in the CLI process.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { isJsonObject, type JsonObject } from "../shared/json-object.js";
import { parseJson } from "../shared/json-text.js";
import { CliFailure } from "./failure.js";
import { io } from "./io.js";
import { stateFolder } from "./position-file.js";
import type { Settings } from "./settings.js";
import { findReason } from "./wake-reason.js";

/** The exit code by which the hook tells Claude Code to wake the model. */
const WAKE_EXIT = 2;

/** Reads the hook's event from stdin. Returns an empty object if stdin contains no JSON object. */
async function readEvent(): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of io().stdin()) chunks.push(Buffer.from(chunk as Buffer));
  const parsed = parseJson(Buffer.concat(chunks).toString("utf8"));
  return isJsonObject(parsed) ? parsed : {};
}

/**
 * Whether Claude Code runs this command as a background hook of the session. Other clients also run Claude Code's
 * hooks; they cannot be woken. Without a terminal (`claude -p`), Claude Code waits for the hook, so the command must
 * end at once.
 */
function canWake({ session }: Settings, environment: NodeJS.ProcessEnv, event: JsonObject): boolean {
  const entry = environment["CLAUDE_CODE_ENTRYPOINT"] ?? "";
  const isInBackground = entry !== "" && !entry.startsWith("sdk");
  return isInBackground && session !== undefined && session === event["session_id"];
}

/**
 * The right to wake a session. The command that was started last has it, because each end of a turn starts a command.
 */
class Turn {
  readonly #path: string;
  readonly #own = `${process.pid} ${process.hrtime.bigint()}`;

  constructor(folder: string, session: string) {
    this.#path = join(folder, "wake", encodeURIComponent(session));
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    writeFileSync(this.#path, this.#own, { mode: 0o600 });
  }

  isNewest(): boolean {
    try {
      return readFileSync(this.#path, "utf8") === this.#own;
    } catch {
      return false;
    }
  }

  end(): void {
    if (this.isNewest()) rmSync(this.#path, { force: true });
  }
}

/** Whether the process of the client is still running. */
function isClientThere(environment: NodeJS.ProcessEnv): boolean {
  const pid = Number(environment["CLAUDE_PID"]);
  if (!Number.isInteger(pid) || pid <= 1) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Waits for a reason to wake the session. Returns the exit code. */
export async function wake(readSettings: () => Settings | CliFailure): Promise<number> {
  const { environment, stderr } = io();
  const event = await readEvent();
  const all = readSettings();
  const folder = stateFolder(environment, process.platform);
  if (all instanceof CliFailure || folder === undefined || !canWake(all, environment, event)) return 0;
  // Without the fallback, the calls never act as the folder's instance. Messages to that instance must not wake the
  // session.
  const { fallback: _, ...settings } = all;
  const turn = new Turn(folder, settings.session ?? "");
  const reason = await findReason(settings, {
    after: undefined,
    isWanted: () => turn.isNewest() && isClientThere(environment),
    signal: new AbortController().signal,
  });
  if (reason === undefined || reason instanceof CliFailure) return 0;
  turn.end();
  stderr().write(`${reason.line}\n`);
  return WAKE_EXIT;
}
