/**
 * Which URLs may be called: http and https, without credentials, and no host that names a forbidden
 * address in any spelling. Pure, any thread. What a name resolves to is seen only when it is called
 * (client.ts); the check here answers early, where a user can still be told.
 */
import { OUTBOUND_URL_BYTES_MAX } from "../../schemas/limits.js";
import { isLongerThan } from "../../schemas/text.js";
import { Failure } from "../base/result.js";
import { classifyAddress, type AddressClass } from "./address.js";

/** Why an exchange with another server did not come about. */
export type OutboundFailureKind =
  /** The URL cannot be called by anybody: not http(s), credentials in it, not a URL. */
  | "invalid"
  /** The address may not be called. Nothing was sent, no connection was begun. */
  | "refused"
  /** No such name, no route, nobody listens, the connection broke, TLS failed, the answer is not HTTP. */
  | "unreachable"
  | "timeout"
  /** The answer is larger than the caller takes. */
  | "too_large"
  /** Too many exchanges with too many servers at once; nothing was sent. */
  | "busy"
  /** The caller's signal. */
  | "aborted";

const STATUSES = {
  invalid: "INVALID_ARGUMENT",
  refused: "INVALID_ARGUMENT",
  unreachable: "UNAVAILABLE",
  timeout: "DEADLINE_EXCEEDED",
  too_large: "OUT_OF_RANGE",
  busy: "RESOURCE_EXHAUSTED",
  aborted: "CANCELLED",
} as const;

export class OutboundFailure extends Failure {
  constructor(
    readonly kind: OutboundFailureKind,
    message: string,
  ) {
    super(STATUSES[kind], message);
  }
}

/** Whom the calls of one purpose may reach beside the public network. Metadata services are never reached. */
export interface OutboundPolicy {
  /** Loopback, private, shared, link-local and reserved networks too. */
  readonly allow_private: boolean;
}

/** Names that stand for a metadata service wherever they resolve. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  "metadata.google.internal",
  "metadata.goog",
  "metadata",
  "instance-data",
  "instance-data.ec2.internal",
  "metadata.tencentyun.com",
  "metadata.platformequinix.com",
  "metadata.packet.net",
  "api.metadata.cloud.ibm.com",
]);

/**
 * What a host of a URL is by its text alone; "public" for a name that says nothing. Brackets and a root dot do not
 * matter.
 */
function classifyHost(hostname: string): AddressClass {
  const host = hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  const address = classifyAddress(host);
  if (address !== undefined) return address;
  if (METADATA_NAMES.has(host)) return "metadata";
  return host === "localhost" || host.endsWith(".localhost") ? "private" : "public";
}

/** The refusal of a class, null where the policy lets it pass. */
export function refuseClass(found: AddressClass, policy: OutboundPolicy): OutboundFailure | null {
  if (found === "metadata")
    return new OutboundFailure("refused", "address refused: cloud metadata addresses are never called");
  if (found === "private" && !policy.allow_private)
    return new OutboundFailure("refused", "address refused: private addresses may not be called");
  return null;
}

/** The refusal that the host's text alone calls for; null where there is none. */
export function refuseHost(hostname: string, policy: OutboundPolicy): OutboundFailure | null {
  return refuseClass(classifyHost(hostname), policy);
}

/** The refusal of an address that a name resolved to; what is no address is refused too. */
export function refuseAddress(address: string, policy: OutboundPolicy): OutboundFailure | null {
  return refuseClass(classifyAddress(address) ?? "metadata", policy);
}

/**
 * Parses a URL and checks it. Numbers in any base (`0xA9FEA9FE`, `0251.0376.43518`) are read as browsers
 * read them.
 * @param field what the messages call it: `url must be …`
 */
export function parseOutboundUrl(text: string, field: string, policy: OutboundPolicy): URL | OutboundFailure {
  if (isLongerThan(text, OUTBOUND_URL_BYTES_MAX))
    return new OutboundFailure("invalid", `${field} is longer than ${OUTBOUND_URL_BYTES_MAX} characters`);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return new OutboundFailure("invalid", `${field} must be an http or https URL`);
  }
  if (url.username !== "" || url.password !== "")
    return new OutboundFailure("invalid", `${field} must not contain credentials`);
  return refuseHost(url.hostname, policy) ?? url;
}
