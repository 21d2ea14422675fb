/** Handlers of push messages for tests that start threads and need none of the messages. */
import type { ServerPushHandlers } from "../../src/composition/ground.js";
import { PUSH_MESSAGES } from "../../src/methods.js";

/** Handlers that ignore each push message of the server's threads. */
export const IGNORED_PUSHES = Object.fromEntries(
  Object.keys(PUSH_MESSAGES).map((name) => [name, () => undefined]),
) as unknown as ServerPushHandlers;
