/**
 * Defines the shapes of docs/http-api.md "Contracts": API contracts, checks against them, and tests of live services.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { JsonText } from "./json-text.js";
import { HttpUrl } from "./url.js";

export const DIRECTIONS = ["request", "response", "query", "error"] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** One deviation of a payload from a contract. Stored compliance runs use the same shape. */
export const Violation = Type.Object({
  path: Type.String({
    description:
      "`request.address.city`, `response[0].id`; the name of the endpoint or direction if it concerns one of these; " +
      "`status`.",
  }),
  message: Type.String(),
});
export type Violation = Static<typeof Violation>;

/** A fault in a contract's definition. It names the contract, because an answer may be about several contracts. */
export const ContractWarning = Type.Object({
  contract: Type.String({ description: "The contract's name." }),
  ...Violation.properties,
});
export type ContractWarning = Static<typeof ContractWarning>;
export const ContractWarnings = Type.Optional(
  Type.Array(ContractWarning, {
    description: "Problems of the definitions of its contracts; absent if there are none.",
  }),
);

/** The outer shape of a contract. Faults in its endpoints' definitions are reported only when the contract is used. */
export const ContractDocument = Type.Object({ kind: Type.Literal("contract"), endpoints: Type.Object({}) });

export const ContractValidateBody = Type.Object({
  endpoint: Type.String({ minLength: 1, description: "As the contract names it: `POST /api/trucks`." }),
  direction: Type.Optional(Type.String({ default: "request", description: DIRECTIONS.join(", ") })),
  payload: Type.Optional(Type.Unknown({ description: "Any JSON; {} if it is absent." })),
});
export const ContractValidation = Type.Object({ valid: Type.Boolean(), violations: Type.Array(Violation) });

export const ContractTestBody = Type.Object({
  endpoint: Type.String({ minLength: 1, description: "As the contract names it: `POST /api/trucks/{id}`." }),
  base_url: HttpUrl("http or https, without credentials; the endpoint's path is appended."),
  test_data: Type.Optional(
    Type.Unknown({
      description:
        "Fills the path's parameters, and the query (GET, HEAD, DELETE) or the body; must be an object if there are any.",
    }),
  ),
});
export const ContractTest = Type.Object({
  valid: Type.Boolean(),
  endpoint: Type.String(),
  status_code: Type.Integer({ description: "The status of the service's answer; 0 if there was none." }),
  request_violations: Type.Array(Violation),
  response_violations: Type.Array(Violation),
  error: Type.String({ description: "Why there was no answer; empty if there was one." }),
});

export type ContractTest = Static<typeof ContractTest>;

/** Bytes, either as an array or as a string in which each Latin-1 character stands for one byte (src/base/bytes.ts). */
const Bytes = Type.Unsafe<Uint8Array | string>(Type.Unknown());
const Named = { project: Type.String(), name: Type.String() };

export const ContractValidateRequest = Type.Object({ ...Named, body: Bytes });
/** The result of a validation. `text` is the answer. `count` is the number of violations in it. */
export const ContractValidateReply = Type.Object({
  count: Type.Integer({ minimum: 0 }),
  text: JsonText(ContractValidation),
});
export type ContractValidateReply = Static<typeof ContractValidateReply>;

export const ContractPrepareRequest = Type.Object({ ...Named, body: Bytes });
/** The HTTP request that tests a live service, and the violations of the contract in this request. */
export const ContractCall = Type.Object({
  /**
   * The version of the contract that was used to check the request. The service's answer is checked against the same
   * version.
   */
  version: Type.Integer(),
  endpoint: Type.String(),
  base_url: Type.String(),
  method: Type.String(),
  /** The reason why the endpoint cannot be called; no request is then sent. */
  error: Type.String(),
  /** The URL of the request; null if no request is sent. */
  url: Type.Union([Type.String(), Type.Null()]),
  /** The request's body as JSON text; null if it has none. */
  body: Type.Union([Type.String(), Type.Null()]),
  request_violations: Type.Array(Violation),
});
export type ContractCall = Static<typeof ContractCall>;

/** Selects stored versions of contracts. The method searches their definitions for faults. */
export const ContractExamineRequest = Type.Object({
  stored: Type.Array(Type.Object({ ...Named, version: Type.Integer() })),
});
export const ContractExamineReply = Type.Array(ContractWarning);

export const ContractJudgeRequest = Type.Object({
  ...Named,
  version: Type.Integer(),
  endpoint: Type.String(),
  status: Type.Integer(),
  body: Bytes,
});
export const ContractJudgeReply = Type.Array(Violation);
