/**
 * Implements `backup`, which writes all data of a server to a file or to stdout, and `restore`, which loads it. Runs in
 * the CLI process.
 */
import { createReadStream, fstatSync, statSync } from "node:fs";

import { CLI_RESTORE_TIMEOUT_MS } from "../../schemas/limits/cli.js";
import { describeRefusal, isSuccess, openRequest, sendRequest } from "../client.js";
import type { Args, CommandContext, CommandRow } from "../command-row.js";
import { collectAnswer, NoAnswer, type RequestPlan } from "../exchange.js";
import { CliFailure, failed, wrongUsage, type ExitCode } from "../failure.js";
import { isStdin, openInputFile } from "../input-file.js";
import { io } from "../io.js";
import { resolveOutput } from "../output-file.js";
import { printAnswer } from "../output.js";
import { streamSnapshot, writeSnapshot } from "../snapshot-file.js";
import { describeSystemError } from "../system-error.js";
import { withProgress } from "../transfer.js";

const SUCCESS = 200;
/** The name of stdout as the file of `--output`. */
const STDOUT = "-";
const LINES_TYPE = { "Content-Type": "application/x-ndjson" };

function locateSnapshot(path: string, folder: string): string | CliFailure {
  try {
    return resolveOutput(path, folder);
  } catch (error) {
    return failed(`cannot write ${path}: ${describeSystemError(error)}`);
  }
}

async function backUp(args: Args, context: CommandContext): Promise<ExitCode | CliFailure> {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const output = args.text("output") ?? STDOUT;
  if (output === STDOUT && io().isTerminal())
    return wrongUsage("a backup is not written to a terminal: redirect stdout, or name a file with --output");
  const path = output === STDOUT ? undefined : locateSnapshot(output, context.folder);
  if (path instanceof CliFailure) return path;
  const open = await openRequest(settings, { method: "GET", path: "/api/backup" });
  if (open instanceof CliFailure) return open;
  try {
    if (open.status !== SUCCESS) {
      const answer = await collectAnswer(open);
      return answer instanceof NoAnswer ? failed(answer.why) : describeRefusal(answer.status, answer.body);
    }
    // The size of a backup is not known in advance. If the backup replaces an older one, the older size is a good
    // estimate.
    const totalBytes = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false })?.size;
    const transfer = { name: "backup", totalBytes, isGuess: true };
    const pieces = withProgress(open.response as AsyncIterable<Buffer>, transfer);
    if (path === undefined) return (await streamSnapshot(pieces)) ?? 0;
    const counts = await writeSnapshot(path, output, pieces);
    return counts instanceof CliFailure ? counts : ((await printAnswer(Buffer.from(counts), context)) ?? 0);
  } finally {
    open.close();
  }
}

/** Opens the snapshot at the path that `--file` names; `-` means stdin. */
async function openSnapshot(path: string): Promise<NonNullable<RequestPlan["stream"]> | CliFailure> {
  if (isStdin(path)) return { source: io().stdin(), length: undefined };
  const file = await openInputFile(path);
  if (file instanceof CliFailure) return file;
  const info = fstatSync(file);
  return { source: createReadStream(path, { fd: file }), length: info.isFile() ? info.size : undefined };
}

/**
 * Returns a stream with the same bytes, which shows the progress. The progress counts the bytes that the connection has
 * taken.
 */
async function watched({ source, length }: NonNullable<RequestPlan["stream"]>) {
  const { Readable } = await import("node:stream");
  const pieces = withProgress(source as AsyncIterable<unknown> as AsyncIterable<Buffer>, {
    name: "restore",
    totalBytes: length,
  });
  return { source: Readable.from(pieces, { objectMode: false }), length };
}

async function restore(args: Args, context: CommandContext): Promise<ExitCode | CliFailure> {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const file = await openSnapshot(args.need("file"));
  if (file instanceof CliFailure) return file;
  const stream = io().isErrorTerminal() ? await watched(file) : file;
  // Name no instance in the request. An empty server knows no instances, so it would refuse the call.
  const { session: _session, fallback: _fallback, ...others } = settings;
  const answer = await sendRequest(
    { ...others, instance: "" },
    {
      method: "POST",
      path: "/api/restore",
      headers: LINES_TYPE,
      stream,
      answer_timeout_ms: CLI_RESTORE_TIMEOUT_MS,
    },
  );
  if (answer instanceof CliFailure) return answer;
  if (!isSuccess(answer)) return describeRefusal(answer.status, answer.body);
  return (await printAnswer(answer.body, context)) ?? 0;
}

export const BACKUP_COMMANDS: readonly CommandRow[] = [
  {
    words: ["backup"],
    about: "Write all of the server's data to a file, or to stdout.",
    examples: ["backup --output koor-backup.ndjson"],
    flags: [
      {
        name: "output",
        kind: "text",
        value: "PATH",
        about: "the file, replaced when the snapshot is complete; - or no --output writes to stdout",
      },
    ],
    endpoints: ["GET /api/backup"],
    run: backUp,
  },
  {
    words: ["restore"],
    about: "Fill an empty server from a backup, all or nothing.",
    examples: ["restore --file koor-backup.ndjson"],
    flags: [{ name: "file", kind: "text", value: "PATH", about: "the file; - reads stdin", required: true }],
    endpoints: ["POST /api/restore"],
    run: restore,
  },
];
