/** The actions on a rule: accept or reject a proposed rule, delete any rule. Each needs the server's token. */
import { decideRule, deleteRule } from "../../api/rules.js";
import { attempt } from "../../parts/toasts.js";
import { mayDecide } from "../../api/session.js";
import { Button } from "../../parts/button.js";
import { Confirm } from "../../parts/dialog.js";
import type { RuleAddress } from "./loader.js";
import { nameOf } from "./model.js";

const NEEDS_TOKEN = "This needs the server's token.";

interface DecideProps {
  readonly rule: RuleAddress;
  /** Called after the action has succeeded. */
  readonly onDone: () => Promise<void> | void;
}

/** The Accept and Reject buttons. `oneOfMany` is set for buttons in the rows of a table. */
export function Decide({ rule, onDone, oneOfMany = false }: DecideProps & { readonly oneOfMany?: boolean }) {
  const decide = async (step: "accept" | "reject", done: string): Promise<void> => {
    if (await attempt(() => decideRule(rule, step), `Rule ${nameOf(rule)} ${done}`)) await onDone();
  };
  const disabled = !mayDecide.value;
  const shared = disabled ? { disabled, title: NEEDS_TOKEN } : {};
  return (
    <>
      <Button kind={oneOfMany ? "plain" : "primary"} onClick={() => decide("accept", "accepted")} {...shared}>
        Accept
      </Button>
      <Button onClick={() => decide("reject", "rejected")} {...shared}>
        Reject
      </Button>
    </>
  );
}

/** The Delete button, which opens the confirmation. */
export function DeleteButton({ onClick }: { readonly onClick: () => void }) {
  const disabled = !mayDecide.value;
  return (
    <Button kind="danger" onClick={onClick} disabled={disabled} {...(disabled ? { title: NEEDS_TOKEN } : {})}>
      Delete
    </Button>
  );
}

/** The confirmation of a deletion. */
export function DeleteQuestion({ rule, onDone, onClose }: DecideProps & { readonly onClose: () => void }) {
  const { rule_id } = rule;
  const remove = async (): Promise<void> => {
    if (await attempt(() => deleteRule(rule), `Rule ${nameOf(rule)} deleted`)) await onDone();
  };
  return (
    <Confirm title={`Delete the rule ${rule_id}?`} action="Delete" danger onConfirm={remove} onClose={onClose}>
      <p>
        <code>{nameOf(rule)}</code> is no longer checked, and agents may propose it again. The audit log keeps the
        decision.
      </p>
    </Confirm>
  );
}
