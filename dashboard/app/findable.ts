/**
 * Loads the entries of the palette: everything that has a page, and the available actions. If a list cannot be loaded,
 * it is left out, because the user may not be allowed to see it.
 */
import { getJson } from "../api/client.js";
import { readMessages } from "../api/messages.js";
import type {
  Instance,
  LeaseList,
  RuleList,
  SpecList,
  SpecProjects,
  StateEntry,
  TaskList,
  Webhook,
} from "../api/types.js";
import { addressOf, agentAddress, stateAddress } from "../base/address.js";
import { apiPath, query } from "../base/path.js";

/** An entry that the palette finds. Choosing it opens its address. */
export interface Found {
  readonly text: string;
  readonly kind: string;
  readonly address: string;
}

/** The maximum number of entries of each kind. The API sorts them newest first, or by name. */
const EACH_MAX = 1_000;
/** The maximum number of projects whose specs are loaded. It is small, because each project takes a request. */
const PROJECTS_MAX = 20;

const found = (kind: string, text: string, address: string): Found => ({ kind, text, address });
const about = (name: string, text: string): string => (text === "" ? name : `${name}: ${text}`);
const limit = query({ limit: EACH_MAX });

/** For each kind of thing, a function that loads the entries of that kind. */
const SOURCES: readonly ((signal: AbortSignal) => Promise<readonly Found[]>)[] = [
  async (signal) =>
    (await getJson<Instance[]>("/api/instances", signal)).flatMap(({ id, name, intent }) => [
      found("agent", about(name, intent), agentAddress(id)),
      found("message", `Send message to ${name}`, agentAddress(id)),
    ]),
  async (signal) =>
    (await getJson<TaskList>(`/api/tasks${limit}`, signal)).tasks.flatMap(({ id, title, state, question }) => {
      const address = addressOf("tasks", id);
      const task = found("task", `${title} (${id})`, address);
      return state === "input_required" ? [found("answer", `Answer ${id}: ${question ?? ""}`, address), task] : [task];
    }),
  async (signal) =>
    (await getJson<LeaseList>(`/api/leases${limit}`, signal)).leases.flatMap(({ id, resources, holder }) => {
      const words = `${resources.join(" ")} of ${holder.name} (${id})`;
      const address = addressOf("leases", id);
      return [found("lease", words, address), found("break", `Break lease ${words}`, address)];
    }),
  async (signal) =>
    (await getJson<RuleList>("/api/rules", signal)).rules.map(({ project, rule_id, message }) =>
      found("rule", about(`${project}/${rule_id}`, message), addressOf("rules", project, rule_id)),
    ),
  async (signal) =>
    (await getJson<Webhook[]>("/api/webhooks", signal)).map(({ id, url }) =>
      found("webhook", about(id, url), addressOf("webhooks", id)),
    ),
  async (signal) => {
    const { projects } = await getJson<SpecProjects>("/api/specs", signal);
    const lists = await Promise.all(
      projects.slice(0, PROJECTS_MAX).map(({ project }) => getJson<SpecList>(apiPath("specs", project), signal)),
    );
    return lists.flatMap(({ project, specs }) =>
      specs.map(({ name }) => found("spec", `${project}/${name}`, addressOf("specs", project, name))),
    );
  },
  async (signal) =>
    (await readMessages({}, EACH_MAX, signal)).map(({ subject, from, thread }) =>
      found("message", `${subject}, from ${from.name}`, addressOf("messages") + query({ thread })),
    ),
  async (signal) =>
    (await getJson<StateEntry[]>(`/api/state${limit}`, signal)).map(({ key }) =>
      found("state", key, stateAddress(key)),
    ),
];

/**
 * Loads the entries of all kinds, in the order of the kinds. Whenever a list has arrived, calls `onMore` with all
 * entries so far. So a slow list does not delay the others.
 */
export function loadFindable(onMore: (entries: readonly Found[]) => void, signal: AbortSignal): void {
  const lists: (readonly Found[])[] = SOURCES.map(() => []);
  for (const [at, load] of SOURCES.entries())
    load(signal).then(
      (list) => {
        lists[at] = list;
        if (!signal.aborted) onMore(lists.flat());
      },
      () => undefined,
    );
}
