/**
 * Checks the answer to a hook before the client reads it. A client obeys many members: some allow a tool without a
 * question to the user, others replace the tool's input or result. Koor sends none of these. So an answer with another
 * member than those below is not used. Pure; runs in the process of `koor-hook`.
 */

/** The names of the members, separated by spaces. */
const MEMBERS =
  " hookSpecificOutput hookEventName permissionDecision permissionDecisionReason permission decision reason deny " +
  "additionalContext additional_context context contextModification user_message agent_message followup_message " +
  "cancel errorMessage ";
/** The members with a decision. Koor only denies a tool, or keeps an agent from stopping. */
const DECISIONS = /^(?:permission(?:Decision)?|decision)$/;
const DECISION = /^(?:deny|block)$/;

function isUsable(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return false;
  return Object.entries(answer).every(([name, value]: [string, unknown]) => {
    if (/\s/.test(name) || !MEMBERS.includes(` ${name} `)) return false;
    if (DECISIONS.test(name)) return typeof value === "string" && DECISION.test(value);
    return name === "hookSpecificOutput" ? isUsable(value) : typeof value === "string" || value === true;
  });
}

/**
 * Returns the answer as the client gets it; undefined if the answer is not one that Koor sends. The JSON is written
 * again, because the client's parser may read a repeated member differently.
 */
export function usableAnswer(client: string, answer: string): string | undefined {
  if (answer === "") return "";
  try {
    const parsed: unknown = JSON.parse(answer);
    return isUsable(parsed) ? JSON.stringify(parsed) : undefined;
  } catch {
    // Kimi Code accepts plain text too, which it shows to its model.
    return client === "kimi" ? answer : undefined;
  }
}
