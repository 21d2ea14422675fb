/**
 * Words and openings that docs/style.md replaces. The table is short on purpose: it holds what readers stumbled over
 * most often, and what creeps back most easily.
 */

/** A word that has no place, and the words to use instead. */
export interface WordRow {
  readonly finds: RegExp;
  readonly say: string;
}

/** In comments. A pattern with `^` is matched against the beginning of a comment. */
export const IN_COMMENTS: readonly WordRow[] = [
  { finds: /^(Who|Whoever|What|Whatever|Nobody|Somebody|Of|By|For whom) /, say: "begin with the noun: what this is" },
  { finds: /(?<!`)\b(nobody|somebody|anybody)('s)?\b/i, say: "name the actor: no client, a node, another caller" },
  {
    finds: /\b(who|whoever) (is|are|has|have|was|calls?|asks?|waits?|holds?|reads?|writes?|wants?)\b/i,
    say: "the client that …, the node that …",
  },
  { finds: /\banew\b/i, say: "again" },
  { finds: /\bof before\b/i, say: "previous" },
  {
    finds: /\bcarr(y|ies|ied|ying) (it |them |calls |each |one |entries )?out\b/i,
    say: "apply (the log), execute, run",
  },
  { finds: /\bby heart\b/i, say: "in memory" },
  { finds: /\bunasked\b/i, say: "a push message, or by itself" },
  { finds: /\bsigns? of life\b/i, say: "heartbeat, or activity" },
  { finds: /\bon (its|their) way\b/i, say: "in flight" },
  { finds: /\b(so many|so long) (ms|s|seconds|bytes|rows|characters|calls|of them)\b/i, say: "N, or up to this" },
  { finds: /\b(tells?|told) of\b/i, say: "reports, publishes, notifies" },
  { finds: /\b(go|goes|going|went) on\b(?! (the|a|top))/i, say: "continues, resumes" },
  {
    finds: /\bis (nobody's|no|its|somebody's|the|another's|others'|the \w+'s) business\b/i,
    say: "is the responsibility of",
  },
  { finds: /\bdeadly\b/i, say: "poison (entry)" },
  { finds: /\boutgrown\b/i, say: "superseded" },
];

/** In names: of types, functions, variables and members. */
export const IN_NAMES: readonly WordRow[] = [
  { finds: /^(CarryingOut|carryOut|carrying_out)$/, say: "Applier, apply" },
  { finds: /^(Verdicts|Suspect|Founding|Void)$/, say: "DivergenceDetector, PoisonGuard, Bootstrap, RejectReason" },
  { finds: /^#?(told|tell|Told|Tell)([A-Z_]|$)/, say: "report, publish, notify" },
  { finds: /^(Sightings?|heardOf|heard_of)$/, say: "last seen" },
  { finds: /^(Begun|begun)[A-Z_]/, say: "early, started" },
  { finds: /^(LongWork|Turns)$/, say: "SlowLane, Semaphore" },
  { finds: /(Ledger|Book|Mirror)$/, say: "lock table, manager, projection" },
  { finds: /^(onItsWay|on_its_way|anew|unheard)$/, say: "inFlight, again, timedOut" },
];
