/**
 * The five contracts of the day, and the samples of agents that are checked against them. Two samples do not match any
 * more. So a check of the running server has the same results as the day's own runs. Pure.
 */
import type { Project, Team } from "./team.js";
import { JSON_TYPE, pretty, type Content } from "./versions.js";

const id = { type: "string", required: true };
const cents = { type: "number", required: true };
const text = { type: "string" };
const refusal = { error: { type: "string", required: true }, code: { type: "number" } };
const line = {
  type: "array",
  items: { type: "object", fields: { book_id: id, quantity: cents, gift: { type: "boolean" } } },
};

interface Contract {
  readonly project: Project;
  readonly name: string;
  readonly newestHoursAgo: number;
  /** The endpoints of each version, oldest first. */
  readonly versions: readonly object[];
}

const addItem = {
  request: { book_id: id, quantity: cents, gift: { type: "boolean" } },
  response_status: 201,
  error: refusal,
};
const cart = { id, lines: line, currency: { type: "string", enum: ["EUR", "GBP", "USD"] } };
const order = { cart_id: id, email: { ...id }, total_cents: cents };
const book = { id, title: id, author: text, price_cents: cents, stock: { type: "number", nullable: true } };
const hit = {
  type: "object",
  required: ["id", "title", "score"],
  additionalProperties: false,
  properties: {
    id: { type: "string", pattern: "^b-[0-9]+$" },
    title: { type: "string", minLength: 1 },
    author: { type: "string" },
    score: { type: "number", minimum: 0 },
  },
};
const payment = { order_id: id, amount_cents: cents, idempotency_key: id, card_token: text };

const CONTRACTS: readonly Contract[] = [
  {
    project: "checkout",
    name: "checkout-api",
    newestHoursAgo: 0.9,
    versions: [
      {
        "POST /api/carts/{id}/items": { request: { book_id: id, quantity: cents }, response_status: 201 },
        "GET /api/carts/{id}": { response: { id, lines: line, total: { type: "string" } } },
      },
      {
        "POST /api/carts/{id}/items": addItem,
        "GET /api/carts/{id}": { response: { id, lines: line, total: { type: "string" } }, error: refusal },
        "POST /api/checkout": { request: { cart_id: id, email: id, total: { type: "string" } }, response_status: 201 },
      },
      {
        "POST /api/carts/{id}/items": addItem,
        "GET /api/carts/{id}": { response: { ...cart, total: text, total_cents: cents }, error: refusal },
        "POST /api/checkout": {
          request: { ...order, total: text, total_cents: { required: true } },
          response: { order_id: id },
          response_status: 201,
        },
      },
      {
        "POST /api/carts/{id}/items": addItem,
        "GET /api/carts/{id}": { response: { ...cart, total_cents: cents }, error: refusal },
        "POST /api/checkout": {
          request: order,
          response: { order_id: id, placed_at: id },
          response_status: 201,
          error: refusal,
        },
      },
    ],
  },
  {
    project: "checkout",
    name: "payments-api",
    newestHoursAgo: 20,
    versions: [
      { "POST /payments": { request: { order_id: id, amount_cents: cents, card_token: text }, response_status: 201 } },
      {
        "POST /payments": { request: payment, response: { id, status: id }, response_status: 201, error: refusal },
        "GET /payments/{id}": {
          response: {
            id,
            status: { type: "string", enum: ["open", "captured", "refused", "unknown"], required: true },
          },
          error: refusal,
        },
      },
    ],
  },
  {
    project: "storefront",
    name: "catalog-api",
    newestHoursAgo: 12.9,
    versions: [
      { "GET /api/books": { response_array: { id, title: id, price: { type: "string" } } } },
      {
        "GET /api/books": { query: { author: text, page: text }, response_array: book },
        "GET /api/books/{id}": { response: { ...book, description: text }, error: refusal },
      },
      {
        "GET /api/books": {
          query: { author: text, page: text, sort: { type: "string", enum: ["title", "price", "newest"] } },
          response_array: book,
        },
        "GET /api/books/{id}": { response: { ...book, description: text, cover: text }, error: refusal },
        "PUT /api/reading-list/{id}": { request: { book_id: id }, response_status: 200, error: refusal },
      },
    ],
  },
  {
    project: "search",
    name: "search-api",
    newestHoursAgo: 15.5,
    versions: [
      { "GET /api/search": { query: { q: id }, response_array: { id, title: id, score: cents } } },
      {
        "GET /api/search": { query: { q: id, page: text }, response_array: { schema: hit } },
        "GET /api/suggest": { query: { q: id }, response: { words: { type: "array", items: { type: "string" } } } },
      },
    ],
  },
  {
    project: "ops",
    name: "deploy-hooks",
    newestHoursAgo: 60,
    versions: [
      {
        "POST /hooks/deploy": {
          request: {
            service: { type: "string", required: true, enum: ["storefront", "checkout", "search"] },
            version: id,
            environment: { type: "string", required: true, enum: ["staging", "production"] },
          },
          response_status: 202,
          error: refusal,
        },
      },
    ],
  },
];

