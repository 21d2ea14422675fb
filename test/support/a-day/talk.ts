/** Questions and reviews between agents of the day, and their refused calls. Pure. */
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

function ask(sampler: Sampler, team: Team, journal: Journal, at_ms: number, until_ms: number): void {
  const [from, to, question, answer] = sampler.one(QUESTIONS);
  const [asking, asked] = [team.at(at_ms, from), team.at(at_ms, to)];
  journal.add(at_ms, "question.asked", asking.id, { to: asked.name, question });
  const answered_ms = at_ms + sampler.between(40, 1_500) * SECOND_MS;
  if (answered_ms < until_ms && sampler.chance(85))
    journal.add(answered_ms, "question.answered", team.at(answered_ms, to).id, { to: asking.name, question, answer });
}

function review(sampler: Sampler, team: Team, journal: Journal, at_ms: number, until_ms: number): void {
  const project = sampler.one(PROJECTS);
  const subject = sampler.one(SUBJECTS);
  const number = sampler.between(180, 420);
  journal.add(at_ms, "review.requested", team.at(at_ms, project).id, { project, number, subject });
  const done_ms = at_ms + sampler.between(3, 50) * MINUTE_MS;
  if (done_ms >= until_ms) return;
  const verdict = sampler.chance(70) ? "approved" : "changes wanted";
  journal.add(done_ms, "review.done", team.at(done_ms, project).id, { project, number, subject, verdict });
}

export function addTalks(sampler: Sampler, team: Team, journal: Journal, now_ms: number): void {
  const [from_ms, until_ms] = [now_ms - DAY_HOURS * HOUR_MS + SETTLED_MS, now_ms - QUIET_MS];
  for (const at_ms of sampler.times(TALKS, from_ms, until_ms)) ask(sampler, team, journal, at_ms, until_ms);
  for (const at_ms of sampler.times(REVIEWS, from_ms, until_ms)) review(sampler, team, journal, at_ms, until_ms);
}

interface Refusal {
  readonly action: string;
  readonly resource: (project: Project, sampler: Sampler) => string;
  readonly code: number;
  readonly error: (resource: string) => string;
}

const KNOWN_RULES = ["storefront/no-any", "checkout/no-any"];

/** The first is the commonest: two agents wrote the same key. */
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

export function noteRefusals(sampler: Sampler, team: Team, journal: Journal, now_ms: number): void {
  for (const at_ms of sampler.times(REFUSED, now_ms - DAY_HOURS * HOUR_MS + SETTLED_MS, now_ms - QUIET_MS)) {
    const project = sampler.one(PROJECTS);
    const { action, resource, code, error } = sampler.one(REFUSALS);
    const name = resource(project, sampler);
    journal.refuse(at_ms, team.at(at_ms, project).id, action, name, code, error(name));
  }
}
