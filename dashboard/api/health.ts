/** Whether the server can keep what is written, for the notice on every page. */
import { ApiError, getJson } from "./client.js";
import type { Loader } from "./resource.js";

const EVERY_MS = 5_000;
const UNAVAILABLE = 503;

/** Why the server takes no writes; "" while it does, and where it says nothing of why it is not well. */
export const storageFault: Loader<string> = {
  key: "storage fault",
  kinds: [],
  every_ms: EVERY_MS,
  fetch: async (signal) => {
    try {
      await getJson("/health", signal);
      return "";
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== UNAVAILABLE) throw error;
      return error.reason;
    }
  },
};
