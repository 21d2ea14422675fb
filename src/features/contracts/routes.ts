/** Declares the routes of docs/http-api.md "Contracts". contracts/front.ts handles the requests. Runs on the front. */
import {
  ContractTest,
  ContractTestBody,
  ContractValidateBody,
  ContractValidation,
} from "../../../schemas/contracts.js";
import { route, type Route } from "../../platform/front/route.js";
import type { ContractFront } from "./front.js";

export function contractRoutes(contracts: ContractFront): Route[] {
  const tag = "contracts";
  return [
    route({
      method: "POST",
      path: "/api/contracts/{project}/{name}/validate",
      name: "contract.validate",
      tag,
      summary: "Checks a payload against a contract.",
      body: { kind: "json", schema: ContractValidateBody, unread: true },
      answer: ContractValidation,
      statuses: [404],
      asksOnly: true,
      handle: (request) => contracts.validate(request.params, request),
    }),
    route({
      method: "POST",
      path: "/api/contracts/{project}/{name}/test",
      name: "contract.test",
      tag,
      summary: "Calls a live service and checks its answer against a contract.",
      body: { kind: "json", schema: ContractTestBody, unread: true },
      answer: ContractTest,
      statuses: [404],
      asksOnly: true,
      handle: (request) => contracts.test(request.params, request),
    }),
  ];
}
