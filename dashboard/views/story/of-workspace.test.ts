/** Tests which events belong to a workspace, and which workspaces the user can choose. */
import t from "tap";
import type { Event, Instance } from "../../api/types.js";
import { eventsOf, workspacesOf } from "./of-workspace.js";

const agents = [
  { id: "a", workspace: "shop" },
  { id: "b", workspace: "mill" },
] as Instance[];

t.test("an event belongs to the workspace that it names, or to that of an agent in it", (t) => {
  const events = [
    { id: 1, source: "koor", data: { workspace: "shop" } },
    { id: 2, source: "a", data: { workspace: "mill" } },
    { id: 3, source: "a", data: null },
    { id: 4, source: "b", data: "text" },
    { id: 5, source: "koor", data: { from: "a", to: ["b"] } },
    { id: 6, source: "koor", data: { from: "b", to: ["x", "a"] } },
    { id: 7, source: "koor", data: { from: "b", to: "a" } },
    { id: 8, source: "", data: 1 },
  ] as unknown as Event[];
  const idsOf = (workspace: string): number[] => eventsOf(events, workspace, agents).map(({ id }) => id);
  t.same(idsOf("shop"), [1, 3, 5, 6]);
  t.same(idsOf("mill"), [2, 4, 5, 6, 7]);
  t.same(idsOf("none"), []);
  t.equal(idsOf("").length, events.length);
  t.end();
});

t.test("the chosen workspace can be chosen, also without agents", (t) => {
  t.same(workspacesOf(agents, "shop"), ["mill", "shop"]);
  t.same(workspacesOf(agents, "old"), ["mill", "old", "shop"]);
  t.same(workspacesOf([{ id: "c", workspace: "" } as Instance], ""), []);
  t.end();
});
