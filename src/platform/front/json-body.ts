/**
 * Parses the JSON bodies of requests, and checks each against the schema of its route. Short bodies are parsed on the
 * front. Long bodies are parsed in the worker pool, because they would block the front. Runs on the front.
 */
import type { TSchema } from "typebox";
import { FRONT_BODIES } from "../../../schemas/front-bodies.js";
import { must } from "../../base/assert.js";
import { buffersOf, packBytes } from "../../base/bytes.js";
import { freeMemberOf, freeTexts } from "../../base/free-member.js";
import { Failure } from "../../base/result.js";
import { readShaped } from "../../base/shape.js";
import { callerOf, type CallContext } from "../rpc/frames.js";
import { readBody } from "../threads/jobs.js";
import type { Pool } from "../threads/pool.js";
import type { Request, Route } from "./route.js";

/** How to read the JSON bodies of one route. */
export interface JsonReading {
  readonly schema: TSchema;
  /** The name of the schema in FRONT_BODIES. */
  readonly name: string;
  /** The name of the member that may be any JSON; null if there is none. */
  readonly free: string | null;
  /** Whether an empty body is accepted. If so, it is read as an object without members. */
  readonly optional: boolean;
}

/** A parsed body, in the form that a handler receives. */
export type JsonBody = Pick<Request, "json" | "free">;

const EMPTY_OBJECT = Buffer.from("{}");

/** Returns how the pipeline reads the JSON body of a route; null if it reads none. */
export function jsonReading({ name, body }: Route): JsonReading | null {
  if (body?.kind !== "json" || body.unread === true) return null;
  const { schema } = body;
  const listed = [...FRONT_BODIES].find(([, one]) => one === schema);
  return {
    schema,
    name: must(listed, `the body of ${name} is in FRONT_BODIES`)[0],
    free: freeMemberOf(schema),
    optional: "optional" in body,
  };
}

/**
 * Parses and checks a body on the front. Returns the 400 failure if the body is malformed or has the wrong shape.
 * `loadShapes` must have been called before.
 */
export function readJson(body: Uint8Array, { schema, free, optional }: JsonReading): JsonBody | Failure {
  const parsed = readShaped(optional && body.byteLength === 0 ? EMPTY_OBJECT : body, schema);
  if (parsed instanceof Failure) return parsed;
  return { json: parsed.json, free: freeTexts(parsed.text, parsed.json, free) };
}

/**
 * Like `readJson`, but runs in the worker pool. The body's buffer is transferred to the pool, so the caller cannot read
 * it any more.
 */
export function readJsonInPool(
  pool: Pick<Pool, "run">,
  body: Uint8Array,
  { name }: JsonReading,
  context: CallContext,
): Promise<JsonBody | Failure> {
  const packed = packBytes(body);
  return pool.run(readBody, { schema: name, body: packed }, { transfer: buffersOf(packed), caller: callerOf(context) });
}
