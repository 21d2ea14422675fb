/** Makes a model of the writer publish its changes, as after a commit that no client watches. */
import type { PayloadOf, PushMessage } from "../../src/platform/rpc/method.js";
import type { PublishingModel } from "../../src/platform/threads/model.js";

/**
 * Returns the payload that a model pushes.
 * @returns null if the model pushes no such message
 */
export function pushOf<Row extends PushMessage>(model: PublishingModel, row: Row): PayloadOf<Row> | null {
  let pushed: PayloadOf<Row> | null = null;
  model.afterCommit({
    changes: null,
    isReplicated: true,
    push: (message, payload) => {
      if ((message as PushMessage) === row) pushed = payload;
    },
  });
  return pushed;
}
