/**
 * Writes stdout and stderr. stdout gets the server's answer: as one line of JSON, as indented JSON with `--pretty`, or
 * as raw bytes. stderr gets only failures and warnings.
 *
 * JSON is never parsed and serialized again, so numbers keep their digits. All failures and warnings go through this
 * module, which escapes control characters in texts that the CLI did not write. Runs in the CLI process.
 */
import { CLI_PRETTY_CHARACTERS_MAX } from "../schemas/limits/cli.js";
import { escapeHidden } from "../schemas/visible-text.js";
import { indentJson, isJson } from "../shared/json-text.js";
import { failed, type CliFailure, type ExitCode } from "./failure.js";
import { io } from "./io.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;
const QUOTE = 0x22;
const NEWLINE = Buffer.from("\n");
/**
 * The approximate size, in bytes, of the pieces in which JSON is processed. An answer may be longer than a string can
 * be, so it cannot be processed as a whole.
 */
const PIECE_BYTES = 8 * 1024 * 1024;

/**
 * Replaces line ends by spaces. This is safe because valid JSON contains unescaped line ends only between tokens.
 * Changes `json` in place.
 */
export function foldLines(json: Buffer): Buffer {
  if (!json.includes(LINE_FEED) && !json.includes(CARRIAGE_RETURN)) return json;
  let end = json.length;
  while (end > 0 && (json[end - 1] === LINE_FEED || json[end - 1] === CARRIAGE_RETURN)) end -= 1;
  for (let at = 0; at < end; at += 1) {
    if (json[at] === LINE_FEED || json[at] === CARRIAGE_RETURN) json[at] = SPACE;
  }
  return json.subarray(0, end);
}

/** Returns whether the bytes are ASCII without DEL. Such bytes need no escaping. */
function isPlain(json: Buffer): boolean {
  // node:buffer is loaded here, because an import at the top of this file would load it for every command.
  return process.getBuiltinModule("node:buffer").isAscii(json) && !json.includes(DELETE);
}

/** Escapes characters in JSON that are invisible or that control a terminal. The JSON keeps its meaning. */
function escapeJson(json: Buffer): Buffer {
  if (isPlain(json)) return json;
  const pieces: Buffer[] = [];
  for (let start = 0; start < json.length; ) {
    // Each piece ends before a quotation mark, so no character is split between two pieces.
    const quote = json.indexOf(QUOTE, start + PIECE_BYTES);
    const end = quote < 0 ? json.length : quote;
    const piece = json.subarray(start, end);
    pieces.push(isPlain(piece) ? piece : Buffer.from(escapeHidden(piece.toString("utf8"), "\n\r\t")));
    start = end;
  }
  return Buffer.concat(pieces);
}

/** Indents JSON bytes. Returns `undefined` if they are not JSON in UTF-8 or the result would be too long. */
function indentBytes(bytes: Buffer): string | undefined {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  return isJson(text) ? indentJson(text, CLI_PRETTY_CHARACTERS_MAX) : undefined;
}

/** Formats a JSON answer for printing, and ends it with a newline. */
export function formatJson(json: Buffer, pretty: boolean): Buffer {
  const indented = pretty ? indentBytes(json) : undefined;
  if (indented === undefined) return Buffer.concat([escapeJson(foldLines(json)), NEWLINE]);
  return escapeJson(Buffer.from(`${indented}\n`));
}

/**
 * Formats a stored value for printing: its exact bytes, or indented JSON if `--pretty` is given and the value is JSON.
 * On a terminal it is printed as text, with control characters other than line ends and tabs escaped.
 */
export function formatValue(value: Buffer, pretty: boolean, isTerminal = io().isTerminal()): Buffer {
  const indented = pretty ? indentBytes(value) : undefined;
  if (indented !== undefined) return escapeJson(Buffer.from(`${indented}\n`));
  if (!isTerminal) return value;
  return Buffer.from(escapeHidden(value.toString("utf8").replaceAll("\r\n", "\n"), "\n\t"));
}

/**
 * Writes to stdout and waits until the bytes are taken. If the reader has closed the pipe (as `| head` does), this is
 * not a failure.
 */
export async function print(bytes: Buffer): Promise<CliFailure | undefined> {
  return await new Promise((resolve) => {
    const settle = (error: Error | null | undefined): void => {
      const harmless = !error || errorCodeOf(error) === "EPIPE";
      resolve(harmless ? undefined : failed(`cannot write the answer: ${describeSystemError(error)}`));
    };
    const stdout = io().stdout();
    // The listener is not removed, because the stream reports an error once more after the write has failed.
    stdout.once("error", settle);
    stdout.write(bytes, settle);
  });
}

/**
 * Writes one line to stderr. Line ends and other control characters in the text are escaped, because the text may come
 * from elsewhere. So the line stays one line.
 */
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
