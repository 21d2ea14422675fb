/**
 * The other state keys of the day, besides its documents: test reports, builds, API notes, settings, benchmarks, and
 * two values with scripts that a page must not run. Pure.
 */
import type { Sampler } from "./sampler.js";
import { documents } from "./documents.js";
import { PROJECTS, type Project, type Team } from "./team.js";
import { JSON_TYPE, pretty, YAML, type Content } from "./versions.js";

/** The key of a text that a page must show and must not run. */
export const SCRIPT_KEY = "search/examples/snippet.html";
export const SVG_KEY = "storefront/assets/logo.svg";
/** The key of a JSON value with many versions, which differ in a few numbers. */
export const VERSIONED_KEY = "tests/checkout/unit/latest";

const SUITES = ["unit", "integration", "e2e", "contract"] as const;
const FAILURES: Readonly<Record<Project, readonly string[]>> = {
  storefront: ["reading list: undo brings the book back", "filter panel: focus after clear", "cover: keeps its ratio"],
  checkout: ["totals: rounds half a cent up", "capture: one charge after a timeout", "cart: gift wrapping is a line"],
  search: ["typos: tolkein finds tolkien", "ranking: sold-out books sink", "index: deleted books are gone"],
  ops: ["deploy: the old set stays warm", "restore: staging comes back in 10 min", "alerts: a page within 60 s"],
};

function testReports(sampler: Sampler): Content[] {
  return PROJECTS.flatMap((project) =>
    SUITES.map((suite) => {
      let total = sampler.between(40, 420);
      const failing: boolean[] = [];
      const values = Array.from({ length: sampler.between(8, 20) }, () => {
        total += sampler.between(0, 6);
        const failures = sampler.chance(22) ? [sampler.one(FAILURES[project])] : [];
        failing.push(failures.length > 0);
        return pretty({
          suite: `${project}/${suite}`,
          commit: sampler.hex(8),
          passed: total - failures.length,
          failed: failures.length,
          skipped: sampler.between(0, 4),
          duration_s: sampler.between(60, 3400) / 10,
          failures: failures.map((name) => ({ name, message: "expected values to be equal" })),
        });
      });
      const key = `tests/${project}/${suite}/latest`;
      return {
        project,
        key,
        type: JSON_TYPE,
        values,
        word: (version) => ({
          topic: failing[version - 1] === true ? "test.failed" : "test.passed",
          data: { project, suite, report: key, version },
        }),
      } satisfies Content;
    }),
  );
}

function builds(sampler: Sampler): Content[] {
  return PROJECTS.map((project) => {
    const first = sampler.between(1180, 2900);
    const runs = Array.from({ length: sampler.between(16, 24) }, (_, at) => ({
      build: first + at,
      branch: sampler.chance(70) ? "main" : sampler.one(["integer-cents", "typos", "reading-list", "blue-green"]),
      commit: sampler.hex(8),
      status: sampler.chance(14) ? "failed" : "passed",
      duration_s: sampler.between(74, 260),
    }));
    return {
      project,
      key: `builds/${project}/latest`,
      type: JSON_TYPE,
      values: runs.map(pretty),
      word: (version) => {
        const run = runs[version - 1];
        return { topic: `build.${run?.status ?? "passed"}`, source: "ci", data: { project, ...run } };
      },
    } satisfies Content;
  });
}

const ENDPOINTS: Readonly<Record<Project, readonly string[]>> = {
  storefront: ["books-list", "book-by-id", "reading-list", "recommendations", "reviews"],
  checkout: ["carts-add-item", "carts-get", "checkout-post", "captures", "refunds"],
  search: ["search", "suggest", "index-book", "query-log", "synonyms"],
  ops: ["deploy-hook", "healthz", "feature-flags", "backups", "alerts"],
};
const REMARKS = [
  "answers 404, not an empty object, for an unknown id",
  "amounts are integer cents since 4.11",
  "cached for a minute at the edge",
  "sorted by relevance; ties by title",
  "takes If-Match; a 412 means: read again",
  "rate limited to 20 a second an account",
];

