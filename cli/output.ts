/**
 * Writes stdout and stderr. stdout gets the server's answer: as one line of JSON, as indented JSON (`--pretty`), as raw
 * bytes, or on a terminal as text for people (output/). JSON is never parsed and serialized again, so numbers keep
 * their digits.
 *
 * stderr gets failures, warnings and progress. They all go through this module, which escapes control characters in
 * text that the CLI did not write. Runs in the CLI process.
 */
import { CLI_PRETTY_CHARACTERS_MAX } from "../schemas/limits/cli.js";
import { escapeHidden } from "../schemas/visible-text.js";
import { indentJson, isJson } from "../shared/json-text.js";
import { failed, type CliFailure, type ExitCode } from "./failure.js";
import { io } from "./io.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";
import type { View } from "./view.js";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const NEWLINE = Buffer.from("\n");
/**
 * A larger answer is printed as JSON even on a terminal. Text for people needs the answer as one string, and strings
 * have a maximum length.
 */
const PERSON_BYTES_MAX = 128 * 1024 * 1024;
/** The size of the pieces in which JSON is escaped, in bytes. An answer may be too large for one string. */
const PIECE_BYTES = 8 * 1024 * 1024;
/**
 * The maximum size of a piece, in bytes. A piece normally ends at a quotation mark, but text that is not JSON may have
 * none.
 */
const PIECE_BYTES_MAX = 64 * 1024 * 1024;

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

/** Matches control characters that never occur in valid JSON. The server's answer may be invalid JSON. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Returns whether the bytes are ASCII without control characters. Such bytes need no escaping. */
function isPlain(json: Buffer): boolean {
  // node:buffer is loaded only if it is needed. With a static import, every command would load it.
  return process.getBuiltinModule("node:buffer").isAscii(json) && !CONTROL.test(json.toString("latin1"));
}

/**
 * Escapes the characters of a JSON text that are invisible or control a terminal. The value of the JSON stays the same.
 * Text that is not JSON is escaped too, because a server may answer with anything.
 */
function escapeJson(json: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let start = 0; start < json.length; ) {
    // Each piece ends before a quotation mark, so that no multi-byte character is split between two pieces.
    const quote = json.indexOf(QUOTE, start + PIECE_BYTES);
    const end = Math.min(quote < 0 ? json.length : quote, start + PIECE_BYTES_MAX);
    const piece = json.subarray(start, end);
    pieces.push(isPlain(piece) ? piece : Buffer.from(escapeHidden(piece.toString("utf8"), "\n\r\t")));
    start = end;
  }
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
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
 * Formats a stored value for printing. With `--pretty`, a JSON value is indented. Otherwise a pipe gets the exact
 * bytes. A terminal gets text in which control characters are escaped, except line ends and tabs.
 */
export function formatValue(value: Buffer, pretty: boolean, isTerminal = io().isTerminal()): Buffer {
  const indented = pretty ? indentBytes(value) : undefined;
  if (indented !== undefined) return escapeJson(Buffer.from(`${indented}\n`));
  if (!isTerminal) return value;
  return Buffer.from(escapeHidden(value.toString("utf8").replaceAll("\r\n", "\n"), "\n\t"));
}

/**
 * Writes to stdout and waits until the bytes are accepted. It is not a failure if the reader has closed the pipe, as `|
 * head` does.
 */
export async function print(bytes: Buffer): Promise<CliFailure | undefined> {
  return await new Promise((resolve) => {
    const settle = (error: Error | null | undefined): void => {
      const harmless = !error || errorCodeOf(error) === "EPIPE";
      resolve(harmless ? undefined : failed(`cannot write the answer: ${describeSystemError(error)}`));
    };
    const stdout = io().stdout();
    // The listener is kept, because the stream also emits the error of a failed write as an event.
    stdout.once("error", settle);
    stdout.write(bytes, settle);
  });
}

/** Whether the output may have colors. A non-empty `NO_COLOR` forbids them (no-color.org). */
function hasColors({ noColor }: View): boolean {
  const { NO_COLOR, TERM } = io().environment;
  return !noColor && !NO_COLOR && TERM !== "dumb";
}

/**
 * Formats a JSON answer as the flags demand. The result is JSON, JSON with only the selected members, or text for
 * people on a terminal.
 */
export async function formatAnswer(json: Buffer, view: View): Promise<Buffer> {
  const asText = io().isTerminal() && !view.json && !view.pretty && json.length <= PERSON_BYTES_MAX;
  const { fields } = view;
  if (!asText && fields === undefined) return formatJson(json, view.pretty);
  const { findMissing, formatForPerson, selectAnswer } = await import("./output/answer.js");
  const text = json.toString("utf8");
  if (!isJson(text)) return formatJson(json, view.pretty);
  const options = { list: view.list, fields };
  for (const name of findMissing(text, options)) warn(`the answer has no member ${name} (--fields)`);
  const shown = asText
    ? formatForPerson(text, options, { width: io().columns(), hasColors: hasColors(view), nowMs: Date.now() })
    : undefined;
  if (shown !== undefined) return Buffer.from(shown);
  return formatJson(fields === undefined ? json : Buffer.from(selectAnswer(text, options)), view.pretty);
}

/** Whether the answer is printed as text for people. This is the default on a terminal. */
export function isForPerson(view: View): boolean {
  return io().isTerminal() && !wantsJson(view);
}

/** Whether a flag demands JSON, or selected members of it. */
export function wantsJson({ json, pretty, fields }: View): boolean {
  return json || pretty || fields !== undefined;
}

/**
 * Returns a function that formats the answers of a command that prints many of them, one after the other. Each answer
 * becomes JSON even on a terminal, because a table would need all answers at once.
 */
export async function lineFormatter(view: View): Promise<(json: Buffer) => Buffer> {
  const { fields } = view;
  if (fields === undefined) return (json) => formatJson(json, view.pretty);
  const { selectFields } = await import("./output/fields.js");
  return (json) => formatJson(Buffer.from(selectFields(json.toString("utf8"), fields)), view.pretty);
}

/** Formats a JSON answer as `formatAnswer` does, and prints it. */
export async function printAnswer(json: Buffer, view: View): Promise<CliFailure | undefined> {
  return await print(await formatAnswer(json, view));
}

/**
 * Writes one line to stderr. Control characters in it are escaped, including line ends, because the text may come from
 * other agents.
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
