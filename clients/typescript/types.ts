/**
 * The types of requests and answers. They come from `schemas/`. Only types are imported, so that the bundle contains no
 * schemas. For the package, deploy/client-types.mjs writes out each type in full, so that the package does not need
 * typebox.
 */
import type { Static } from "typebox";
import type * as budgets from "../../schemas/budgets.js";
import type * as events from "../../schemas/events.js";
import type * as evidence from "../../schemas/evidence.js";
import type * as instances from "../../schemas/instances.js";
import type * as leases from "../../schemas/leases.js";
import type * as messages from "../../schemas/messages.js";
import type * as rateLimits from "../../schemas/rate-limits.js";
import type * as specs from "../../schemas/specs.js";
import type * as state from "../../schemas/state.js";
import type * as tasks from "../../schemas/tasks.js";
import type * as usage from "../../schemas/usage.js";
import type * as wait from "../../schemas/wait.js";

export type StateEntry = Static<typeof state.StateEntry>;
export type StateVersion = Static<typeof state.StateVersion>;
export type StateDiff = Static<typeof state.StateDiff>;
export type StateStored = Static<typeof state.StatePutAnswer>;
export type SpecProject = Static<typeof specs.SpecProjects>["projects"][number];
export type SpecEntry = Static<typeof specs.SpecList>["specs"][number];
export type SpecVersion = Static<typeof specs.SpecHistory>["versions"][number];
export type SpecDiff = Static<typeof specs.SpecDiff>;
export type SpecStored = Static<typeof specs.SpecPutAnswer>;
export type Event = Static<typeof events.Event>;
/**
 * Why events may be missing. `dropped`: the client was too slow, and now gets the events after `after_id` from the
 * history. `lagged`: the client's position was ahead of the newest event, because the server was restored from an older
 * backup. The subscription then continues after `last_id`.
 */
export type LagNotice = Static<typeof events.DroppedNotice> | Static<typeof events.LaggedNotice>;
export type NewEvent = Static<typeof events.PublishBody>;
export type Lease = Static<typeof leases.Lease>;
export type AcquiredLease = Static<typeof leases.AcquiredLease>;
export type LeaseBody = Static<typeof leases.LeaseBody>;
export type LeaseQuery = Static<typeof leases.LeaseQuery>;
export type LeaseCheckBody = Static<typeof leases.LeaseCheckBody>;
export type LeaseCheck = Static<typeof leases.LeaseCheckAnswer>;
export type Task = Static<typeof tasks.Task>;
export type TaskWithHistory = Static<typeof tasks.TaskWithHistory>;
export type ListedTask = Static<typeof tasks.ListedTask>;
export type NewTask = Static<typeof tasks.TaskBody>;
export type ClaimedTask = Static<typeof tasks.ClaimAnswer>;
export type TaskQuery = Static<typeof tasks.TaskQuery>;
/** A budget or rate limit that keeps an instance from tasks. */
export type HeldBy = Static<typeof tasks.HeldBy>;
export type TaskCompletion = Omit<Static<typeof tasks.CompleteBody>, "fence" | "result">;
export type TaskProgress = Static<typeof tasks.ProgressAnswer>;
export type Message = Static<typeof messages.Message>;
export type NewMessage = Static<typeof messages.MessageBody>;
export type SentMessage = Static<typeof messages.MessageSentAnswer>;
export type WaitAnswer = Static<typeof wait.WaitAnswer>;
export type Instance = Static<typeof instances.Instance>;
export type InstanceQuery = Static<typeof instances.InstanceQuery>;
export type InstancePatch = Static<typeof instances.InstancePatch>;
export type Heartbeat = Static<typeof instances.HeartbeatBody>;
export type NewInstance = Static<typeof instances.RegisterBody>;
export type RegisteredInstance = Static<typeof instances.RegisteredInstance>;
export type UsageReport = Static<typeof usage.UsageBody>;
export type UsageRecorded = Static<typeof usage.UsageAnswer>;
export type RateLimit = Static<typeof rateLimits.RateLimit>;
export type NewRateLimit = Static<typeof rateLimits.RateLimitBody>;
export type Budget = Static<typeof budgets.Budget>;
export type NewBudget = Static<typeof budgets.BudgetBody>;
export type EvidenceRecord = Static<typeof evidence.Evidence>;
export type ListedEvidence = Static<typeof evidence.ListedEvidence>;
export type NewEvidence = Static<typeof evidence.EvidenceBody>;
export type EvidenceQuery = Static<typeof evidence.EvidenceQuery>;
/** A command that a task requires, and why it counts as not passed. */
export type MissingEvidence = Static<typeof evidence.MissingEvidence>;
