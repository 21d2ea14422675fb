/** The methods of the restore thread. */
import * as Type from "typebox";
import { RecordCounts, RestoreWriteRequest } from "../../../schemas/backup.js";
import { stagingMethod } from "../../platform/threads/staging-method.js";
import type { Model } from "../../platform/threads/model.js";
import { Staging } from "./staging.js";

const stagingModel: Model<Staging> = { open: ({ db }) => new Staging(db) };
const models = { staging: stagingModel };

/** Writes the next piece of a snapshot to the staging database. Returns null if no error has been found so far. */
export const writeStaging = stagingMethod({
  name: "restore.write",
  request: RestoreWriteRequest,
  reply: Type.Null(),
  weight: ({ bytes }) => bytes.byteLength,
  models,
  run: ({ staging }, { bytes }) => staging.write(bytes),
});

/**
 * Completes and closes the staging database after the last piece of the snapshot. Returns the number of records of each
 * kind.
 */
export const finishStaging = stagingMethod({
  name: "restore.finish",
  request: Type.Object({}),
  reply: RecordCounts,
  weight: () => 0,
  models,
  run: ({ staging }) => staging.finish(),
});
