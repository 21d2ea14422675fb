/** Limits of instances, which are the registered agents: their texts, activity and silence. */
import { KIB, MIB } from "./units.js";

export const INSTANCES_MAX = 50_000;
/**
 * The maximum memory of all instances. An instance takes INSTANCE_BYTES and twice the size of its texts, because the
 * texts are also stored as JSON.
 */
export const INSTANCES_BYTES_MAX = 128 * MIB;
export const INSTANCE_BYTES = 1 * KIB;
/** An instance that was never activated is deleted after this much silence. */
export const PENDING_SILENCE_MS_MAX = 24 * 60 * 60 * 1000;
/** The interval at which the server deletes instances that were never activated and have been silent for too long. */
export const PENDING_PRUNE_INTERVAL_MS = 10 * 60 * 1000;
/** The maximum size of an instance's name, workspace or stack. */
export const INSTANCE_LABEL_BYTES_MAX = 256;
export const INSTANCE_INTENT_BYTES_MAX = 4 * KIB;
export const INSTANCE_CAPABILITIES_MAX = 64;
export const CHECKOUT_ID_CHARACTERS_MAX = 64;
/** The maximum size of a checkout's branch, root or machine. */
export const CHECKOUT_TEXT_BYTES_MAX = 1 * KIB;
/** The maximum length of the id that a client gives a session or a subagent. */
export const SESSION_ID_CHARACTERS_MAX = 128;
/** The maximum number of sessions and subagents together. Those that have ended count until they are deleted. */
export const AGENT_SESSIONS_MAX = 20_000;
/** The memory of a session in addition to its instance: its two ids, and its entries in the indexes. */
export const AGENT_SESSION_BYTES = 1 * KIB;
/** The maximum number of subagents of one session. Those that have ended count until they are deleted. */
export const SUBAGENTS_MAX = 1_000;
/** The instance of a session or of a subagent is deleted after this much silence. */
export const AGENT_SESSION_KEEP_MS = 24 * 60 * 60 * 1000;
/** The maximum number of instances of a session that one transaction ends. */
export const SESSION_END_ROWS = 100;
/** A shorter silence of an instance is ignored, because no claim ends after so short a time. */
export const INSTANCE_SILENCE_MS = 1_000;
/** The maximum time for which an instance may announce that it will be silent. */
export const INSTANCE_BUSY_S_MAX = 3_600;
export const CAPABILITY_BYTES_MAX = 128;
export const INSTANCE_TOKEN_BYTES = 16;
/** An activity record is stored after at most this time. Until then, it exists only in memory. */
export const INSTANCE_FLUSH_INTERVAL_MS = 5_000;
/**
 * In a cluster, an activity record is stored after at most this time. Until then, it exists only in one node's memory.
 *
 * The time is shorter than for a single server, because the leader needs the activity at all nodes to decide whether a
 * claim has expired. It is also at most INSTANCE_SHARED_FLUSH_PART of the time after which an instance counts as
 * silent.
 */
export const INSTANCE_SHARED_FLUSH_INTERVAL_MS = 1_000;
export const INSTANCE_SHARED_FLUSH_PART = 1 / 4;
/**
 * The maximum number of rows that one flush writes. One call marks at most as many instances as stale. Other writes run
 * in between.
 */
export const INSTANCE_FLUSH_ROWS = 1_000;
/** The front encodes a list of instances in steps of this many. A list that is not longer is answered at once. */
export const INSTANCE_LIST_PAGE = 250;
/** The front examines or sorts this many instances of a longer list in one step. */
export const INSTANCE_LIST_STEP = 1_000;
/**
 * The maximum number of instances with the same name that the front examines one by one. If there are more, the front
 * keeps lists of them by workspace.
 */
export const INSTANCES_SCANNED_MAX = 16;
/** The maximum number of instances that one transaction deletes together with the instance that has registered them. */
export const INSTANCE_DELETE_ROWS = 250;
/**
 * A transaction that deletes an instance also deletes the instances that it has registered, their registered instances,
 * and so on. It descends at most this many levels.
 */
export const INSTANCE_DELETE_LEVELS = 2_500;
/**
 * The maximum number of agents that are examined to find the budgets of a subagent. They are the
 * subagent, its parent, the parent's parent, and so on.
 */
export const AGENT_PARENTS_MAX = 16;
/**
 * The maximum number of agents that are examined to find the account of an agent: the agent, the instance that has
 * registered it, and so on. The writer reads each of them from the database.
 */
export const ACCOUNT_REGISTRANTS_MAX = 100;
