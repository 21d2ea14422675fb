/** The groups of routes in the OpenAPI description, with their descriptions; each route names its group. */
export const ROUTE_TAGS = {
  metrics: "Health, figures for people and for Prometheus, what agents did, and this description.",
  state: "Versioned values by key: history, rollback, JSON diff, compare-and-swap.",
  specs: "Documents by project and name, versioned like values.",
  rules: "Patterns that texts are validated against; agents propose them, somebody accepts them.",
  contracts: "Payloads and live services checked against a spec that is a contract.",
  templates: "Rules and contracts for many projects, applied all or nothing.",
  compliance: "Instances checked against their project's contracts, and what the checks found.",
  events: "Publishing, history, and subscriptions over WebSocket, Server-Sent Events and long polls.",
  changes: "What changed, by name, as it happens: for who shows or keeps copies.",
  leases: "Who may change what, for how long: all or nothing, in line, enforced on state and specs.",
  tasks: "Work to be claimed by one agent at a time: ordered, retried, waited for, with what it needs leased.",
  instances: "Agents that are registered: discovery, signs of life, what each can do and is at.",
  messages: "What agents say to each other: in-boxes, out-boxes, threads, and what became of each message.",
  wait: "Until an event, a value, a message, a lease or an instance is as it should be, without asking again.",
  audit: "The append-only log of what was changed, by whom, and what was refused.",
  sessions: "Log-ins of people in a browser, on the dashboard's port only.",
  webhooks: "Events as signed HTTP requests to other servers, in order, at least once.",
  backup: "One consistent snapshot as text, restored as a whole or not at all.",
  llm: "What calls of language models used and cost.",
  mcp: "The Model Context Protocol: what a language model itself has to see.",
} as const;

export type RouteTag = keyof typeof ROUTE_TAGS;
