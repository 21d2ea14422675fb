/**
 * Holds what really travels through the RPC to the table of methods: each request, and each reply of the
 * writer, is checked against its schema where it is carried out, on whichever thread. What does not fit is
 * thrown, and becomes a 5xx; the names of what was called are written to a file beside the database.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { Compile, type Validator } from "typebox/compile";
import { METHODS, type Method, type MethodName } from "../../schemas/methods.js";
import { must } from "../../src/base/assert.js";
import { Failure } from "../../src/base/result.js";

export const CALLED_FILE = "called-methods";

type Handler = (context: unknown, request: unknown) => unknown;

function check(validator: Validator, value: unknown, what: string): void {
  if (validator.Check(value)) return;
  const [error] = validator.Errors(value);
  throw new Error(`${what} does not fit its schema: ${error?.instancePath} ${error?.message}`);
}

/** Replaces each handler of the table by one that checks. */
export function checkHandlers(handlers: object, data_dir: string): void {
  const table = handlers as Record<string, Handler>;
  for (const name of Object.keys(table)) {
    const handler = must(table[name], "the name is a key");
    const method: Method = METHODS[name as MethodName];
    const request_schema = Compile(method.request);
    const reply_schema = Compile(method.reply);
    table[name] = (context, request) => {
      appendFileSync(join(data_dir, CALLED_FILE), `${name}\n`);
      check(request_schema, request, `the request of ${name}`);
      const reply = handler(context, request);
      if (method.lane !== "pool" && !(reply instanceof Failure)) check(reply_schema, reply, `the reply of ${name}`);
      return reply;
    };
  }
}
