/**
 * Defines the jobs of the pool that belong to no feature: reading long JSON bodies, and checking all pages of the
 * database. Runs in the pool.
 */
import * as Type from "typebox";
import { ReadBodyReply, ReadBodyRequest } from "../../../schemas/body.js";
import { FRONT_BODIES } from "../../../schemas/front-bodies.js";
import { must } from "../../base/assert.js";
import { unpackBytes } from "../../base/bytes.js";
import { freeMemberOf, withoutFree } from "../../base/free-member.js";
import { readOutline } from "../../base/json-outline.js";
import { refuseStructure } from "../../base/json-structure.js";
import { Failure } from "../../base/result.js";
import { loadShapes } from "../../base/shape.js";
import { findDamage } from "../store/sound.js";
import { unaryJob } from "./pool-method.js";

/**
 * Reads a JSON body that would block the front for long. The body's schema limits the size of the result, except for
 * the free member, which may be any JSON. The free member is returned as text and not parsed. Members that the schema
 * does not name are not parsed either. Parsing them would take CPU time from the front and the writer, which share the
 * processors with the pool. JSON.parse takes half a second for six megabytes of distinct names.
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

/** Checks all pages of the database for damage. The duration grows with the size of the database. */
export const checkStorage = unaryJob({
  name: "storage.check",
  request: Type.Object({ path: Type.String() }),
  /** A text that describes the damage; null if there is none. */
  reply: Type.Union([Type.String(), Type.Null()]),
  cost: "unbounded",
  snapshot: "own",
  models: {},
  run: (_models, { path }) => findDamage(path),
});
