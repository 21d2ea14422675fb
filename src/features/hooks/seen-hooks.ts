/**
 * Remembers the last event of each client in each workspace since the server started. The list shows users whether the
 * hooks of a client run at all. Runs on the front.
 */
import type { HookClientName } from "../../../schemas/hook-names.js";
import type { HookList } from "../../../schemas/hooks.js";
import { HOOK_SEEN_MAX } from "../../../schemas/limits/hooks.js";
import { AgingMap } from "../../base/aging-map.js";
import { formatTime } from "../../base/time.js";
import { CLIENTS } from "./clients.js";

interface SeenHook {
  readonly client: HookClientName;
  readonly workspace: string;
  readonly checkout: string | null;
  readonly event: string;
  readonly atMs: number;
}

export class SeenHooks {
  /** The last events by client and workspace, the oldest first. */
  readonly #seen = new AgingMap<string, SeenHook>();

  get size(): number {
    return this.#seen.size;
  }

  add(seen: SeenHook): void {
    const key = `${seen.client}\0${seen.workspace}`;
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    this.#seen.limitTo(HOOK_SEEN_MAX);
  }

  list(): HookList["clients"] {
    return CLIENTS.map(({ name, events, form }) => ({
      client: name,
      events: events.map((event) => event.name),
      form,
      seen: [...this.#seen.values()]
        .filter(({ client }) => client === name)
        .toReversed()
        .map(({ workspace, checkout, event, atMs }) => ({ workspace, checkout, event, at: formatTime(atMs) })),
    }));
  }
}
