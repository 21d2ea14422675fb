/**
 * Declares the routes of docs/http-api.md "Instances". front.ts and liveness.ts handle the requests. Runs on the front.
 */
import {
  ActivateAnswer,
  CapabilitiesAnswer,
  CapabilitiesBody,
  HeartbeatAnswer,
  HeartbeatBody,
  Instance,
  InstanceDeleteAnswer,
  InstanceList,
  InstancePatch,
  InstanceQuery,
  IntentAnswer,
  IntentBody,
  LivenessAnswer,
  RegisterBody,
  RegisteredInstance,
} from "../../../schemas/instances.js";
import { Failure } from "../../base/result.js";
import { jsonReply } from "../../platform/front/reply.js";
import { mayAll } from "../../platform/front/roles.js";
import { route, type Answer, type Route } from "../../platform/front/route.js";
import { activateInstance, deregisterInstance, registerInstance, setCapabilities, setCheckout } from "./commands.js";
import { encodeInstance, type Entry } from "./entry.js";
import { refuseAccount } from "./front-account.js";
import { checkReply, listReply, type Instances } from "./front.js";
import type { InstanceLists } from "./lists.js";
import type { Liveness } from "./liveness.js";

/**
 * Returns the routes of instances.
 * @param guarded true if the server requires tokens. If false, a call with a token that has ended is accepted, too
 */
export function instanceRoutes(
  guarded: boolean,
  instances: Instances,
  lists: InstanceLists,
  liveness: Liveness,
): Route[] {
  const tag = "instances";
  const path = "/api/instances/{id}";
  const subject = ([id]: readonly [string]): { readonly id: string } => ({ id });
  return [
    route({
      method: "POST",
      path: "/api/instances/register",
      name: "instance.register",
      tag,
      summary: "Registers an instance; only this answer has its token.",
      body: { kind: "json", schema: RegisterBody },
      answer: RegisteredInstance,
      audited: { by: registerInstance },
      statuses: [403],
      handle: async ({ json, caller, context }) =>
        refuseAccount(guarded, caller, json.account, instances.directory) ??
        answer(
          await instances.register(json, mayAll(guarded, caller) ? "" : caller.actor, context),
          ({ entry, token }) => `${encodeInstance(entry).slice(0, -1)},"token":"${token}"}`,
        ),
    }),
    route({
      method: "GET",
      path: "/api/instances",
      name: "instance.list",
      tag,
      summary: "Lists instances, most recently seen first.",
      query: InstanceQuery,
      answer: InstanceList,
      handle: (request) => listReply(lists, request.query, request),
    }),
    route({
      method: "GET",
      path: "/api/instances/stale",
      name: "instance.stale",
      tag,
      summary: "Lists stale instances, which have been silent for too long.",
      answer: InstanceList,
      handle: (request) => listReply(lists, { status: "stale" }, request),
    }),
    route({
      method: "GET",
      path,
      name: "instance.get",
      tag,
      summary: "Reads an instance.",
      answer: Instance,
      statuses: [404],
      handle: ({ params: [id] }) => answer(instances.find(id), encodeInstance),
    }),
    route({
      method: "PATCH",
      path,
      name: "instance.update",
      tag,
      needs: "own instance",
      summary: "Changes the checkout or the account of an instance.",
      body: { kind: "json", schema: InstancePatch },
      answer: Instance,
      statuses: [404],
      audited: { by: setCheckout, subject },
      handle: async ({ params, json, caller, context }) =>
        refuseAccount(guarded, caller, json.account, instances.directory, params[0]) ??
        answer(await instances.patch(params[0], json, context), encodeInstance),
    }),
    route({
      method: "POST",
      path: `${path}/heartbeat`,
      name: "instance.heartbeat",
      tag,
      needs: "own instance",
      summary: "Sends a heartbeat of an instance, and optionally for how long it will be silent.",
      body: { kind: "json", schema: HeartbeatBody, optional: true },
      asksOnly: true,
      answer: HeartbeatAnswer,
      statuses: [404, 507],
      handle: ({ params: [id], json, context }) => {
        const seen = instances.heartbeat(id, json, context);
        const reply = (found: Entry | Failure) => answer(found, () => `{"id":"${id}","status":"ok"}`);
        return seen instanceof Promise ? seen.then(reply) : reply(seen);
      },
    }),
    route({
      method: "POST",
      path: `${path}/activate`,
      name: "instance.activate",
      tag,
      needs: "own instance",
      summary: "Makes an instance active.",
      answer: ActivateAnswer,
      statuses: [404],
      audited: { by: activateInstance, subject },
      handle: async ({ params, context }) =>
        answer(await instances.activate(params[0], context), ({ id }) => `{"id":"${id}","status":"active"}`),
    }),
    route({
      method: "POST",
      path: `${path}/capabilities`,
      name: "instance.capabilities",
      tag,
      needs: "own instance",
      summary: "Replaces the capabilities of an instance.",
      body: { kind: "json", schema: CapabilitiesBody },
      answer: CapabilitiesAnswer,
      statuses: [404],
      audited: { by: setCapabilities, subject },
      handle: async ({ params, json, context }) =>
        answer(await instances.setCapabilities(params[0], json.capabilities, context), ({ id, capabilities }) =>
          JSON.stringify({ id, capabilities }),
        ),
    }),
    route({
      method: "POST",
      path: `${path}/intent`,
      name: "instance.intent",
      tag,
      needs: "own instance",
      summary: "Sets the intent of an instance.",
      body: { kind: "json", schema: IntentBody },
      answer: IntentAnswer,
      statuses: [404],
      handle: async ({ params, json, context }) =>
        answer(await instances.setIntent(params[0], json.intent, context), ({ id, intent }) =>
          JSON.stringify({ id, intent }),
        ),
    }),
    route({
      method: "DELETE",
      path,
      name: "instance.deregister",
      tag,
      needs: "own instance",
      summary: "Deletes an instance and the instances that it has registered; their tokens end at once.",
      answer: InstanceDeleteAnswer,
      statuses: [404],
      audited: { by: deregisterInstance, subject },
      handle: async ({ params, context }) =>
        answer(await instances.deregister(params[0], context), ({ id }) => JSON.stringify({ deleted: id })),
    }),
    route({
      method: "POST",
      path: "/api/liveness/check",
      name: "liveness.check",
      tag,
      summary: "Checks for silent instances now.",
      answer: LivenessAnswer,
      statuses: [507],
      handle: async (request) => {
        const stale = await liveness.check();
        return stale instanceof Failure ? stale : await checkReply(lists, stale, request);
      },
    }),
  ];
}

function answer<Value>(value: Value | Failure, encode: (value: Value) => string): Answer {
  return value instanceof Failure ? value : jsonReply(encode(value));
}
