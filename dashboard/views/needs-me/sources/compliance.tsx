/** Finds contracts that agents violate. For each agent and contract, only the newest run counts. */
import { getJson, send } from "../../../api/client.js";
import { apiPath, query } from "../../../base/path.js";
import type { ComplianceRun, Instance, SpecList } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { plural } from "../../../base/format.js";
import { Agents } from "../../../parts/agents.js";
import { earliest, repeatsOf, type Repeats } from "../repeats.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";
import { holdsOneCheck, stillChecked, violated, type Violated } from "../violations.js";

/** The number of runs that are read first. The server returns them quickly. If they are not enough, RUNS are read. */
const RUNS_RECENT = 100;
const RUNS = 1_000;

function history(limit: number, signal: AbortSignal): Promise<ComplianceRun[]> {
  return getJson<ComplianceRun[]>(`/api/compliance/history${query({ limit })}`, signal);
}

/** Loads the current violations. Agents and contracts are loaded only if there is a violation. */
async function violations(signal: AbortSignal): Promise<readonly Violated[]> {
  const recent = await history(RUNS_RECENT, signal);
  const enough = recent.length < RUNS_RECENT || (holdsOneCheck(recent) && violated(recent).length === 0);
  const found = violated(enough ? recent : await history(RUNS, signal));
  if (found.length === 0) return found;
  const projects = [...new Set(found.map(({ run }) => run.project))];
  const [agents, ...lists] = await Promise.all([
    getJson<Instance[]>("/api/instances", signal),
    ...projects.map((project) => getJson<SpecList>(apiPath("specs", project), signal)),
  ]);
  const active = agents.filter(({ status }) => status === "active").map(({ id }) => id);
  const specs = lists.flatMap(({ project, specs: ofProject }) => ofProject.map(({ name }) => `${project}/${name}`));
  return stillChecked(found, new Set(active), new Set(specs));
}

/** Agents that violate the same contract in the same way are one row. */
const sameOf = ({ run: { project, contract, violations: broken } }: Violated): string =>
  JSON.stringify([project, contract, broken.map(({ path, message }) => [path, message])]);

function itemOf(repeats: Repeats<Violated>): Item {
  const [{ run, since }, ...others] = repeats;
  const { instance_id, project, contract, violations: broken } = run;
  const name = `${project}/${contract}`;
  const [first] = broken;
  return {
    key: sameOf(repeats[0]),
    name,
    address: addressOf("contracts", project, contract),
    ...(others.length > 0 ? { count: repeats.length } : {}),
    line: (
      <>
        <Agents ids={[instance_id, ...others.map((other) => other.run.instance_id)]} />{" "}
        {others.length > 0 ? "violate it" : "violates it"}
        {first !== undefined && (
          <>
            : <code>{first.path}</code> {first.message}
          </>
        )}
        {broken.length > 1 && ` and ${plural(broken.length - 1, "violation")} more`}
      </>
    ),
    why: "Agents that rely on the contract get answers that it does not promise.",
    since: earliest([since, ...others.map((other) => other.since)]),
    tone: "bad",
    actions: [
      {
        text: "Check again",
        run: () => send("POST", apiPath("compliance", "run")),
        done: "All contracts checked",
      },
    ],
  };
}

export const COMPLIANCE = sourceOf<readonly Violated[]>({
  title: "Compliance violations",
  address: addressOf("contracts"),
  none: "every active agent meets its contracts",
  loader: {
    key: "needs me: compliance",
    kinds: ["compliance", "instance", "spec"],
    fetch: violations,
    // A change of an agent or a spec matters only if a current violation names the agent or the spec. Any compliance
    // change may add a violation.
    patch: (found, { kind, key }) =>
      kind === "compliance" || key === null || found.some(({ run }) => concerns(run, key))
        ? undefined
        : Promise.resolve(found),
  },
  itemsOf: (found) => oldestFirst(repeatsOf(found, sameOf).map(itemOf)),
});

const concerns = ({ instance_id, project, contract }: ComplianceRun, key: string): boolean =>
  key === instance_id || key === `${project}/${contract}`;
