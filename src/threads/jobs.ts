/**
 * What the pool does for no feature in particular: reading long JSON bodies, and the check of all pages of the database.
 * Runs in the pool.
 */
import * as Type from "typebox";
import { ReadBodyReply, ReadBodyRequest } from "../../schemas/body.js";
import { FRONT_BODIES } from "../../schemas/front-bodies.js";
import { must } from "../base/assert.js";
import { unpackBytes } from "../base/bytes.js";
import { freeMemberOf, withoutFree } from "../base/free-member.js";
import { readOutline } from "../base/json-outline.js";
import { refuseStructure } from "../base/json-structure.js";
import { Failure } from "../base/result.js";
import { loadShapes } from "../base/shape.js";
import { findDamage } from "../store/sound.js";
import { unaryJob } from "./pool-method.js";

/**
 * Reads a JSON body that would keep the front for long. What goes back is bounded by the body's schema, but for the text
 * of its free member. Neither that nor what the schema does not name is parsed: six megabytes of distinct names take
 * JSON.parse half a second of a processor, which front and writer share with the pool.
 */
export const readBody = unaryJob({
  name: "body.read",
  request: ReadBodyRequest,
  reply: ReadBodyReply,
  cost: "bounded",
  snapshot: "own",
  prepare: loadShapes,
  models: {},
  run: (_models, { schema: name, body }) => {
    const schema = must(FRONT_BODIES.get(name), `there is a body named ${name}`);
    const bytes = unpackBytes(body);
    const read = refuseStructure(bytes) ?? readOutline(bytes, schema, freeMemberOf(schema));
    if (read instanceof Failure) return read;
    return { json: withoutFree(read.json, schema), free: [...read.free] };
  },
});

/** The check takes as long as the database is large. */
export const checkStorage = unaryJob({
  name: "storage.check",
  request: Type.Object({ path: Type.String() }),
  /** What is wrong; null where nothing is. */
  reply: Type.Union([Type.String(), Type.Null()]),
  cost: "unbounded",
  snapshot: "own",
  models: {},
  run: (_models, { path }) => findDamage(path),
});
