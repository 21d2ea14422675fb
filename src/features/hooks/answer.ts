/**
 * Writes the answer to a hook in the form that its client reads. An answer has only members that the client knows,
 * because some clients drop an answer with an unknown member. No answer explicitly allows a call, because the client
 * would then not ask its user for permission. Pure, any thread.
 */
import type { HookForm, HookPolicy } from "../../../schemas/hook-names.js";
import type { HookClient, HookEvent } from "./client.js";

export type HookDecision =
  /** The client proceeds as if it had no hook. */
  | { readonly kind: "proceed" }
  /** The tool call must not run. The model sees the reason. */
  | { readonly kind: "deny"; readonly reason: string; readonly policy: HookPolicy }
  /** The client proceeds, and its model sees a text. */
  | { readonly kind: "context"; readonly text: string }
  /** The agent must not stop yet. Its model sees the reason. */
  | { readonly kind: "hold-stop"; readonly reason: string };

export const PROCEED: HookDecision = { kind: "proceed" };

const EMPTY_OBJECT = "{}";

/** Builds the JSON members of a denial and of a context, for answers in one form. */
interface FormRow {
  readonly deny: (reason: string, event: string, policy: HookPolicy) => object;
  readonly inform: (text: string, event: string) => object;
}

const claudeContext = (text: string, event: string): object => ({
  hookSpecificOutput: { hookEventName: event, additionalContext: text },
});

const FORMS: Readonly<Record<HookForm, FormRow>> = {
  claude: {
    deny: (reason, event) => ({
      hookSpecificOutput: { hookEventName: event, permissionDecision: "deny", permissionDecisionReason: reason },
    }),
    inform: claudeContext,
  },
  flat: {
    deny: (reason) => ({ permissionDecision: "deny", permissionDecisionReason: reason }),
    inform: (text) => ({ additionalContext: text }),
  },
  decision: {
    deny: (reason) => ({ decision: "deny", reason }),
    inform: claudeContext,
  },
  cursor: {
    deny: (reason) => ({ permission: "deny", user_message: reason, agent_message: reason }),
    inform: (text) => ({ additional_context: text }),
  },
  plugin: {
    deny: (reason) => ({ deny: reason }),
    inform: (text) => ({ context: text }),
  },
  cline: {
    // In this form, a denial ends the agent's run, and the model never sees the reason. So a call is denied only under
    // the strictest policy.
    deny: (reason, _event, policy) =>
      policy === "strict" ? { cancel: true, errorMessage: reason } : { contextModification: reason },
    inform: (text) => ({ contextModification: text }),
  },
};

/**
 * Returns the body of an answer. If an answer to this event cannot express the decision, the client is told to proceed.
 * An empty text counts as no text.
 */
export function hookAnswer(client: HookClient, event: HookEvent, decision: HookDecision): string {
  if (event.context === "plain") return decision.kind === "context" ? decision.text : "";
  const members = membersOf(client, event, decision);
  return members === null ? EMPTY_OBJECT : JSON.stringify(members);
}

/**
 * Returns whether a denial under this policy keeps the call from running. If the client ends the agent's run at a
 * denial, only the strictest policy denies. Under the other policies, such a client gets a warning for its model
 * instead.
 */
export function isDenied({ denial }: HookClient, policy: HookPolicy): boolean {
  return denial === "refuses-call" || policy === "strict";
}

/** Returns whether the answer to an event can give the model a text. */
export function canInform(event: HookEvent): boolean {
  return event.context !== "lost";
}

/** Returns whether the answer to an event can keep the agent from stopping. */
export function canHoldStop(client: HookClient, event: HookEvent): boolean {
  return event.moment === "stop" && client.stopHold !== "never";
}

function membersOf(client: HookClient, event: HookEvent, decision: HookDecision): object | null {
  const { deny, inform } = FORMS[event.form];
  if (decision.kind === "deny") {
    const isKnown = event.moment === "before-tool" && decision.reason !== "";
    return isKnown ? deny(decision.reason, event.name, decision.policy) : null;
  }
  if (decision.kind === "context")
    return canInform(event) && decision.text !== "" ? inform(decision.text, event.name) : null;
  if (decision.kind === "proceed" || !canHoldStop(client, event) || decision.reason === "") return null;
  const { reason } = decision;
  if (client.stopHold === "follow-up") return { followup_message: reason };
  if (client.stopHold === "block") return { decision: "block", reason };
  return { hookSpecificOutput: { hookEventName: event.name, decision: "block", reason } };
}
