/**
 * Reads the bytes that a command sends. They come from `--data` or `--file`, or from stdin if the flag's value is `-`.
 * Reading stops at a size that every server refuses, so that the user gets the server's refusal. Runs in the CLI
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
 * The two flags for the value that a command sends. A command with these flags also needs `oneOf: VALUE_FLAG_NAMES` in
 * its row, which requires exactly one of them.
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

/** Reads a file. Reads stdin if the path is `-` or another name of stdin, such as `/dev/stdin`. */
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

/** Reads a file or stdin as UTF-8 text. Error messages contain `name`. */
export async function readTextFileFlag(path: string, name: string): Promise<string | CliFailure> {
  const bytes = await readFileFlag(path);
  return bytes instanceof CliFailure ? bytes : decodeText(bytes, name);
}

/**
 * Returns the value of a flag as bytes; undefined if the flag is not given. If the value is `-`, reads stdin instead.
 */
export async function readFlag(args: Args, name: string): Promise<Buffer | undefined | CliFailure> {
  const value = args.text(name);
  if (value === "-") return await readStdin();
  return value === undefined ? undefined : Buffer.from(value);
}

/**
 * Returns the value of a flag as text; undefined if the flag is not given. If the value is `-`, reads stdin instead.
 */
export async function readTextFlag(args: Args, name: string): Promise<string | undefined | CliFailure> {
  const bytes = await readFlag(args, name);
  return bytes === undefined || bytes instanceof CliFailure ? bytes : decodeText(bytes, name);
}

/**
 * Returns the value of a flag as JSON text. If the value is `-`, reads stdin instead. The text is checked but not
 * rewritten, so numbers keep all digits.
 */
export async function readJsonFlag(args: Args, name: string): Promise<string | undefined | CliFailure> {
  const text = await readTextFlag(args, name);
  if (text === undefined || text instanceof CliFailure) return text;
  return isJson(text) ? text : wrongUsage(`--${name} is not JSON (a string needs its own quotes: '"text"')`);
}

/** Returns the bytes of `--data` or `--file`. The command table ensures that exactly one of them is given (`oneOf`). */
export async function readValue(args: Args): Promise<Buffer | CliFailure> {
  const data = args.text("data");
  const path = args.text("file");
  if (path !== undefined) return await readFileFlag(path);
  return data === "-" ? await readStdin() : Buffer.from(data ?? "");
}

/**
 * Returns the JSON text of `--data` or `--file`. The text is checked but not rewritten, because parsing would lose
 * digits of long numbers.
 */
export async function readJsonValue(args: Args): Promise<string | CliFailure> {
  const value = await readValue(args);
  const text = value instanceof CliFailure ? value : decodeText(value, "data");
  if (text instanceof CliFailure || isJson(text)) return text;
  return wrongUsage("the data is not valid JSON (a string needs its own quotes: '\"text\"')");
}
