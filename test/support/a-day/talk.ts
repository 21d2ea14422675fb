/** The questions and reviews between agents of the day, and their refused calls. Pure. */
import { type Sampler, HOUR_MS, MINUTE_MS, SECOND_MS } from "./sampler.js";
import type { Journal } from "./journal.js";
import { DAY_HOURS, PROJECTS, QUIET_MS, SETTLED_MS, type Project, type Team } from "./team.js";

const QUESTIONS: readonly (readonly [from: Project, to: Project, question: string, answer: string])[] = [
  ["storefront", "checkout", "May `discount` be negative?", "No. A surcharge is a line of its own."],
  ["storefront", "search", "Why does `suggest` answer 200 with no words?", "Below three letters it does not search."],
  ["checkout", "storefront", "Who still reads `total`?", "Nobody since 4.11, the grep is empty."],
  ["checkout", "ops", "Is there a quiet hour for the migration?", "Tomorrow from six to seven."],
  ["search", "storefront", "Do you show the score?", "No, only the order."],
  ["ops", "checkout", "Are captures safe to cut in the middle?", "Yes: same key, same charge."],
  ["ops", "search", "May the old index go?", "After tonight's comparison."],
  ["search", "checkout", "Is stock right within a minute?", "Within ten seconds, by the change feed."],
];
const TALKS = 46;
const REVIEWS = 38;
const SUBJECTS = [
  "money.ts",
  "the filter panel",
  "capture retries",
  "the reindex job",
  "release notes",
  "cover images",
];

function ask(sampler: Sampler, team: Team, journal: Journal, atMs: number, untilMs: number): void {
  const [from, to, question, answer] = sampler.one(QUESTIONS);
  const [asking, asked] = [team.at(atMs, from), team.at(atMs, to)];
  journal.add(atMs, "question.asked", asking.id, { to: asked.name, question });
  const answeredMs = atMs + sampler.between(40, 1_500) * SECOND_MS;
  if (answeredMs < untilMs && sampler.chance(85))
    journal.add(answeredMs, "question.answered", team.at(answeredMs, to).id, { to: asking.name, question, answer });
}

function review(sampler: Sampler, team: Team, journal: Journal, atMs: number, untilMs: number): void {
  const project = sampler.one(PROJECTS);
  const subject = sampler.one(SUBJECTS);
  const number = sampler.between(180, 420);
  journal.add(atMs, "review.requested", team.at(atMs, project).id, { project, number, subject });
  const doneMs = atMs + sampler.between(3, 50) * MINUTE_MS;
  if (doneMs >= untilMs) return;
  const verdict = sampler.chance(70) ? "approved" : "changes wanted";
  journal.add(doneMs, "review.done", team.at(doneMs, project).id, { project, number, subject, verdict });
}

export function addTalks(sampler: Sampler, team: Team, journal: Journal, nowMs: number): void {
  const [fromMs, untilMs] = [nowMs - DAY_HOURS * HOUR_MS + SETTLED_MS, nowMs - QUIET_MS];
  for (const atMs of sampler.times(TALKS, fromMs, untilMs)) ask(sampler, team, journal, atMs, untilMs);
  for (const atMs of sampler.times(REVIEWS, fromMs, untilMs)) review(sampler, team, journal, atMs, untilMs);
}

interface Refusal {
  readonly action: string;
  readonly resource: (project: Project, sampler: Sampler) => string;
  readonly code: number;
  readonly error: (resource: string) => string;
}

const KNOWN_RULES = ["storefront/no-any", "checkout/no-any"];

/** The most frequent refusal: two agents have written the same key. */
const LOST_RACE: Refusal = {
  action: "state.put",
  resource: (project, sampler) => sampler.one([`tests/${project}/unit/latest`, `builds/${project}/latest`]),
  code: 412,
  error: () => "precondition failed",
};
const REFUSALS: readonly Refusal[] = [
  LOST_RACE,
  LOST_RACE,
  {
    action: "state.put",
    resource: (project) => `config/preview/${project}.yaml`,
    code: 400,
    error: () => "empty body",
  },
  {
    action: "state.delete",
    resource: (project) => `locks/${project}`,
    code: 404,
    error: (resource) => `key not found: ${resource}`,
  },
  { action: "llm.usage", resource: () => "", code: 400, error: () => "provider is required" },
  {
    action: "rule.propose",
    resource: (_project, sampler) => sampler.one(KNOWN_RULES),
    code: 409,
    error: (resource) => `rule already exists: ${resource}`,
  },
  {
    action: "rule.accept",
    resource: (_project, sampler) => sampler.one(KNOWN_RULES),
    code: 403,
    error: () => "this needs the server token",
  },
];
const REFUSED = 64;

export function noteRefusals(sampler: Sampler, team: Team, journal: Journal, nowMs: number): void {
  for (const atMs of sampler.times(REFUSED, nowMs - DAY_HOURS * HOUR_MS + SETTLED_MS, nowMs - QUIET_MS)) {
    const project = sampler.one(PROJECTS);
    const { action, resource, code, error } = sampler.one(REFUSALS);
    const name = resource(project, sampler);
    journal.refuse(atMs, team.at(atMs, project).id, action, name, code, error(name));
  }
}
