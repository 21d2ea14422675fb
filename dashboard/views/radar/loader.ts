/** Loads the overlaps in workspaces. */
import { getJson } from "../../api/client.js";
import type { Loader } from "../../api/resource.js";
import type { RadarAnswer } from "../../api/types.js";
import { apiPath, query } from "../../base/path.js";
import type { WorkspaceOverlaps } from "./model.js";

const GAP_MS = 1_000;
/**
 * The interval between reloads, in ms. The page must reload, because the agents of a checkout can change without a
 * change event of the radar.
 */
const REFRESH_MS = 60_000;
/** The maximum number of workspaces that are loaded. */
const WORKSPACES_MAX = 50;

/** Loads the overlaps of each of some workspaces, in their order. */
export function overlapsLoader(workspaces: readonly string[]): Loader<readonly WorkspaceOverlaps[]> {
  const asked = workspaces.slice(0, WORKSPACES_MAX);
  return {
    key: `radar ${asked.join("\n")}`,
    kinds: ["radar"],
    gapMsMin: GAP_MS,
    everyMs: REFRESH_MS,
    fetch: (signal) =>
      Promise.all(
        asked.map(async (workspace) => {
          const { overlaps, truncated = false } = await getJson<RadarAnswer>(
            apiPath("radar") + query({ workspace }),
            signal,
          );
          return { workspace, overlaps, truncated };
        }),
      ),
  };
}
