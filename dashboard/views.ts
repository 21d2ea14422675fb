/**
 * The table of views, in the order of the menu. Each view has a folder below `views/`. A view's address begins with its
 * slug; the view gets the rest of the path.
 *
 * All views are in one script, because one script compresses better than twelve, and a view then opens without loading.
 * Only large libraries are loaded separately, when a view first needs them (parts/lazy.ts).
 */
import type { ComponentType } from "preact";
import type { ViewProps } from "./base/view-props.js";
import type { IconName } from "./parts/icon.js";
import { View as Agents } from "./views/agents/view.js";
import { View as Audit } from "./views/audit/view.js";
import { View as Contracts } from "./views/contracts/view.js";
import { View as Events } from "./views/events/view.js";
import { View as Leases } from "./views/leases/view.js";
import { View as Messages } from "./views/messages/view.js";
import { View as NeedsMe } from "./views/needs-me/view.js";
import { View as Overview } from "./views/overview/view.js";
import { View as Radar } from "./views/radar/view.js";
import { View as Rules } from "./views/rules/view.js";
import { View as Specs } from "./views/specs/view.js";
import { View as State } from "./views/state/view.js";
import { View as Story } from "./views/story/view.js";
import { View as System } from "./views/system/view.js";
import { View as Tasks } from "./views/tasks/view.js";
import { View as Usage } from "./views/usage/view.js";
import { View as Webhooks } from "./views/webhooks/view.js";

export interface ViewRow {
  /** The first segment of the view's address; "" for the start page. */
  readonly slug: string;
  /** The letter that opens the view after `g`. */
  readonly key: string;
  readonly title: string;
  readonly icon: IconName;
  /** The description of the view that the command palette shows. */
  readonly about: string;
  readonly view: ComponentType<ViewProps>;
}

export const VIEWS: readonly ViewRow[] = [
  {
    slug: "",
    key: "n",
    title: "Needs me",
    icon: "bell",
    about: "items that need a person",
    view: NeedsMe,
  },
  {
    slug: "overview",
    key: "o",
    title: "Overview",
    icon: "gauge",
    about: "agents, rates and the newest events at a glance",
    view: Overview,
  },
  {
    slug: "agents",
    key: "a",
    title: "Agents",
    icon: "agents",
    about: "their status, intent and activity",
    view: Agents,
  },
  {
    slug: "leases",
    key: "l",
    title: "Leases",
    icon: "key",
    about: "their holders, and who waits for whom",
    view: Leases,
  },
  {
    slug: "radar",
    key: "x",
    title: "Radar",
    icon: "radar",
    about: "checkouts that change the same files",
    view: Radar,
  },
  {
    slug: "tasks",
    key: "t",
    title: "Tasks",
    icon: "board",
    about: "a board by state, with holders and blockers",
    view: Tasks,
  },
  {
    slug: "messages",
    key: "m",
    title: "Messages",
    icon: "mail",
    about: "threads between agents, and their delivery",
    view: Messages,
  },
  {
    slug: "state",
    key: "s",
    title: "State",
    icon: "tree",
    about: "shared keys, their values and versions",
    view: State,
  },
  {
    slug: "specs",
    key: "p",
    title: "Specs",
    icon: "document",
    about: "specs of each project, and their versions",
    view: Specs,
  },
  {
    slug: "events",
    key: "e",
    title: "Events",
    icon: "pulse",
    about: "published events, live and from history",
    view: Events,
  },
  {
    slug: "rules",
    key: "r",
    title: "Rules",
    icon: "shield",
    about: "rules, and proposals to accept or reject",
    view: Rules,
  },
  {
    slug: "contracts",
    key: "c",
    title: "Contracts",
    icon: "handshake",
    about: "endpoints, violations, and a payload to try",
    view: Contracts,
  },
  {
    slug: "webhooks",
    key: "w",
    title: "Webhooks",
    icon: "hook",
    about: "deliveries, failures, tests",
    view: Webhooks,
  },
  {
    slug: "story",
    key: "h",
    title: "Story",
    icon: "history",
    about: "the state at a past time, and what had happened",
    view: Story,
  },
  {
    slug: "audit",
    key: "d",
    title: "Audit",
    icon: "book",
    about: "changes and refused calls, by actor",
    view: Audit,
  },
  {
    slug: "usage",
    key: "u",
    title: "Usage",
    icon: "coins",
    about: "tokens and cost of language models",
    view: Usage,
  },
  {
    slug: "system",
    key: "y",
    title: "System",
    icon: "chip",
    about: "latency, queues, commits and memory of the server",
    view: System,
  },
];
