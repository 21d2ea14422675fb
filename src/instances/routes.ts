/** Section 6 of the wire contract over HTTP. Runs on the front; what happens is front.ts's and liveness.ts's. */
import {
  ActivateAnswer,
  CapabilitiesAnswer,
  CapabilitiesBody,
  HeartbeatAnswer,
  InstanceDeleteAnswer,
  Instance,
  InstanceList,
  InstanceQuery,
  IntentAnswer,
  IntentBody,
  LivenessAnswer,
  RegisterBody,
  RegisteredInstance,
  type InstanceStatus,
} from "../../schemas/instances.js";
import { INSTANCE_LIST_PAGE } from "../../schemas/limits.js";
import type { Clock } from "../base/clock.js";
import { Failure } from "../base/result.js";
import { readReply } from "../front/chunked-reply.js";
import { jsonReply, type Answer, type Request, type Route } from "../front/route-table.js";
import { encodeInstance, matchesFilter, type Entry, type InstanceFilter } from "./directory.js";
import type { Instances } from "./front.js";
import type { Liveness } from "./liveness.js";

export function instanceRoutes(instances: Instances, liveness: Liveness, clock: Clock): Route[] {
  const audit = (action: "instance.activate" | "instance.deregister" | "instance.capabilities") => ({
    action,
    resource: idOf,
  });
  const tag = "instances";
  const path = "/api/instances/{id}";
  return [
    {
      method: "POST",
      path: "/api/instances/register",
      name: "instance.register",
      tag,
      summary: "Registers an instance; tells its token, this once.",
      body: { kind: "json", schema: RegisterBody },
      answer: RegisteredInstance,
      audit: { action: "instance.register", resource: () => "" },
      handle: (request) => register(instances, request),
    },
    {
      method: "GET",
      path: "/api/instances",
      name: "instance.list",
      tag,
      summary: "Lists instances, most recently seen first.",
      query: InstanceQuery,
      answer: InstanceList,
      handle: ({ query }) => listInstances(instances, query),
    },
    {
      method: "GET",
      path: "/api/instances/stale",
      name: "instance.stale",
      tag,
      summary: "Lists instances that have fallen silent.",
      answer: InstanceList,
      handle: () => listInstances(instances, {}, "stale"),
    },
    {
      method: "GET",
      path,
      name: "instance.get",
      tag,
      summary: "Reads an instance.",
      answer: Instance,
      statuses: [404],
      handle: ({ params }) => answer(instances.find(idOf(params)), encodeInstance),
    },
    {
      method: "POST",
      path: `${path}/heartbeat`,
      name: "instance.heartbeat",
      tag,
      needs: "own instance",
      summary: "Says that an instance is alive.",
      answer: HeartbeatAnswer,
      statuses: [404],
      handle: ({ params }) => answer(instances.heartbeat(idOf(params)), ({ id }) => `{"id":"${id}","status":"ok"}`),
    },
    {
      method: "POST",
      path: `${path}/activate`,
      name: "instance.activate",
      tag,
      needs: "own instance",
      summary: "Makes an instance active.",
      answer: ActivateAnswer,
      statuses: [404],
      audit: audit("instance.activate"),
      handle: async ({ params, context }) =>
        answer(await instances.activate(idOf(params), context), ({ id }) => `{"id":"${id}","status":"active"}`),
    },
    {
      method: "POST",
      path: `${path}/capabilities`,
      name: "instance.capabilities",
      tag,
      needs: "own instance",
      summary: "Replaces what an instance can do.",
      body: { kind: "json", schema: CapabilitiesBody },
      answer: CapabilitiesAnswer,
      statuses: [404],
      audit: audit("instance.capabilities"),
      handle: async ({ params, json, context }) => {
        const { capabilities: given } = json as { readonly capabilities: readonly string[] };
        return answer(await instances.setCapabilities(idOf(params), given, context), ({ id, capabilities }) =>
          JSON.stringify({ id, capabilities }),
        );
      },
    },
    {
      method: "POST",
      path: `${path}/intent`,
      name: "instance.intent",
      tag,
      needs: "own instance",
      summary: "Says what an instance is at.",
      body: { kind: "json", schema: IntentBody },
      answer: IntentAnswer,
      statuses: [404],
      handle: async ({ params, json, context }) => {
        const { intent: given } = json as { readonly intent: string };
        return answer(await instances.setIntent(idOf(params), given, context), ({ id, intent }) =>
          JSON.stringify({ id, intent }),
        );
      },
    },
    {
      method: "DELETE",
      path,
      name: "instance.deregister",
      tag,
      needs: "own instance",
      summary: "Deletes an instance; its token is worthless at once.",
      answer: InstanceDeleteAnswer,
      statuses: [404],
      audit: audit("instance.deregister"),
      handle: async ({ params, context }) =>
        answer(await instances.deregister(idOf(params), context), ({ id }) => JSON.stringify({ deleted: id })),
    },
    {
      method: "POST",
      path: "/api/liveness/check",
      name: "liveness.check",
      tag,
      summary: "Looks for silent instances now.",
      answer: LivenessAnswer,
      handle: async () =>
        answer(
          await liveness.check(clock.now()),
          (stale) => `{"checked":true,"newly_stale":[${stale.map(encodeInstance).join(",")}],"count":${stale.length}}`,
        ),
    },
  ];
}

function idOf(params: readonly string[]): string {
  return params[0] ?? "";
}

function answer<Value>(value: Value | Failure, encode: (value: Value) => string): Answer {
  return value instanceof Failure ? value : jsonReply(encode(value));
}

async function register(instances: Instances, { json, context }: Request): Promise<Answer> {
  const registration = await instances.register(json as RegisterBody, context);
  return answer(registration, ({ entry, token }) => `${encodeInstance(entry).slice(0, -1)},"token":"${token}"}`);
}

function listInstances(
  instances: Instances,
  filter: InstanceFilter,
  status?: InstanceStatus,
): Answer | Promise<Answer> {
  const entries = instances.directory.list(status);
  if (entries.length > INSTANCE_LIST_PAGE) return readReply(inTurns(entries, filter));
  return jsonReply(
    `[${entries
      .filter((entry) => matchesFilter(entry, filter))
      .map(encodeInstance)
      .join(",")}]`,
  );
}

/** A long list, a page in each turn of the loop: others are served in between. */
async function* inTurns(entries: readonly Entry[], filter: InstanceFilter): AsyncGenerator<string, void, undefined> {
  let separator = "[";
  for (let at = 0; at < entries.length; at += INSTANCE_LIST_PAGE) {
    const found = entries.slice(at, at + INSTANCE_LIST_PAGE).filter((entry) => matchesFilter(entry, filter));
    if (found.length > 0) {
      yield separator + found.map(encodeInstance).join(",");
      separator = ",";
    }
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  yield separator === "[" ? "[]" : "]";
}
