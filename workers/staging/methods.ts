/** What a restore's thread does, by method name: one row a method of its lane. */
import type { ReplyOf, RequestOf, StagingMethodName } from "../../schemas/methods.js";
import type { Staging } from "../../src/backup/staging.js";
import type { Failure } from "../../src/base/result.js";

export type StagingMethods = {
  readonly [Name in StagingMethodName]: (staging: Staging, request: RequestOf<Name>) => ReplyOf<Name> | Failure;
};

export const STAGING_METHODS: StagingMethods = {
  "restore.write": (staging, { bytes }) => staging.write(bytes),
  "restore.finish": (staging) => staging.finish(),
};
