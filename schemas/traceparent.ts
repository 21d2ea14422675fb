/**
 * Matches a `traceparent` of W3C Trace Context, version 00. It contains the id of a trace, the id of a span, and flags.
 * Ids of only zeros are invalid. Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
export const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
