/**
 * Reads the bytes that a command sends: from `--data`, from `--file`, or from stdin if the value of either flag is `-`.
 * Stops reading at a size that every server refuses, so that the user gets the server's refusal. Runs in the CLI
 * process.
 */
import { closeSync, readSync } from "node:fs";

import { REFUSED_BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { isJson } from "../shared/json-text.js";
import type { Args, Flag } from "./command-row.js";
import { CliFailure, refused, wrongUsage } from "./failure.js";
import { isStdin, openInputFile } from "./input-file.js";
import { io } from "./io.js";
import { describeSystemError } from "./system-error.js";

/** The headers of a JSON body. */
export const JSON_TYPE = { "Content-Type": "application/json" } as const;

const READ_BYTES = 64 * 1024;

/**
 * The flags of a command that sends a value. Such a command's row also sets `oneOf: VALUE_FLAG_NAMES`, which requires
 * exactly one of them.
 */
export const VALUE_FLAGS: readonly Flag[] = [
  { name: "file", kind: "text", value: "PATH", about: "send this file; - reads stdin" },
  { name: "data", kind: "text", value: "TEXT", about: "send this text; - reads stdin" },
];
export const VALUE_FLAG_NAMES = ["file", "data"] as const;

function tooLarge(): CliFailure {
  return refused(`the value is larger than ${REFUSED_BODY_BYTES_MAX} bytes`);
}

async function readFileBytes(path: string): Promise<Buffer | CliFailure> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const file = await openInputFile(path);
  if (file instanceof CliFailure) return file;
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(READ_BYTES);
      const count = readSync(file, chunk);
      if (count === 0) return Buffer.concat(chunks, bytes);
      chunks.push(chunk.subarray(0, count));
      bytes += count;
      if (bytes > REFUSED_BODY_BYTES_MAX) return tooLarge();
    }
  } catch (error) {
    return wrongUsage(`cannot read ${path}: ${describeSystemError(error)}`);
  } finally {
    closeSync(file);
  }
}

async function readStdin(): Promise<Buffer | CliFailure> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of io().stdin() as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > REFUSED_BODY_BYTES_MAX) return tooLarge();
    }
  } catch (error) {
    return wrongUsage(`cannot read stdin: ${describeSystemError(error)}`);
  }
  return Buffer.concat(chunks, bytes);
}

/** Reads the file that a flag names; reads stdin if the path is `-` or another name of stdin. */
export async function readFileFlag(path: string): Promise<Buffer | CliFailure> {
  return isStdin(path) ? await readStdin() : await readFileBytes(path);
}

function decodeText(bytes: Buffer, name: string): string | CliFailure {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return wrongUsage(`the ${name} is not UTF-8 text`);
  }
}

/** Reads text from the file that a flag names, or from stdin if the path is `-`. Error messages contain `name`. */
export async function readTextFileFlag(path: string, name: string): Promise<string | CliFailure> {
  const bytes = await readFileFlag(path);
  return bytes instanceof CliFailure ? bytes : decodeText(bytes, name);
}

/** Returns the value of a flag as bytes, or stdin if the value is `-`; undefined if the flag is not given. */
export async function readFlag(args: Args, name: string): Promise<Buffer | undefined | CliFailure> {
  const value = args.text(name);
  if (value === "-") return await readStdin();
  return value === undefined ? undefined : Buffer.from(value);
}

/** Returns the value of a flag as text, or stdin if the value is `-`; undefined if the flag is not given. */
export async function readTextFlag(args: Args, name: string): Promise<string | undefined | CliFailure> {
  const bytes = await readFlag(args, name);
  return bytes === undefined || bytes instanceof CliFailure ? bytes : decodeText(bytes, name);
}

/**
 * Returns the value of a flag, or stdin if the value is `-`, as JSON text. The text is checked but not rewritten, so
 * numbers keep their digits.
 */
export async function readJsonFlag(args: Args, name: string): Promise<string | undefined | CliFailure> {
  const text = await readTextFlag(args, name);
  if (text === undefined || text instanceof CliFailure) return text;
  return isJson(text) ? text : wrongUsage(`--${name} is not JSON (a string needs its own quotes: '"text"')`);
}

/** Returns the value of `--data` or `--file`. Exactly one of them is given, because the row's `oneOf` requires it. */
export async function readValue(args: Args): Promise<Buffer | CliFailure> {
  const data = args.text("data");
  const path = args.text("file");
  if (path !== undefined) return await readFileFlag(path);
  return data === "-" ? await readStdin() : Buffer.from(data ?? "");
}

/**
 * Returns the value of `--data` or `--file` as JSON text. The text is checked but not rewritten, because parsing would
 * lose digits of long numbers.
 */
export async function readJsonValue(args: Args): Promise<string | CliFailure> {
  const value = await readValue(args);
  const text = value instanceof CliFailure ? value : decodeText(value, "data");
  if (text instanceof CliFailure || isJson(text)) return text;
  return wrongUsage("the data is not valid JSON (a string needs its own quotes: '\"text\"')");
}
