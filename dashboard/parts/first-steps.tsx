/**
 * The first steps with an empty server: three commands. They contain the address of this server, so they work without
 * changes.
 */
import { agentsLoader } from "../api/agents.js";
import { useResource } from "../api/resource.js";
import { serverMetrics } from "../api/server-metrics.js";
import { session } from "../api/session.js";
import { curlPost } from "../base/curl.js";
import { serverAddress } from "../base/server-address.js";
import { CopyButton } from "./button.js";

/** Returns whether the server has no agents, no events and no state yet. Returns false until this is known. */
export function useEmptyServer(): boolean {
  const agents = useResource(agentsLoader).data.value;
  const metrics = useResource(serverMetrics).data.value;
  return agents?.length === 0 && metrics?.last_event_id === 0 && metrics.state_keys === 0;
}

export function FirstSteps() {
  const metrics = useResource(serverMetrics).data.value;
  if (metrics === undefined) return null;
  const address = serverAddress(metrics.api_bind, location);
  const auth = session.value?.auth === true;
  const steps = [
    {
      title: "Connect your agents",
      text: "Run this in a project's directory. Agents that are started there appear under Agents.",
      command: `KOOR_SERVER=${address} koor-cli init`,
    },
    {
      title: "Add a task",
      text: "The next agent that claims a task gets it. Until then it is under Tasks.",
      command: curlPost(`${address}/api/tasks`, '{"title":"Write the first test"}', auth),
    },
    {
      title: "Tell the others something",
      text: "Events reach all subscribers, and appear in the list of events here.",
      command: curlPost(`${address}/api/events/publish`, '{"topic":"hello","data":{"text":"I am here"}}', auth),
    },
  ];
  return (
    <section class="first-steps" aria-label="First steps">
      <h2>This server is empty. Three steps to begin:</h2>
      <ol>
        {steps.map(({ title, text, command }) => (
          <li key={title}>
            <strong>{title}</strong>
            <p>{text}</p>
            <div class="command">
              <code>{command}</code>
              <CopyButton text={command} what={`the command: ${title.toLowerCase()}`} />
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
