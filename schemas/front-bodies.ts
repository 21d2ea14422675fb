/**
 * Lists the schemas of all JSON bodies that the front reads, by name. A long body is parsed in a pool thread, which
 * finds the schema by its name. The server does not start if a route's schema is missing here.
 */
import type { TSchema } from "typebox";
import { BudgetBody } from "./budgets.js";
import { PublishBodies } from "./events.js";
import { EvidenceBody } from "./evidence.js";
import { GuardOffBody } from "./guard.js";
import { RateLimitBody } from "./rate-limits.js";
import { CapabilitiesBody, HeartbeatBody, InstancePatch, IntentBody, RegisterBody } from "./instances.js";
import { LeaseBody, LeaseBreakBody, LeaseCheckBody, LeaseRenewBody } from "./leases.js";
import { MarkBody, MessageBody } from "./messages.js";
import { LogInBody } from "./sessions.js";
import {
  AnswerBody,
  AskBody,
  CancelBody,
  ClaimBody,
  CompleteBody,
  FailBody,
  ProgressBody,
  ReleaseBody,
  TaskPatch,
  TasksBody,
} from "./tasks.js";
import { TemplateApplyBody } from "./templates.js";
import { UsageBody } from "./usage.js";
import { WebhookBody } from "./webhooks.js";

export const FRONT_BODIES: ReadonlyMap<string, TSchema> = new Map(
  Object.entries({
    AnswerBody,
    AskBody,
    BudgetBody,
    CancelBody,
    CapabilitiesBody,
    ClaimBody,
    CompleteBody,
    EvidenceBody,
    FailBody,
    GuardOffBody,
    HeartbeatBody,
    InstancePatch,
    RateLimitBody,
    IntentBody,
    LeaseBody,
    LeaseBreakBody,
    LeaseCheckBody,
    LeaseRenewBody,
    LogInBody,
    MarkBody,
    MessageBody,
    ProgressBody,
    PublishBodies,
    RegisterBody,
    ReleaseBody,
    TaskPatch,
    TasksBody,
    TemplateApplyBody,
    UsageBody,
    WebhookBody,
  }),
);
