/** The groups of routes in the OpenAPI description, each with its description. Each route names its group. */
export const ROUTE_TAGS = {
  metrics: "Health, metrics for people and for Prometheus, the activity of agents, and this description.",
  state: "Versioned values by key: history, rollback, JSON diff, compare-and-swap.",
  specs: "Documents by project and name, versioned like values.",
  rules: "Patterns that texts are validated against; agents propose them, and they apply once they are accepted.",
  contracts: "Payloads and live services checked against a spec that is a contract.",
  templates: "Rules and contracts for many projects, applied all or nothing.",
  compliance: "Checks of instances against their project's contracts, and the results.",
  events: "Publishing, history, and subscriptions over WebSocket, Server-Sent Events and long polls.",
  changes: "A stream of changes by name, for clients that show or cache data.",
  leases: "Exclusive access to resources for a time: all or nothing, with a wait queue, enforced on state and specs.",
  budgets: "Limits on the tokens and the cost of language models for workspaces, agents and tasks.",
  radar: "Which checkouts change the same files, before either commits.",
  guard: "Records of commits that were made without the guard.",
  tasks:
    "Work that one agent at a time claims: ordered, retried, waited for, with leases on the resources that it needs.",
  evidence: "Records of commands: how they ended, on which files, and which program saw it.",
  instances: "Registered agents: discovery, heartbeats, their capabilities and their current work.",
  messages: "Messages between agents: in-boxes, out-boxes, threads, and the status of each message.",
  hooks: "Hooks of agents' clients: who holds a file, and what is new for the agent.",
  wait: "Waiting until an event, a value, a message, a lease or an instance meets a condition, without polling.",
  story: "State, leases and tasks as they were at a time in the past.",
  audit: "The append-only log of changes and refusals, with their actors.",
  sessions: "Log-ins of people in a browser, on the dashboard's port only.",
  webhooks: "Events as signed HTTP requests to other servers, in order, at least once.",
  backup: "One consistent snapshot as text, restored as a whole or not at all.",
  llm: "Usage and cost of calls of language models.",
  mcp: "The Model Context Protocol, for language models themselves.",
} as const;

export type RouteTag = keyof typeof ROUTE_TAGS;
