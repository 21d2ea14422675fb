/** Actions that several sources offer. */
import { breakLease } from "../../api/leases.js";
import { sendMessage } from "../../api/operator.js";
import type { Action } from "./source.js";

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Returns the action that sends a request to an agent. The user may change the subject first. */
export function askAgent({ id, name }: Named, subject: string): Action {
  return {
    text: "Ask",
    kind: "primary",
    run: (said) => sendMessage({ to: id, subject: said, intent: "request" }),
    done: `Request sent to ${name}`,
    ask: { title: `Ask ${name}`, field: { label: "Message", text: subject } },
  };
}

/** Returns the action that takes a lease from its holder. The user gives a reason. */
export function breakAction(id: string, { name }: Named): Action {
  return {
    text: "Break",
    kind: "danger",
    run: (reason) => breakLease(id, reason),
    done: `Lease ${id} broken`,
    ask: {
      title: `Break ${id}?`,
      words: `${name} loses the lease immediately, and the next waiter gets it. Koor refuses further writes under its fence, but cannot stop the agent from changing files.`,
      field: { label: "Reason", hint: `${name} sees it, and the audit log keeps it.` },
    },
  };
}
