/**
 * Rewrites the server's refusals for the command line: the server names headers and members of its API, but the user
 * knows flags, variables and commands. Pure; runs in the CLI process.
 */

/** Phrases that may occur anywhere in a sentence. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\bsend X-Koor-Instance or its token\b/g, "set KOOR_INSTANCE, or run koor register NAME --save"],
  [/\bX-Koor-Instance\b/g, "KOOR_INSTANCE"],
  [/\bX-Koor-Fence\b/g, "--fence"],
  [/^Content-Type\b/g, "--content-type"],
  [/^malformed JSON body\b/g, "malformed JSON"],
  [/^the body is\b/g, "the value is"],
  [/^body larger than\b/g, "the value is larger than"],
];

/** Members and parameters whose flag has another name. A member with the same name is replaced by its flag, too. */
const FLAGS: Readonly<Record<string, string>> = { ttl_s: "ttl", max_s: "max", wait_s: "wait", expires_in_s: "expires" };
const SAME_NAME = new Set(
  ["after", "fence", "from", "if_version", "interval", "last", "limit", "max_attempts", "not_before", "percent"].concat(
    ["priority", "reply_to", "request_id", "to", "version", "wait"],
  ),
);

/** A member at the start of a sentence that states a requirement for it. */
const MEMBER = /^([a-z][a-z_]*)(?= (?:must|is required|is longer|is too)\b)/;

/** The server's sentence for a missing or wrong token. */
const TOKEN_REFUSAL = "invalid or missing bearer token";

/** Translates a sentence of the server into the terms of the command line. */
export function inFlagWords(sentence: string): string {
  const worded = PHRASES.reduce((text, [phrase, words]) => text.replace(phrase, words), sentence);
  return worded.replace(MEMBER, (member) => {
    const flag = FLAGS[member] ?? (SAME_NAME.has(member) ? member.replaceAll("_", "-") : undefined);
    return flag === undefined ? member : `--${flag}`;
  });
}

/** Returns advice on a refusal; "" if its sentence suffices or nothing is known. */
export function adviceFor(sentence: string): string {
  return sentence === TOKEN_REFUSAL
    ? "give the server's token with KOOR_TOKEN, or with: koor config set token TOKEN"
    : "";
}
