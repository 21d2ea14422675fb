/**
 * Writes stdout and stderr. stdout gets the server's answer as one line of JSON, indented with `--pretty`, or as raw
 * bytes. Numbers keep their digits because JSON is never parsed and serialized again. stderr gets only failures and
 * warnings, all through this module, with control characters in foreign text escaped. Runs in the CLI process.
 */
import { escapeHidden } from "../schemas/visible-text.js";
import { failed, type CliFailure, type ExitCode } from "./failure.js";
import { io } from "./io.js";
import { indentJson, isJson } from "./json-text.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;
const QUOTE = 0x22;
const NEWLINE = Buffer.from("\n");
/** JSON is processed in pieces of about this size, because an answer may be longer than a string can be. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** Replaces line ends by spaces; valid JSON contains raw ones only between tokens. Changes `json` in place. */
export function foldLines(json: Buffer): Buffer {
  if (!json.includes(LINE_FEED) && !json.includes(CARRIAGE_RETURN)) return json;
  let end = json.length;
  while (end > 0 && (json[end - 1] === LINE_FEED || json[end - 1] === CARRIAGE_RETURN)) end -= 1;
  for (let at = 0; at < end; at += 1) {
    if (json[at] === LINE_FEED || json[at] === CARRIAGE_RETURN) json[at] = SPACE;
  }
  return json.subarray(0, end);
}

/** Whether the bytes are ASCII without DEL, so that nothing needs escaping. */
function isPlain(json: Buffer): boolean {
  // With an import by name, every command would pay for this module.
  return process.getBuiltinModule("node:buffer").isAscii(json) && !json.includes(DELETE);
}

/** Escapes characters of JSON that are invisible or act on a terminal. The JSON keeps its meaning. */
function escapeJson(json: Buffer): Buffer {
  if (isPlain(json)) return json;
  const pieces: Buffer[] = [];
  for (let start = 0; start < json.length; ) {
    // Pieces are split at quotation marks, so no character spans two pieces.
    const quote = json.indexOf(QUOTE, start + PIECE_BYTES);
    const end = quote < 0 ? json.length : quote;
    const piece = json.subarray(start, end);
    pieces.push(isPlain(piece) ? piece : Buffer.from(escapeHidden(piece.toString("utf8"), "\n\r\t")));
    start = end;
  }
  return Buffer.concat(pieces);
}

/** Indents the bytes; `undefined` if they are not JSON in UTF-8, or the result would be too long. */
function indentBytes(bytes: Buffer): string | undefined {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  return isJson(text) ? indentJson(text) : undefined;
}

/** Formats a JSON answer for printing, with a newline at its end. */
export function formatJson(json: Buffer, pretty: boolean): Buffer {
  const indented = pretty ? indentBytes(json) : undefined;
  if (indented === undefined) return Buffer.concat([escapeJson(foldLines(json)), NEWLINE]);
  return escapeJson(Buffer.from(`${indented}\n`));
}

/**
 * Formats a stored value: its exact bytes, or indented if `--pretty` is given and it is JSON. On a terminal it is text
 * with control characters escaped, except for line ends and tabs.
 */
export function formatValue(value: Buffer, pretty: boolean, is_terminal = io().isTerminal()): Buffer {
  const indented = pretty ? indentBytes(value) : undefined;
  if (indented !== undefined) return escapeJson(Buffer.from(`${indented}\n`));
  if (!is_terminal) return value;
  return Buffer.from(escapeHidden(value.toString("utf8").replaceAll("\r\n", "\n"), "\n\t"));
}

/** Writes to stdout and waits until the bytes are taken. A reader that has left (`| head`) is not a failure. */
export async function print(bytes: Buffer): Promise<CliFailure | undefined> {
  return await new Promise((resolve) => {
    const settle = (error: Error | null | undefined): void => {
      const harmless = !error || errorCodeOf(error) === "EPIPE";
      resolve(harmless ? undefined : failed(`cannot write the answer: ${describeSystemError(error)}`));
    };
    const stdout = io().stdout();
    // The listener stays, because the stream reports an error again after the write has failed.
    stdout.once("error", settle);
    stdout.write(bytes, settle);
  });
}

/** Writes one line to stderr. Foreign text in it is escaped, so it stays one line without control characters. */
export function warn(line: string): void {
  io()
    .stderr()
    .write(`koor: ${escapeHidden(line)}\n`);
}

/** Writes the failure to stderr and returns its exit code. */
export function reportFailure(failure: CliFailure): ExitCode {
  warn(failure.message);
  if (failure.detail !== "")
    io()
      .stderr()
      .write(`${escapeHidden(failure.detail)}\n`);
  return failure.exit;
}
