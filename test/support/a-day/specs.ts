/** The specs of the day: its contracts, and other documents of the team. Pure. */
import { contracts } from "./contracts.js";
import type { Sampler } from "./sampler.js";
import type { Project } from "./team.js";
import { JSON_TYPE, MARKDOWN, pretty, YAML, type Content } from "./versions.js";

const TOKENS = [
  { colour: { ink: "#1d2329", paper: "#fffdf8", accent: "#0b6e4f" }, space: [0, 4, 8, 16, 24] },
  { colour: { ink: "#1d2329", paper: "#fffdf8", accent: "#0b6e4f", warn: "#b4540a" }, space: [0, 4, 8, 16, 24] },
  { colour: { ink: "#1d2329", paper: "#fffdf8", accent: "#0a6247", warn: "#a34a06" }, space: [0, 4, 8, 12, 16, 24] },
];
const PAGES = {
  home: "/",
  book: "/books/{id}",
  author: "/authors/{id}",
  reading_list: "/reading-list",
  cart: "/cart",
  checkout: "/checkout",
};
const MAPPING = {
  book: { title: { type: "text", boost: 3 }, author: { type: "text", fuzzy: 1 }, isbn: { type: "keyword" } },
};

function openApi(version: number): object {
  const amount = version < 2 ? { type: "string" } : { type: "integer", description: "Cents." };
  return {
    openapi: "3.1.0",
    info: { title: "Checkout", version: `4.${10 + version}.0` },
    paths: {
      "/api/checkout": {
        post: {
          requestBody: {
            content: {
              "application/json": {
                schema: { type: "object", properties: { cart_id: { type: "string" }, total_cents: amount } },
              },
            },
          },
          responses: { "201": { description: "Placed." }, "409": { description: "The cart has changed." } },
        },
      },
    },
  };
}

const states = (further: string): string =>
  `initial: cart\nstates:\n  cart: [placed]\n  placed: [captured, refused]\n${further}  captured: [shipped, refunded]\n` +
  "  shipped: [returned]\n  refused: []\n";

function ranking(sampler: Sampler): string {
  return `weights:\n  title: 3\n  author: 2\n  in_stock: 1.${sampler.between(1, 4)}\n  recent: 0.${sampler.between(2, 9)}\ncutoff: 0.2\n`;
}

interface Spec {
  readonly project: Project;
  readonly key: string;
  readonly type: string;
  readonly values: readonly string[];
}

function papers(sampler: Sampler): Spec[] {
  return [
    { project: "storefront", key: "design-tokens", type: JSON_TYPE, values: TOKENS.map(pretty) },
    {
      project: "storefront",
      key: "page-map",
      type: JSON_TYPE,
      values: [pretty(PAGES), pretty({ ...PAGES, search: "/search" })],
    },
    {
      project: "storefront",
      key: "accessibility",
      type: MARKDOWN,
      values: ["# Accessibility\n\n- WCAG 2.2 AA\n- every control by keyboard\n- focus is always seen\n"],
    },
    { project: "checkout", key: "openapi", type: JSON_TYPE, values: [1, 2, 3].map((at) => pretty(openApi(at))) },
    {
      project: "checkout",
      key: "order-states",
      type: YAML,
      values: [states(""), states("  unknown: [captured, refused]\n")],
    },
    {
      project: "search",
      key: "index-mapping",
      type: JSON_TYPE,
      values: [pretty(MAPPING), pretty({ book: { ...MAPPING.book, stock: { type: "integer" } } })],
    },
    { project: "search", key: "ranking", type: YAML, values: Array.from({ length: 6 }, () => ranking(sampler)) },
    {
      project: "ops",
      key: "environments",
      type: YAML,
      values: ["preview: one a branch\nstaging: made-up customers\nproduction: two sets, one switch\n"],
    },
    {
      project: "ops",
      key: "runbook",
      type: MARKDOWN,
      values: [
        "# Runbook\n\n## Checkout is slow\n\n1. Look at captures that are unknown.\n2. Ask codex-payments.\n",
        "# Runbook\n\n## Checkout is slow\n\n1. Look at captures that are unknown.\n2. Ask codex-payments.\n\n" +
          "## Way back\n\nSwitch to the other set; it stays warm for an hour.\n",
      ],
    },
    {
      project: "ops",
      key: "alerts",
      type: YAML,
      values: ["captures_unknown: 5 in 10m\nsearch_p95_ms: 150\nzero_results: 8 %\n"],
    },
  ];
}

/** Returns all specs of the day. */
export function specContents(sampler: Sampler): Content[] {
  const written = papers(sampler).map((spec) =>
    spec.key === "ranking" ? { ...spec, values: [...spec.values, spec.values[3] ?? ""], rolled_back: 4 } : spec,
  );
  return [...contracts(), ...written];
}
