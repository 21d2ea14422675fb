/**
 * Checks whether a URL may be called. The URL must be http or https, without credentials, and its host must not be a
 * forbidden address in any notation. The addresses behind a host name are checked later, when the name is resolved
 * (client.ts). This check comes early, so that the user gets an error message. Pure, any thread.
 */
import { OUTBOUND_URL_BYTES_MAX } from "../../../schemas/limits/outbound.js";
import { isLongerThan } from "../../../schemas/text.js";
import { Failure } from "../../base/result.js";
import { classifyAddress, type AddressClass } from "./address.js";

/** The reason why a request to another server failed. */
export type OutboundFailureKind =
  /** The URL cannot be called: it is not a URL, not http(s), or has credentials. */
  | "invalid"
  /** The address may not be called. No connection was opened, and nothing was sent. */
  | "refused"
  /**
   * The server cannot be reached: the name does not exist, there is no route, the connection was refused or broken, TLS
   * failed, or the answer is not HTTP.
   */
  | "unreachable"
  | "timeout"
  /** The answer exceeds the caller's limit. */
  | "too_large"
  /** Too many requests are in flight. Nothing was sent. */
  | "busy"
  /** The caller aborted the request, or the server is shutting down. */
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

/** Decides which networks may be called. The public network always may, and metadata services never may. */
export interface OutboundPolicy {
  /** Whether loopback, private, shared, link-local and reserved networks may be called. */
  readonly allowPrivate: boolean;
}

/** The names of metadata services. They are refused, whatever address they resolve to. */
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
 * Classifies the host of a URL by its text, without resolving it. A host name counts as "public", unless it is the name
 * of a metadata service. Brackets and a final dot are ignored.
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

/** Returns the refusal for a class of addresses; null if the policy allows the class. */
export function refuseClass(found: AddressClass, policy: OutboundPolicy): OutboundFailure | null {
  if (found === "metadata")
    return new OutboundFailure("refused", "address refused: cloud metadata addresses are never called");
  if (found === "private" && !policy.allowPrivate)
    return new OutboundFailure("refused", "address refused: private addresses may not be called");
  return null;
}

/** Checks a host name or address without resolving it. Returns the refusal; null if the host is allowed. */
export function refuseHost(hostname: string, policy: OutboundPolicy): OutboundFailure | null {
  return refuseClass(classifyHost(hostname), policy);
}

/**
 * Checks a resolved address. Returns the refusal; null if the address is allowed. A text that is not an address is
 * refused.
 */
export function refuseAddress(address: string, policy: OutboundPolicy): OutboundFailure | null {
  return refuseClass(classifyAddress(address) ?? "metadata", policy);
}

/**
 * Parses a URL, and checks whether it may be called. Numeric hosts in any base (`0xA9FEA9FE`, `0251.0376.43518`) are
 * read as browsers read them.
 * @param field the name of the field, with which error messages begin: `url must be …`
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
