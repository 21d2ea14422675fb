/**
 * Implements `wake codex`, which waits next to an idle Codex session. When something concerns the session, such as a
 * message to it, the session is given one line to read. The command runs until a signal or a failure ends it. Runs in
 * the CLI process.
 */
import type { Args, CommandContext } from "./command-row.js";
import { wakeCodexSession } from "./codex-session.js";
import { CliFailure, wrongUsage } from "./failure.js";
import { io } from "./io.js";
import { lineFormatter, print } from "./output.js";
import { exitCodeOfSignal, untilSignal } from "./signals.js";
import type { Settings } from "./settings.js";
import { findReason } from "./wake-reason.js";

/** Wakes the session each time that there is a reason, until the signal fires. */
async function wakeUntil(
  settings: Settings & { readonly session: string },
  context: CommandContext,
  signal: AbortSignal,
): Promise<CliFailure | undefined> {
  const { environment } = io();
  const { session: id } = settings;
  const { folder } = context;
  const format = await lineFormatter(context);
  for (let after: string | undefined; !signal.aborted; ) {
    const reason = await findReason(settings, { after, isWanted: () => !signal.aborted, signal });
    if (reason instanceof CliFailure) return reason;
    if (reason === undefined) continue;
    const by = await wakeCodexSession(reason.line, { id, folder, environment, signal });
    if (by instanceof CliFailure) return by;
    if (by === "ended") return undefined;
    const failure = await print(format(Buffer.from(JSON.stringify({ session: id, by, line: reason.line }))));
    if (failure !== undefined) return failure;
    after = reason.cursor;
  }
  return undefined;
}

export async function wakeCodex(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const client = args.need("client");
  if (client !== "codex") return wrongUsage(`the client must be codex, not "${client}"`);
  const all = context.settings();
  if (all instanceof CliFailure) return all;
  // Without the fallback, the calls never act as the folder's instance. Messages to that instance must not wake the
  // session.
  const { fallback: _, ...settings } = all;
  const session = args.text("session") ?? settings.session;
  if (session === undefined) return wrongUsage("name the session, whose id Codex shows with /status");
  const own = { ...settings, instance: "", session };
  const { outcome, stoppedBy } = await untilSignal((signal) => wakeUntil(own, context, signal));
  return outcome ?? (stoppedBy === undefined ? 0 : await exitCodeOfSignal(stoppedBy));
}
