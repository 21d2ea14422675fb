/** The areas of the HTTP API, in the order of its description; a route names its own. */
export const ROUTE_TAGS = {
  metrics: "Health, figures and what agents did.",
  state: "Versioned values by key.",
  specs: "Versioned documents by project and name.",
  rules: "Rules of projects, and texts validated against them.",
  contracts: "What APIs promise: payloads and live services checked against it.",
  templates: "Rules and contracts to be put into many projects.",
  compliance: "Active instances checked against their contracts.",
  events: "Publishing, history, and the ways to listen.",
  instances: "Who is there: registration, discovery, signs of life.",
  audit: "Who changed what.",
  webhooks: "Events as HTTP requests.",
  backup: "One snapshot of everything, and its restore.",
  llm: "What calls of language models cost.",
  mcp: "The Model Context Protocol.",
} as const;

export type RouteTag = keyof typeof ROUTE_TAGS;
