/** The dashboard's views: their addresses and names, in the menu's order. */
export const VIEWS = [
  ["/", "Needs me"],
  ["/overview", "Overview"],
  ["/agents", "Agents"],
  ["/leases", "Leases"],
  ["/radar", "Radar"],
  ["/tasks", "Tasks"],
  ["/messages", "Messages"],
  ["/state", "State"],
  ["/specs", "Specs"],
  ["/events", "Events"],
  ["/rules", "Rules"],
  ["/contracts", "Contracts"],
  ["/webhooks", "Webhooks"],
  ["/audit", "Audit"],
  ["/usage", "Usage"],
  ["/system", "System"],
] as const;
