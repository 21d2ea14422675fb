/**
 * The views, in the order of the menu: one row each. A view is a folder below `views/`; it is loaded when it is
 * first looked at, and its address is its slug, with what follows handed to it.
 */
import type { ComponentType } from "preact";
import type { IconName } from "./parts/icon.js";

export interface ViewProps {
  /** What follows the slug in the address, each segment decoded: `/state/plan/build` → ["plan", "build"]. */
  readonly segments: readonly string[];
  /** The address's query. */
  readonly query: Readonly<Record<string, string>>;
}

export interface ViewRow {
  /** First segment of its address; "" for the page that is seen first. */
  readonly slug: string;
  readonly title: string;
  readonly icon: IconName;
  /** What one finds there, for the command palette. */
  readonly about: string;
  readonly load: () => Promise<{ readonly View: ComponentType<ViewProps> }>;
}

export const VIEWS: readonly ViewRow[] = [
  {
    slug: "",
    title: "Needs me",
    icon: "bell",
    about: "proposals, failures and silent agents that wait for a person",
    load: () => import("./views/needs-me/view.js"),
  },
  {
    slug: "overview",
    title: "Overview",
    icon: "gauge",
    about: "agents, rates and the newest events at a glance",
    load: () => import("./views/overview/view.js"),
  },
  {
    slug: "agents",
    title: "Agents",
    icon: "agents",
    about: "who is here, what they intend, what they did",
    load: () => import("./views/agents/view.js"),
  },
  {
    slug: "state",
    title: "State",
    icon: "tree",
    about: "shared keys, their values and versions",
    load: () => import("./views/state/view.js"),
  },
  {
    slug: "specs",
    title: "Specs",
    icon: "document",
    about: "specs of each project, their versions",
    load: () => import("./views/specs/view.js"),
  },
  {
    slug: "events",
    title: "Events",
    icon: "pulse",
    about: "what is published, live and from history",
    load: () => import("./views/events/view.js"),
  },
  {
    slug: "rules",
    title: "Rules",
    icon: "shield",
    about: "rules, and proposals to accept or reject",
    load: () => import("./views/rules/view.js"),
  },
  {
    slug: "contracts",
    title: "Contracts",
    icon: "handshake",
    about: "endpoints, violations, and a payload to try",
    load: () => import("./views/contracts/view.js"),
  },
  {
    slug: "webhooks",
    title: "Webhooks",
    icon: "hook",
    about: "deliveries, failures, tests",
    load: () => import("./views/webhooks/view.js"),
  },
  {
    slug: "audit",
    title: "Audit",
    icon: "book",
    about: "who changed what, and what was refused",
    load: () => import("./views/audit/view.js"),
  },
  {
    slug: "usage",
    title: "Usage",
    icon: "coins",
    about: "tokens and cost of language models",
    load: () => import("./views/usage/view.js"),
  },
  {
    slug: "system",
    title: "System",
    icon: "chip",
    about: "latency, queues, commits and memory of the server",
    load: () => import("./views/system/view.js"),
  },
];
