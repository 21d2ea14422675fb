/**
 * Rewrites the server's error messages for users of the command line. A message of the server names headers and JSON
 * members (`ttl_s`), but the user knows flags (`--ttl`). Pure; runs in the CLI process.
 */

/** Phrases that are replaced everywhere in a message, with their replacements. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\bsend X-Koor-Instance or its token\b/g, "set KOOR_INSTANCE, or run koor register NAME --save"],
  [/\bX-Koor-Instance\b/g, "KOOR_INSTANCE"],
  [/\bX-Koor-Fence\b/g, "--fence"],
  [/^Content-Type\b/g, "--content-type"],
  [/^malformed JSON body\b/g, "malformed JSON"],
  [/^the body is\b/g, "the value is"],
  [/^body larger than\b/g, "the value is larger than"],
];

/** The flags whose names differ from those of the JSON member or query parameter that they set. */
const FLAGS: Readonly<Record<string, string>> = { ttl_s: "ttl", max_s: "max", wait_s: "wait", expires_in_s: "expires" };
const SAME_NAME = new Set(
  ["after", "fence", "from", "if_version", "interval", "last", "limit", "max_attempts", "not_before", "percent"].concat(
    ["priority", "reply_to", "request_id", "to", "version", "wait"],
  ),
);

/** Matches the member's name at the start of a message such as "limit must be …". */
const MEMBER = /^([a-z][a-z_]*)(?= (?:must|is required|is longer|is too)\b)/;

/** The server's error message for a missing or wrong token. */
const TOKEN_REFUSAL = "invalid or missing bearer token";

/** Replaces the API's names in an error message by the names of flags. */
export function inFlagWords(sentence: string): string {
  const worded = PHRASES.reduce((text, [phrase, words]) => text.replace(phrase, words), sentence);
  return worded.replace(MEMBER, (member) => {
    const flag = FLAGS[member] ?? (SAME_NAME.has(member) ? member.replaceAll("_", "-") : undefined);
    return flag === undefined ? member : `--${flag}`;
  });
}

/** Advice for messages of the server, each with the beginning of its messages. The first one that fits applies. */
const ADVICE: readonly (readonly [beginning: string, advice: string])[] = [
  [TOKEN_REFUSAL, "give the server's token with KOOR_TOKEN, or with: koor config set token TOKEN"],
  [
    "no such route",
    "check that the server's address has no path of its own, and that the server is not older than koor",
  ],
  ["nobody there: workspace:", "only active instances of a workspace get its messages: koor instances list shows them"],
  ["nobody there: name:", "koor instances list shows the names, and the ids to which one can send, too"],
  ["nobody there: ", "write name:NAME for an agent's name; koor instances list shows the names and ids"],
];

/** Returns advice for this error message; "" if there is none. */
export function adviceFor(sentence: string): string {
  return ADVICE.find(([beginning]) => sentence.startsWith(beginning))?.[1] ?? "";
}
