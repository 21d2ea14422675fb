/**
 * Sends messages for the person at the page. Recipients must be able to answer the sender. So a person with the
 * server's token sends as a special instance, which is registered at the first message. A person with an agent's token
 * sends as this agent.
 */
import { apiPath, query } from "../base/path.js";
import { getJson, send } from "./client.js";
import { session } from "./session.js";
import type { Instance, Message, MessageDraft } from "./types.js";

/** The name, the stack and the intent of the instance that stands for persons at the page. */
const OPERATOR = { name: "operator", stack: "dashboard", intent: "a person, through the dashboard" };

/**
 * Returns whether an instance stands for the person at the page. The instance then needs no attention. An instance that
 * an agent has registered does not, because the agent has its token, and could read the answers to the person.
 */
export function isOperator({
  name,
  stack,
  parent,
  registered_by,
}: Pick<Instance, "name" | "stack" | "parent" | "registered_by">): boolean {
  return name === OPERATOR.name && stack === OPERATOR.stack && parent === null && registered_by === undefined;
}

/**
 * Returns the id of the instance as which the page sends. Returns undefined if the session itself belongs to an
 * instance.
 */
async function senderId(): Promise<string | undefined> {
  if (session.value?.role === "instance") return undefined;
  const known = await getJson<Instance[]>(apiPath("instances") + query({ name: OPERATOR.name, stack: OPERATOR.stack }));
  const operator =
    known.find(isOperator) ?? (await send<{ id: string }>("POST", apiPath("instances", "register"), OPERATOR));
  await send("POST", apiPath("instances", operator.id, "activate"));
  return operator.id;
}

/**
 * Sends a message.
 * @throws ApiError if the request fails
 */
export async function sendMessage(message: MessageDraft): Promise<void> {
  await send("POST", apiPath("messages"), message, await senderId());
}

/**
 * Answers a message to the person at the page, and marks it as acted upon. With an empty text it is only marked.
 * @throws ApiError if a request fails
 */
export async function answerMessage({ id, from, subject }: Message, body: string): Promise<void> {
  const by = await senderId();
  if (body !== "") await send("POST", apiPath("messages"), { to: from.id, subject, body, reply_to: id }, by);
  await send("POST", apiPath("messages", "mark"), { ids: [id], as: "acked" }, by);
}