function apiNotes(sampler: Sampler): Content[] {
  return PROJECTS.flatMap((project) =>
    ENDPOINTS[project].map((name) => {
      const remarks = [sampler.one(REMARKS)];
      const values = Array.from({ length: sampler.between(1, 6) }, () => {
        if (sampler.chance(50)) remarks.push(sampler.one(REMARKS));
        const latencyMs = { p50: sampler.between(4, 30), p95: sampler.between(35, 180) };
        return pretty({
          endpoint: name,
          owner: project,
          auth: sampler.chance(80),
          latency_ms: latencyMs,
          notes: [...new Set(remarks)],
        });
      });
      return { project, key: `api-notes/${project}/${name}`, type: JSON_TYPE, values };
    }),
  );
}

function settings(sampler: Sampler): Content[] {
  return PROJECTS.flatMap((project) =>
    ["staging", "production", "preview"].map((env) => {
      const values = Array.from(
        { length: sampler.between(3, 8) },
        (_, at) =>
          `service: ${project}\nenvironment: ${env}\nversion: 4.${10 + Math.min(2, Math.floor(at / 2))}.${at % 3}\n` +
          `replicas: ${env === "production" ? sampler.between(4, 8) : sampler.between(1, 2)}\n` +
          `timeouts:\n  connect_ms: 500\n  request_ms: ${sampler.one([2000, 2500, 3000, 5000])}\n` +
          `flags:\n  integer_cents: ${at > 1}\n  guest_checkout: ${env !== "production" || at > 3}\n`,
      );
      const back = project === "checkout" && env === "production" && values.length > 2;
      return {
        project,
        key: `config/${env}/${project}.yaml`,
        type: YAML,
        values: back ? [...values, values[1] ?? ""] : values,
        ...(back ? { rolled_back: 2 } : {}),
        word: (version) =>
          env === "preview" || version === 1 ? null : { topic: `deploy.${env}`, data: { service: project, version } },
      } satisfies Content;
    }),
  );
}

const MISCHIEF: readonly Content[] = [
  {
    project: "search",
    key: SCRIPT_KEY,
    type: "text/html; charset=utf-8",
    values: [
      '<p class="snippet">The <mark>hobbit</mark></p>\n',
      '<p class="snippet">The <mark>hobbit</mark><script>alert(1)</script></p>\n<img src="x" onerror="alert(2)">\n',
    ],
  },
  {
    project: "storefront",
    key: SVG_KEY,
    type: "image/svg+xml",
    values: [
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" onload="alert(3)">\n' +
        '  <script>alert(4)</script>\n  <path d="M4 4h7v16H4zM13 4h7v16h-7z" fill="#0b6e4f"/>\n</svg>\n',
    ],
  },
];

function others(sampler: Sampler): Content[] {
  const rows = Array.from({ length: 6 }, () => ({
    queries: 200,
    recall: sampler.between(81, 97) / 100,
    p95_ms: sampler.between(55, 92),
  }));
  return [
    ...MISCHIEF,
    { project: "search", key: "bench/search/typos", type: JSON_TYPE, values: rows.map(pretty) },
    { project: "ops", key: "deploys/queue", type: JSON_TYPE, values: ["[]", '["checkout"]'], deleted: true },
    { project: "checkout", key: "scratch/rounding", type: JSON_TYPE, values: ['{"half_up":true}'], deleted: true },
  ];
}

/** Returns reports of single runs. In a large day, most keys are such reports. */
function singleRuns(sampler: Sampler, count: number): Content[] {
  return Array.from({ length: count }, (_, at) => {
    const project = sampler.one(PROJECTS);
    const suite = sampler.one(SUITES);
    const value = {
      run: at + 1,
      commit: sampler.hex(8),
      passed: sampler.between(40, 420),
      failed: sampler.chance(10) ? 1 : 0,
    };
    const name = String(at + 1).padStart(5, "0");
    return { project, key: `runs/${project}/${suite}/${name}`, type: JSON_TYPE, values: [pretty(value)] };
  });
}

/**
 * Returns all keys of the day.
 * @param samples the samples of the agents (specs.ts)
 * @param keysMin the minimum number of keys; reports of single runs are added until it is reached
 */
export function stateContents(sampler: Sampler, team: Team, samples: readonly Content[], keysMin: number): Content[] {
  const contents = [
    ...documents(sampler, team),
    ...testReports(sampler),
    ...builds(sampler),
    ...apiNotes(sampler),
    ...settings(sampler),
    ...others(sampler),
    ...samples,
  ];
  const live = contents.filter(({ deleted }) => deleted !== true).length;
  return [...contents, ...singleRuns(sampler, Math.max(0, keysMin - live))];
}
