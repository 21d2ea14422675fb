/**
 * The documents of the team: plans, decisions, notes and handovers as Markdown and text, each with its versions. Pure.
 */
import type { Sampler } from "./sampler.js";
import { PROJECTS, type Project, type Team } from "./team.js";
import { MARKDOWN, PLAIN, type Content } from "./versions.js";

const PLANS: Readonly<Record<Project, readonly string[]>> = {
  storefront: ["product page", "reading list", "filter panel", "cover images", "gift cards"],
  checkout: ["integer cents", "guest checkout", "capture retries", "gift wrapping", "address book"],
  search: ["typo tolerance", "partial reindex", "ranking by stock", "author pages", "query log"],
  ops: ["blue-green deploys", "release 4.12", "log retention", "staging data", "on-call rota"],
};

const STEPS: Readonly<Record<Project, readonly string[]>> = {
  storefront: [
    "measure the page as it is",
    "agree on the markup with a11y",
    "move the styles to tokens",
    "render it on the server",
    "keyboard and screen reader pass",
    "empty, slow and failed states",
    "feature flag, 5 % of visitors",
    "remove the old component",
  ],
  checkout: [
    "write the contract first",
    "migrate the table, both columns for a week",
    "convert at the edges only",
    "property tests for rounding",
    "backfill old orders",
    "compare totals for a day, alert on a difference",
    "drop the old column",
    "tell storefront",
  ],
  search: [
    "collect 200 real queries",
    "baseline: recall and p95",
    "index in a second alias",
    "tune on half of the queries, judge on the other",
    "switch the alias",
    "watch zero-result rate for a day",
    "delete the old index",
  ],
  ops: [
    "write it down in the runbook",
    "try it on staging",
    "rehearse the way back",
    "alerts and a dashboard",
    "ask checkout for a quiet hour",
    "production, with two pairs of eyes",
    "clean up",
  ],
};

const FOLLOW_UPS: readonly string[] = [
  "measure again a week later",
  "write a decision about it",
  "tell the others what changed",
  "say so in the release notes",
  "an alert for when it comes back",
  "delete the flag",
];

/**
 * Returns the versions of a plan. Its steps are completed one after another. Some steps are added, until there are no
 * more.
 */
function planOf(title: string, project: Project, sampler: Sampler): string[] {
  const steps = STEPS[project].map((text) => ({ text, done: false }));
  const further = [...FOLLOW_UPS];
  const versions = sampler.between(5, 14);
  const texts: string[] = [];
  for (let version = 1; version <= versions; version++) {
    const open = steps.find((step) => !step.done);
    const adds = version > 1 && further.length > 0 && (open === undefined || sampler.chance(20));
    if (adds) steps.push({ text: `${sampler.take(further)} (#${sampler.between(180, 420)})`, done: false });
    else if (version > 1 && open !== undefined) open.done = true;
    const done = steps.filter((step) => step.done).length;
    const state = done === 0 ? "proposed" : done === steps.length ? "done" : "in progress";
    const lines = steps.map((step) => `- [${step.done ? "x" : " "}] ${step.text}`);
    texts.push(
      `# Plan: ${title}\n\nStatus: ${state} (${done} of ${steps.length})\n\n## Steps\n\n${lines.join("\n")}\n`,
    );
  }
  return texts;
}

function plans(sampler: Sampler): Content[] {
  return PROJECTS.flatMap((project) =>
    PLANS[project].map((title) => {
      const values = planOf(title, project, sampler);
      const key = `plans/${project}/${title.replaceAll(/[ .]/g, "-")}`;
      return {
        project,
        key,
        type: MARKDOWN,
        values,
        ...(title === "log retention" ? { values: [...values, values[1] ?? ""], rolled_back: 2 } : {}),
        word: (version) => (version % 3 === 1 ? { topic: "plan.updated", data: { key, version } } : null),
      } satisfies Content;
    }),
  );
}

const DECISIONS: readonly (readonly [project: Project, title: string, why: string, what: string])[] = [
  [
    "checkout",
    "Money is integer cents",
    "Totals differed by a cent between cart and invoice.",
    "Amounts are whole cents with a currency beside them, from the database to the wire. Only views divide by 100.",
  ],
  [
    "checkout",
    "One idempotency key per capture",
    "A retry after a timeout charged twice.",
    "The key is made with the order and sent with each try; the provider's answer to it is final.",
  ],
  [
    "search",
    "Reindex by change feed",
    "A full index takes 41 minutes and is stale at its end.",
    "Books that changed are indexed within a minute; a full index runs on Sundays.",
  ],
  [
    "storefront",
    "Server rendering for product pages",
    "The largest paint took 3.1 s on a phone.",
    "Product pages are rendered on the server; the reading list stays a client component.",
  ],
  [
    "storefront",
    "Design tokens, no raw colours",
    "Dark mode missed eleven places.",
    "Colours and spacing come from tokens. A rule rejects hex colours in components.",
  ],
  [
    "ops",
    "Blue-green for checkout",
    "Deploys at noon cut carts in half.",
    "Two sets, one switch; the old one stays warm for an hour.",
  ],
  [
    "ops",
    "Logs for 30 days",
    "The disk was full twice.",
    "Thirty days hot, a year in the archive. Personal data is cut at the edge.",
  ],
  [
    "search",
    "Stock in the ranking",
    "Sold-out books took the first row.",
    "In-stock books get a boost of 1.3; measured by orders per search.",
  ],
  ["checkout", "Guests may buy", "18 % left at the login.", "An account is offered after the order, not before."],
  [
    "storefront",
    "Images lazily, with a size",
    "Layout shifted while covers loaded.",
    "Each cover has width and height; below the fold it is lazy.",
  ],
  [
    "ops",
    "Staging has made-up customers",
    "A copy of production was a risk.",
    "Staging is filled by a generator, nightly.",
  ],
  [
    "search",
    "Query log without people",
    "Ranking needs real queries.",
    "Queries are kept for 14 days without account or address.",
  ],
  [
    "checkout",
    "Contracts before code",
    "Storefront found out about a change from its error log.",
    "A change of an answer begins with a version of its contract.",
  ],
  [
    "storefront",
    "No modal for the reading list",
    "Focus was lost in three browsers.",
    "The list is a page of its own with an address.",
  ],
];