/** The names that tests use. */
export const CONTRACT_NAMES = CONTRACTS.map(({ project, name }) => ({ project, name }));

export function contracts(): Content[] {
  return CONTRACTS.map(({ project, name, newestHoursAgo, versions }) => ({
    project,
    key: name,
    type: JSON_TYPE,
    newestHoursAgo,
    values: versions.map((endpoints, at) => pretty({ kind: "contract", version: at + 1, endpoints })),
    word: (version) =>
      version === 1
        ? null
        : {
            topic: "api.change.contract",
            data: {
              project,
              contract: name,
              version,
              breaking: version === versions.length,
              see: `specs/${project}/${name}`,
            },
          },
  }));
}

interface Sample {
  readonly agent: string;
  /** The age of the sample in hours. By default, it was written before the first round of checks. */
  readonly hoursAgo?: number;
  readonly contract: string;
  readonly sent: readonly { readonly endpoint: string; readonly direction: string; readonly payload: unknown }[];
  /** The result of a check. */
  readonly violations: readonly { readonly path: string; readonly message: string }[];
}

const SAMPLES: readonly Sample[] = [
  {
    agent: "claude-checkout",
    contract: "checkout-api",
    sent: [
      {
        endpoint: "POST /api/checkout",
        direction: "request",
        payload: { cart_id: "c-81", email: "a@example.com", total_cents: 4280 },
      },
    ],
    violations: [],
  },
  {
    agent: "cursor-cart",
    contract: "checkout-api",
    sent: [
      {
        endpoint: "POST /api/carts/{id}/items",
        direction: "request",
        payload: { book_id: "b-7", quantity: 1, gift: true },
      },
    ],
    violations: [],
  },
  {
    agent: "codex-payments",
    contract: "checkout-api",
    sent: [
      {
        endpoint: "POST /api/checkout",
        direction: "request",
        payload: { cart_id: "c-81", email: "a@example.com", total_cents: "42.80" },
      },
    ],
    violations: [{ path: "samples[0].request.total_cents", message: "expected number, got string" }],
  },
  {
    agent: "codex-payments",
    contract: "payments-api",
    sent: [
      {
        endpoint: "POST /payments",
        direction: "request",
        payload: { order_id: "o-19", amount_cents: 4280, idempotency_key: "o-19/1", card_token: "tok_visa" },
      },
    ],
    violations: [],
  },
  {
    agent: "claude-storefront",
    contract: "catalog-api",
    sent: [{ endpoint: "GET /api/books", direction: "query", payload: { sort: "newest" } }],
    violations: [],
  },
  {
    agent: "cursor-storefront",
    hoursAgo: 6.9,
    contract: "catalog-api",
    sent: [
      { endpoint: "PUT /api/reading-list/{id}", direction: "request", payload: { book: "b-7" } },
      { endpoint: "GET /api/books", direction: "query", payload: { sort: "price" } },
    ],
    violations: [
      { path: "samples[0].request.book", message: 'unexpected field "book" (contract defines: book_id)' },
      { path: "samples[0].request.book_id", message: 'missing required field "book_id"' },
    ],
  },
  {
    agent: "kilo-indexer",
    contract: "search-api",
    sent: [
      { endpoint: "GET /api/search", direction: "response", payload: [{ id: "b-7", title: "The Hobbit", score: 8.1 }] },
    ],
    violations: [],
  },
  {
    agent: "claude-release",
    contract: "deploy-hooks",
    sent: [
      {
        endpoint: "POST /hooks/deploy",
        direction: "request",
        payload: { service: "checkout", version: "4.12.0-rc.2", environment: "staging" },
      },
    ],
    violations: [],
  },
];

/** The state keys of the samples. */
export function samples(team: Team): Content[] {
  return SAMPLES.map(({ agent, contract, sent, hoursAgo = 12.7 }) => {
    const { project } = team.named(agent);
    return {
      project,
      key: `${project}/${contract}/samples/${agent}`,
      type: JSON_TYPE,
      values: [pretty(sent)],
      author: agent,
      newestHoursAgo: hoursAgo,
    };
  });
}

/** Returns the result of checking an agent against a contract at the end of the day. */
export function violationsOf(agent: string, contract: string): Sample["violations"] {
  return SAMPLES.find((sample) => sample.agent === agent && sample.contract === contract)?.violations ?? [];
}
