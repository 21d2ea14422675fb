/**
 * Defines the space of state keys and loads its names. A change reloads only its own key, because there may be
 * thousands of keys.
 */
import { getJson } from "../../api/client.js";
import { query, statePath } from "../../base/path.js";
import type { StateEntry } from "../../api/types.js";
import { stateAddress } from "../../base/address.js";
import type { Entry, Space } from "../../versioned/space.js";

function entryOf({ key, version, updated_at, content_type }: StateEntry): Entry {
  return { name: key, path: key.split("/"), version, updated_at, content_type };
}

/** Returns the list with the entry of one key replaced by its current entry. */
async function withKey(entries: readonly Entry[], key: string, signal: AbortSignal): Promise<readonly Entry[]> {
  // The request returns the keys that begin with this key. This key sorts first, so one entry is enough.
  const [first] = await getJson<StateEntry[]>(`/api/state${query({ prefix: key, limit: 1 })}`, signal);
  const others = entries.filter(({ name }) => name !== key);
  if (first?.key !== key) return others;
  const at = others.findIndex(({ name }) => name > key);
  return others.toSpliced(at < 0 ? others.length : at, 0, entryOf(first));
}

export const STATE: Space = {
  slug: "state",
  title: "State",
  one: "key",
  kind: "state",
  command: 'koor-cli state set plan/first --data \'{"goal":"ship it"}\'',
  example: "plan/first",
  list: {
    key: "state",
    kinds: ["state"],
    fetch: async (signal) => (await getJson<StateEntry[]>("/api/state", signal)).map(entryOf),
    patch: (entries, { key }, signal) => (key === null ? undefined : withKey(entries, key, signal)),
  },
  named: (segments) => {
    if (segments.length === 0) return null;
    const key = segments.join("/");
    return key === "" ? null : { name: key, path: key.split("/"), api: statePath(key), address: stateAddress(key) };
  },
};
