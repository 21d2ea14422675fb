/**
 * Makes a simulated day: the snapshot of a server on which a bookshop's team of agents has worked for three days. It is
 * for tests and pictures that need a server with content. Its times are relative to a given time, and the same seed
 * gives the same day. a-day/ makes the content. Pure, except `fillWithADay`.
 */
import { agentMetricRecords } from "./a-day/agent-metrics.js";
import { complianceRecords } from "./a-day/compliance.js";
import { CONTRACT_NAMES, samples } from "./a-day/contracts.js";
import { Sampler } from "./a-day/sampler.js";
import { Journal } from "./a-day/journal.js";
import { BUSY_THREAD, messageRecords, UNREAD_REQUEST } from "./a-day/messages.js";
import { PROPOSED_RULES, REJECTED_RULES, ruleRecords } from "./a-day/rules.js";
import { specContents } from "./a-day/specs.js";
import { SCRIPT_KEY, stateContents, SVG_KEY, VERSIONED_KEY } from "./a-day/state.js";
import { noteRefusals, addTalks } from "./a-day/talk.js";
import { Team, type Agent } from "./a-day/team.js";
import { templateRecords } from "./a-day/templates.js";
import { usageRecords } from "./a-day/usage.js";
import { versionRecords, type Content } from "./a-day/versions.js";
import { DISABLED_WEBHOOK, FAILING_WEBHOOK, webhookRecords } from "./a-day/webhooks.js";
import { send } from "./http-client.js";
import { makeSnapshot, type SnapshotLine } from "./snapshot.js";

/** The number of newest events that are kept, as with `--event-history`. */
const EVENTS_KEPT = 900;
const AGENTS = 14;
/** The URL of an address at which no server listens. */
const NO_RECEIVER = "http://127.0.0.1:1";

export interface DayOptions {
  /**
   * The time at which the day is viewed. It must not be later than the clock of the server that restores the day, and
   * not much earlier, because the agents' hourly counts are kept for a limited time only.
   */
  readonly nowMs: number;
  readonly seed?: number;
  /** The minimum number of instances. Fourteen of them act. */
  readonly agents?: number;
  /** The minimum number of state keys that are not deleted. */
  readonly state_keys?: number;
  /** The beginning of the webhooks' URLs. By default, no server listens there. */
  readonly receiverUrl?: string;
}

export interface ADay {
  /** The body of POST /api/restore. */
  readonly snapshot: string;
  /** The number of records of each kind. */
  readonly counts: Readonly<Record<string, number>>;
  readonly agents: readonly Agent[];
  /** The keys, ids and names (as `project/name`) that tests look for. */
  readonly known: {
    /** The keys of a text with a script in it, stored as text/html, and of a picture with a script. */
    readonly scriptKey: string;
    readonly svgKey: string;
    /** The key of a JSON value with this many versions. */
    readonly versionedKey: string;
    readonly versions: number;
    /** A key and a spec whose newest version is the result of a rollback. */
    readonly rolledBackKey: string;
    readonly rolledBackSpec: string;
    readonly contracts: readonly string[];
    readonly proposedRules: readonly string[];
    readonly rejectedRules: readonly string[];
    /** A thread with several messages, and the subject of a request that has been unread for hours. */
    readonly busyThread: string;
    readonly unreadRequest: string;
    readonly failingWebhook: string;
    readonly disabledWebhook: string;
    readonly newestEventId: number;
    readonly newestAuditId: number;
  };
}

const nameOf = ({ project, name }: { readonly project: string; readonly name: string }): string => `${project}/${name}`;

function rolledBack(contents: readonly Content[]): Content {
  const found = contents.find(({ rolled_back }) => rolled_back !== undefined);
  if (found === undefined) throw new Error("nothing was rolled back");
  return found;
}

function countsOf(records: readonly SnapshotLine[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of records) counts[String(kind)] = (counts[String(kind)] ?? 0) + 1;
  return counts;
}

/** Makes a day. */
export function aDay({
  nowMs,
  seed = 1,
  agents = AGENTS,
  state_keys = 0,
  receiverUrl = NO_RECEIVER,
}: DayOptions): ADay {
  const samplerFor = (name: string): Sampler => new Sampler(seed, name, nowMs);
  const journal = new Journal();
  const team = new Team(samplerFor("team"), nowMs, agents);
  const state = stateContents(samplerFor("state"), team, samples(team), state_keys);
  const specs = specContents(samplerFor("specs"));
  team.note(journal);
  const versioned = { sampler: samplerFor("versions"), team, journal, nowMs };
  const stored = [
    ...versionRecords(state, { ...versioned, space: "state" }),
    ...versionRecords(specs, { ...versioned, space: "spec" }),
    ...ruleRecords(samplerFor("rules"), team, journal, nowMs),
    ...templateRecords(journal, nowMs),
    ...team.records(),
    ...messageRecords(team, journal, nowMs),
    ...usageRecords(samplerFor("usage"), team, journal, nowMs),
    ...complianceRecords(team, journal, nowMs),
  ];
  addTalks(samplerFor("talks"), team, journal, nowMs);
  noteRefusals(samplerFor("refusals"), team, journal, nowMs);
  const records = [
    ...stored,
    ...webhookRecords(receiverUrl, team, journal, nowMs),
    ...agentMetricRecords(samplerFor("metrics"), team, journal, nowMs),
    ...journal.eventRecords(EVENTS_KEPT),
    ...journal.auditRecords(),
  ];
  const spec = rolledBack(specs);
  return {
    snapshot: makeSnapshot(records),
    counts: countsOf(records),
    agents: team.agents,
    known: {
      scriptKey: SCRIPT_KEY,
      svgKey: SVG_KEY,
      versionedKey: VERSIONED_KEY,
      versions: state.find(({ key }) => key === VERSIONED_KEY)?.values.length ?? 0,
      rolledBackKey: rolledBack(state).key,
      rolledBackSpec: nameOf({ project: spec.project, name: spec.key }),
      contracts: CONTRACT_NAMES.map(nameOf),
      proposedRules: PROPOSED_RULES,
      rejectedRules: REJECTED_RULES,
      busyThread: BUSY_THREAD,
      unreadRequest: UNREAD_REQUEST,
      failingWebhook: FAILING_WEBHOOK,
      disabledWebhook: DISABLED_WEBHOOK,
      newestEventId: journal.events.length,
      newestAuditId: journal.acts.length,
    },
  };
}

/**
 * Restores a day into an empty server. Active agents become stale there after the server's `--stale-after`. A test that
 * takes longer should start the server with an hour.
 */
export async function fillWithADay(
  koor: { readonly port: number },
  options: DayOptions = { nowMs: Date.now() },
  token = "",
): Promise<ADay> {
  const day = aDay(options);
  const headers = token === "" ? {} : { Authorization: `Bearer ${token}` };
  const answer = await send(koor.port, "POST", "/api/restore", { body: day.snapshot, headers });
  if (answer.status !== 200) throw new Error(`the day was not taken: ${answer.text}`);
  return day;
}
