/**
 * What goes to stdout: the server's answer as one line of JSON, indented with `--pretty`, or raw bytes.
 * Numbers keep their digits because JSON is never re-made. Runs in the command line's process; stderr
 * gets failures and notes only, and only from here: what others wrote is made harmless on its way.
 */
import { failed, type CliFailure, type ExitCode } from "./failure.js";
import { indentJson, isJson } from "./json-text.js";
import { describeSystemError, errorCodeOf } from "./system-error.js";
import { escapeControls } from "./visible-text.js";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const NEWLINE = Buffer.from("\n");

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
export function layOutJson(json: Buffer, pretty: boolean): Buffer {
  const indented = pretty ? indentBytes(json) : undefined;
  return indented === undefined ? Buffer.concat([foldLines(json), NEWLINE]) : Buffer.from(`${indented}\n`);
}

/** A stored value: its very bytes, or indented where `--pretty` asks for it and it is JSON. */
export function layOutValue(value: Buffer, pretty: boolean): Buffer {
  const indented = pretty ? indentBytes(value) : undefined;
  return indented === undefined ? value : Buffer.from(`${indented}\n`);
}

/** Writes to stdout and waits until it is taken. A reader that went away (`| head`) is not a failure. */
export async function print(bytes: Buffer): Promise<CliFailure | undefined> {
  return await new Promise((resolve) => {
    const settle = (error: Error | null | undefined): void => {
      const harmless = !error || errorCodeOf(error) === "EPIPE";
      resolve(harmless ? undefined : failed(`cannot write the answer: ${describeSystemError(error)}`));
    };
    process.stdout.once("error", settle);
    process.stdout.write(bytes, settle);
  });
}

/** One line on stderr. Texts of others may stand in it: it stays one line, and without controls. */
export function note(line: string): void {
  process.stderr.write(`koor: ${escapeControls(line)}\n`);
}

/** The failure on stderr; its exit code. */
export function reportFailure(failure: CliFailure): ExitCode {
  note(failure.message);
  if (failure.detail !== "") process.stderr.write(`${escapeControls(failure.detail)}\n`);
  return failure.exit;
}
