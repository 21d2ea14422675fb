/**
 * Select fields for an agent or a workspace. The options are the current agents or workspaces, and also the value in
 * the page's address, even if it no longer exists.
 */
import { useAgentsById } from "../api/agents.js";
import { Choice } from "./fields.js";

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly onChoose: (value: string) => void;
}

/** A select field for an agent. The options are sorted by name; the value is an instance id. */
export function AgentChoice(props: ChoiceProps) {
  const agents = [...useAgentsById().values()];
  const choices = agents.map(({ id, name }) => [id, name] as const).sort(([, a], [, b]) => a.localeCompare(b));
  return <Choice {...props} choices={[["", "Any"], ...withCurrent(choices, props.value)]} />;
}

interface WorkspaceChoiceProps extends Omit<ChoiceProps, "label"> {
  /**
   * The items that the field filters. Their workspaces are offered, too, because an item's workspace may have no agent.
   */
  readonly of: readonly { readonly workspace: string }[];
}

export function WorkspaceChoice({ of, ...props }: WorkspaceChoiceProps) {
  const all = [...useAgentsById().values(), ...of];
  return <ValueChoice {...props} label="Workspace" values={all.map(({ workspace }) => workspace)} />;
}

/** A select field that offers the given values. Duplicates in `values` are shown once, and "" is left out. */
export function ValueChoice({ values, ...props }: ChoiceProps & { readonly values: readonly string[] }) {
  const choices = [...new Set(values)].filter((value) => value !== "").sort();
  const pairs = choices.map((value) => [value, value] as const);
  return <Choice {...props} choices={[["", "Any"], ...withCurrent(pairs, props.value)]} />;
}

type Pair = readonly [value: string, text: string];

function withCurrent(choices: readonly Pair[], value: string): readonly Pair[] {
  return value === "" || choices.some(([known]) => known === value) ? choices : [...choices, [value, value]];
}
