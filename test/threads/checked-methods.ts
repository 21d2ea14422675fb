/**
 * Holds what really travels through the RPC to the table of methods: each request, each reply and each text
 * is checked against its schema where it is carried out, on whichever thread. What does not fit is thrown, and
 * becomes a 5xx; the names of what was called are written to a file beside the database.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { Failure } from "../../src/base/result.js";
import { METHODS } from "../../src/methods.js";
import type { AnyMethod } from "../../src/threads/methods.js";
import type { Models } from "../../src/threads/model.js";

export const CALLED_FILE = "called-methods";

type Carry = (request: unknown, call: unknown) => unknown;

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

/** Texts that are JSON, at any depth of an object, are of the shape that their schema says. */
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

/** A stream's chunks, held to the schema of all of them together when the last has come. */
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

/** Has a row check what it is asked and what it answers. */
export function checkRow(row: AnyMethod, data_dir: string): void {
  const bind = row.bind.bind(row) as (models: Models) => Carry;
  const checked = (models: Models): Carry => {
    const carry = bind(models);
    return (request, call) => {
      appendFileSync(join(data_dir, CALLED_FILE), `${row.name}\n`);
      check(row.request, request, `the request of ${row.name}`);
      const reply = carry(request, call);
      if (row.kind === "stream") return checkPieces(row, reply as Iterable<string | Failure, unknown>);
      if (!(reply instanceof Failure)) check(row.reply, reply, `the reply of ${row.name}`);
      return reply;
    };
  };
  Object.assign(row, { bind: checked });
}

/** All rows of this thread. */
export function checkMethods(data_dir: string): void {
  for (const row of METHODS.rows) checkRow(row, data_dir);
}
