/**
 * Compares the RPC's actual traffic with the table of methods: each request, reply and text is checked against its
 * schema in the thread that executes the call. A mismatch is thrown and becomes a 5xx. The names of the called methods
 * are written to a file beside the database.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { Failure } from "../../src/base/result.js";
import { METHODS } from "../../src/methods.js";
import type { AnyMethod } from "../../src/platform/threads/methods.js";
import type { Models } from "../../src/platform/threads/model.js";

export const CALLED_FILE = "called-methods";

type Run = (request: unknown, call: unknown) => unknown;

const validators = new Map<TSchema, Validator>();

function check(schema: TSchema, value: unknown, what: string): void {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = Compile(schema);
    validators.set(schema, validator);
  }
  if (!validator.Check(value)) {
    const [error] = validator.Errors(value);
    throw new Error(`${what} does not fit its schema: ${error?.instancePath} ${error?.message}`);
  }
  checkContents(schema, value, what);
}

/** Checks texts that are JSON, at any depth of an object, against the schema of their content. */
function checkContents(schema: TSchema, value: unknown, what: string): void {
  const { contentSchema, properties } = schema as {
    readonly contentSchema?: TSchema;
    readonly properties?: Readonly<Record<string, TSchema>>;
  };
  if (contentSchema !== undefined) check(contentSchema, JSON.parse(String(value)), `the content of ${what}`);
  for (const [name, member] of Object.entries(properties ?? {})) {
    const inner = (value as Readonly<Record<string, unknown>>)[name];
    if (inner !== undefined) checkContents(member, inner, `${what}.${name}`);
  }
}

/** Passes on a stream's chunks, and checks their whole text against its schema after the last one. */
function* checkPieces(
  row: Extract<AnyMethod, { readonly kind: "stream" }>,
  pieces: Iterable<string | Failure, unknown>,
): Generator<string | Failure, unknown, undefined> {
  let text = "";
  const iterator = pieces[Symbol.iterator]();
  try {
    for (;;) {
      const next = iterator.next();
      if (next.done === true) {
        if (next.value instanceof Failure) return next.value;
        check(row.reply, next.value, `the reply of ${row.name}`);
        const lines = (row.text as { readonly type?: string }).type === "string";
        check(row.text, lines ? text : JSON.parse(text), `the text of ${row.name}`);
        return next.value;
      }
      yield next.value;
      if (next.value instanceof Failure) return next.value;
      text += next.value;
    }
  } finally {
    iterator.return?.();
  }
}

/** Makes a row check its requests and replies. */
export function checkRow(row: AnyMethod, dataDir: string): void {
  const bind = row.bind.bind(row) as (models: Models) => Run;
  const checked = (models: Models): Run => {
    const run = bind(models);
    return (request, call) => {
      appendFileSync(join(dataDir, CALLED_FILE), `${row.name}\n`);
      check(row.request, request, `the request of ${row.name}`);
      const reply = run(request, call);
      if (row.kind === "stream") return checkPieces(row, reply as Iterable<string | Failure, unknown>);
      if (!(reply instanceof Failure)) check(row.reply, reply, `the reply of ${row.name}`);
      return reply;
    };
  };
  Object.assign(row, { bind: checked });
}

/** Makes all rows of this thread check their requests and replies. */
export function checkMethods(dataDir: string): void {
  for (const row of METHODS.rows) checkRow(row, dataDir);
}