function decisions(sampler: Sampler): Content[] {
  return DECISIONS.map(([project, title, why, what], at) => {
    const text = (state: string): string =>
      `# ${at + 1}. ${title}\n\nStatus: ${state}\n\n## Context\n\n${why}\n\n## Decision\n\n${what}\n`;
    const values = [text("proposed"), text("accepted")];
    if (sampler.chance(30)) values.push(`${text("accepted")}\n## After a week\n\nHolds. No exception was needed.\n`);
    const key = `decisions/${String(at + 1).padStart(4, "0")}-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
    return { project, key, type: MARKDOWN, values: at === 7 ? values.slice(0, 1) : values };
  });
}

const NOTES: Readonly<Record<Project, readonly string[]>> = {
  storefront: [
    "covers of old books have no width: fall back to 2:3",
    "flaky: reading-list undo, passes alone",
    "largest paint 1.9 s on the slow phone, was 3.1 s",
    "tokens only, the rule finds hex colours now",
    "asked search why suggest is empty below three letters: on purpose",
    "the filter panel loses focus after *Clear all*",
    "skeletons instead of spinners on the product page",
    "next: the error states, then hand over",
  ],
  checkout: [
    "read the contract before touching the mapper",
    "cart totals are cents now, see decisions/0001",
    "asked the API's owner whether `discount` may be negative: no",
    "a capture that times out stays unknown until the provider says",
    "rebased on main, conflicts in money.ts",
    "do not start the backfill between 11 and 14",
    "property test found 0.005: half a cent rounds up",
    "compare job green for 26 h",
  ],
  search: [
    "p95 of /api/search 84 ms before, 61 ms after",
    "distance 1 from four letters on, 2 from eight",
    "the old alias may go after tonight's comparison",
    "zero-result rate 6.1 %, was 8.4 %",
    "stock arrives within ten seconds by the change feed",
    "author names only; titles get too fuzzy",
    "scrolls are closed again, contexts are flat",
    "200 real queries are in the query log of Monday",
  ],
  ops: [
    "the staging key of the payment provider expires on Friday",
    "rehearsed the way back: 40 s",
    "quiet hour for the migration: tomorrow six to seven",
    "disk at 61 %, retention works",
    "images are pinned by digest in all three services",
    "release notes wait for checkout's contract",
    "alerts page within 20 s on staging",
    "staging data is made again each night",
  ],
};

/** Returns the notes of each agent. A new version has one more line. */
function notes(sampler: Sampler, team: Team): Content[] {
  return team.workers
    .filter(({ status }) => status !== "pending")
    .map(({ name, project }) => {
      const left = [...NOTES[project]];
      const lines: string[] = [];
      const values = Array.from({ length: sampler.between(3, NOTES[project].length) }, () => {
        lines.push(`- ${sampler.take(left)}`);
        return `${name}\n\n${lines.join("\n")}\n`;
      });
      return { project, key: `agents/${name}/notes`, type: PLAIN, values, author: name };
    });
}

const HANDOVERS: readonly (readonly [project: Project, name: string, text: string])[] = [
  [
    "checkout",
    "money-migration",
    "Both columns are written since Tuesday. Compare job is green for 26 h. Left: drop `total`, tell storefront, delete the flag.",
  ],
  [
    "checkout",
    "capture-retries",
    "The happy path is done and tested. Open: what to show while a capture is unknown. See the question in the event log.",
  ],
  [
    "storefront",
    "filter-panel",
    "Markup and styles are merged. Focus order is wrong after *Clear all*; steps to see it are in tests/storefront/e2e/latest.",
  ],
  [
    "search",
    "typo-tolerance",
    "Distance 1 from four letters on, 2 from eight. Author names only. Benchmark is in bench/search/typos.",
  ],
  ["ops", "release-4-12", "Notes are written, staging is on 4.12.0-rc.2. Waiting for checkout's contract to settle."],
];

function handovers(): Content[] {
  return HANDOVERS.map(([project, name, text]) => ({
    project,
    key: `handovers/${project}/${name}`,
    type: MARKDOWN,
    values: [`# Handover: ${name}\n\n${text}\n`],
  }));
}

/** Returns all documents of the day. */
export function documents(sampler: Sampler, team: Team): Content[] {
  return [...plans(sampler), ...decisions(sampler), ...notes(sampler, team), ...handovers()];
}
