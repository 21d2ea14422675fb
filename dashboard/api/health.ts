/** Checks whether the server can store writes, for the notice on every page. */
import { ApiError, getJson } from "./client.js";
import type { Loader } from "./resource.js";

const EVERY_MS = 5_000;
const UNAVAILABLE = 503;

/** Loads the reason why the server accepts no writes. The reason is "" if the server accepts writes, or gives none. */
export const storageFault: Loader<string> = {
  key: "storage fault",
  kinds: [],
  everyMs: EVERY_MS,
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
