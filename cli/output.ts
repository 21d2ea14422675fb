/**
 * What goes to stdout: the server's answer as one line of JSON, indented with `--pretty`, or raw bytes.
 * Numbers keep their digits because JSON is never re-made. Runs in the command line's process; stderr
 * gets failures and notes only, and only from here: what others wrote is made harmless on its way.
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
/** JSON is looked through in pieces of about this size: an answer may be longer than a string can be. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** Valid JSON holds raw line ends only between its tokens: each becomes a space. Changes `json` in place. */
export function foldLines(json: Buffer): Buffer {
  if (!json.includes(LINE_FEED) && !json.includes(CARRIAGE_RETURN)) return json;
  let end = json.length;
  while (end > 0 && (json[end - 1] === LINE_FEED || json[end - 1] === CARRIAGE_RETURN)) end -= 1;
  for (let at = 0; at < end; at += 1) {
    if (json[at] === LINE_FEED || json[at] === CARRIAGE_RETURN) json[at] = SPACE;
  }
  return json.subarray(0, end);
}

/** Whether nothing but ASCII without DEL is in it, and so nothing that JSON would have to escape. */
function isPlain(json: Buffer): boolean {
  // Loaded by its name, every command would pay for it.
  return process.getBuiltinModule("node:buffer").isAscii(json) && !json.includes(DELETE);
}

/** The same JSON, in which what cannot be seen, or works on a terminal, is escaped. */
function escapeJson(json: Buffer): Buffer {
  if (isPlain(json)) return json;
  const pieces: Buffer[] = [];
  for (let start = 0; start < json.length; ) {
    // No character is kept for what stands on the other side of a quotation mark.
    const quote = json.indexOf(QUOTE, start + PIECE_BYTES);
    const end = quote < 0 ? json.length : quote;
    const piece = json.subarray(start, end);
    pieces.push(isPlain(piece) ? piece : Buffer.from(escapeHidden(piece.toString("utf8"), "\n\r\t")));
    start = end;
  }
  return Buffer.concat(pieces);
}

/** The text of `bytes` indented; `undefined` where it is not JSON in UTF-8, or would get far too long. */
function indentBytes(bytes: Buffer): string | undefined {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  return isJson(text) ? indentJson(text) : undefined;
}

/** One answer of JSON as it is printed, with the newline at its end. */
export function formatJson(json: Buffer, pretty: boolean): Buffer {
  const indented = pretty ? indentBytes(json) : undefined;
  if (indented === undefined) return Buffer.concat([escapeJson(foldLines(json)), NEWLINE]);
  return escapeJson(Buffer.from(`${indented}\n`));
}

/**
 * A stored value: its very bytes, or indented where `--pretty` asks for it and it is JSON. A person at a terminal gets
 * it as text, with what works on the terminal escaped; the ends of its lines and tabs stay.
 */
export function formatValue(value: Buffer, pretty: boolean, is_terminal = io().isTerminal()): Buffer {
  const indented = pretty ? indentBytes(value) : undefined;
  if (indented !== undefined) return escapeJson(Buffer.from(`${indented}\n`));
  if (!is_terminal) return value;
  return Buffer.from(escapeHidden(value.toString("utf8").replaceAll("\r\n", "\n"), "\n\t"));
}

/** Writes to stdout and waits until it is taken. A reader that went away (`| head`) is not a failure. */
export async function print(bytes: Buffer): Promise<CliFailure | undefined> {
  return await new Promise((resolve) => {
    const settle = (error: Error | null | undefined): void => {
      const harmless = !error || errorCodeOf(error) === "EPIPE";
      resolve(harmless ? undefined : failed(`cannot write the answer: ${describeSystemError(error)}`));
    };
    const stdout = io().stdout();
    // It stays: the stream tells of what has failed once more, after the write's own end.
    stdout.once("error", settle);
    stdout.write(bytes, settle);
  });
}

/** One line on stderr. Texts of others may stand in it: it stays one line, and without controls. */
export function warn(line: string): void {
  io()
    .stderr()
    .write(`koor: ${escapeHidden(line)}\n`);
}

/** The failure on stderr; its exit code. */
export function reportFailure(failure: CliFailure): ExitCode {
  warn(failure.message);
  if (failure.detail !== "")
    io()
      .stderr()
      .write(`${escapeHidden(failure.detail)}\n`);
  return failure.exit;
}
