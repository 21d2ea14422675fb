/**
 * Writes the answer to a hook in the form that its client reads. An answer has only members that the client knows,
 * because one of them drops a whole answer for a single unknown member. No answer ever allows a call: that would skip the
 * question that the client asks its user. Pure, any thread.
 */
import type { HookPolicy } from "../../../schemas/hooks.js";
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

/**
 * Returns the body of an answer. A decision that the client cannot be told at this event becomes `proceed`. A text with
 * no characters counts as no text.
 */
export function hookAnswer(client: HookClient, event: HookEvent, decision: HookDecision): string {
  if (event.context === "plain") return decision.kind === "context" ? decision.text : "";
  const members = membersOf(client, event, decision);
  return members === null ? EMPTY_OBJECT : JSON.stringify(members);
}

/** Returns whether the answer to an event can give the model a text. */
export function canTell(event: HookEvent): boolean {
  return event.context !== "lost";
}

/** Returns whether the answer to an event can keep the agent from stopping. */
export function canHoldStop(client: HookClient, event: HookEvent): boolean {
  return event.moment === "stop" && client.stopHold !== "never";
}

function membersOf(client: HookClient, event: HookEvent, decision: HookDecision): object | null {
  switch (decision.kind) {
    case "proceed":
      return null;
    case "deny":
      if (event.moment !== "before-tool" || decision.reason === "") return null;
      return denial(client, event, decision.reason, decision.policy);
    case "context":
      return canTell(event) && decision.text !== "" ? context(event, decision.text) : null;
    case "hold-stop":
      if (!canHoldStop(client, event) || decision.reason === "") return null;
      return client.stopHold === "follow-up"
        ? { followup_message: decision.reason }
        : { decision: "block", reason: decision.reason };
  }
}

function denial(client: HookClient, { name, form }: HookEvent, reason: string, policy: HookPolicy): object {
  switch (form) {
    case "claude":
      return {
        hookSpecificOutput: { hookEventName: name, permissionDecision: "deny", permissionDecisionReason: reason },
      };
    case "flat":
      return { permissionDecision: "deny", permissionDecisionReason: reason };
    case "decision":
      return { decision: "deny", reason };
    case "cursor":
      return { permission: "deny", user_message: reason, agent_message: reason };
    case "plugin":
      return { deny: reason };
    case "cline":
      // The run would end, and the model would never see the reason. So only the strictest policy denies.
      return client.denial === "ends-run" && policy === "strict"
        ? { cancel: true, errorMessage: reason }
        : { contextModification: reason };
  }
}

function context({ name, form }: HookEvent, text: string): object {
  switch (form) {
    case "claude":
    case "decision":
      return { hookSpecificOutput: { hookEventName: name, additionalContext: text } };
    case "flat":
      return { additionalContext: text };
    case "cursor":
      return { additional_context: text };
    case "plugin":
      return { context: text };
    case "cline":
      return { contextModification: text };
  }
}
