/** The check of all pages of the database, which takes as long as it is large. Runs in the pool. */
import * as Type from "typebox";
import { findDamage } from "../store/sound.js";
import { unaryJob } from "./pool-method.js";

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
