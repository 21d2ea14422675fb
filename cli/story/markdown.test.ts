/**
 * Tests the text of a story: its maximum length, the events that it leaves out, and agents' texts that look like
 * Markdown.
 */
import t from "tap";
import { STORY_AGENTS_MAX, STORY_LINES_MAX } from "../../schemas/limits/story.js";
import { writeStory, type Story } from "./markdown.js";

const TIME = "2026-02-09T14:30:00.000Z";
const PERIOD = { from: "2026-02-09T00:00:00.000Z", to: "2026-02-10T00:00:00.000Z" };

function storyOf(events: Story["events"], more: Partial<Story> = {}): string[] {
  return writeStory({
    ...PERIOD,
    workspace: undefined,
    events: events.map((event, at) => ({ id: at + 1, created_at: TIME, source: "koor", ...event })),
    isCut: false,
    keptSince: undefined,
    instances: [],
    breaks: [],
    ...more,
  });
}

function leased(topic: string, id: number, name: string, more: object = {}): Story["events"][number] {
  const data = { lease_id: `lease-${id}`, holder: { id: name, name }, workspace: "w", resources: [`path:${id}.ts`] };
  return { topic, data: { ...data, task: null, reason: "", ...more } };
}

t.test("a long story has at most the lines of its limit, and says what it left out", (t) => {
  const events = Array.from({ length: 2_000 }, (_, at) => leased("lease.granted", at, `agent-${at % 100}`));
  const lost = Array.from({ length: 20 }, (_, at) => leased("lease.lost", at, "ana", { reason: "broken" }));
  const lines = storyOf([...events, ...lost]);
  t.ok(lines.length <= STORY_LINES_MAX, `${lines.length} lines`);
  t.ok(lines.length > STORY_LINES_MAX / 2, "the room is used");
  t.equal(lines.filter((line) => line.endsWith(": broken")).length, lost.length, "what matters is told first");
  const shown = lines.filter((line) => line.endsWith("held it")).length;
  t.equal(lines.at(-1), `Left out: ${events.length - shown} lease.granted.`);
  t.ok(lines.includes(`And ${101 - STORY_AGENTS_MAX} more agents.`));
  t.end();
});

t.test("a story says who broke a lease and why, and who failed at a task that is dead", (t) => {
  const broken = [1, 2, 3].map((id) => leased("lease.lost", id, "ana", { reason: "broken" }));
  const row = (id: number, actor: string, reason: string, outcome = "success") => ({
    resource: `lease-${id}`,
    actor,
    detail: JSON.stringify({ reason }),
    outcome,
  });
  const lines = storyOf(
    [
      ...broken,
      { topic: "task.dead", data: { task_id: "a", holder: { id: "2", name: "ben" }, reason: "it hangs" } },
      { topic: "task.dead", data: { task_id: "b", holder: null, reason: "" } },
      { topic: "evidence.recorded", data: { name: "", command: "x", exit_code: 0, task: "a", seen_by: "ci" } },
    ],
    {
      instances: [{ id: "2", name: "ben" }],
      breaks: [row(1, "2", "on *holiday*"), row(2, "", "because"), row(3, "2", "refused", "error")],
    },
  );
  const sentences = lines
    .filter((line) => line.startsWith("- "))
    .map((line) => line.slice("- 2026-02-09 14:30:00 ".length));
  t.same(sentences, [
    "ben failed at it, and it is dead: it hangs",
    "CI ran `x`: passed",
    "is dead",
    String.raw`ana lost it: broken by ben: on \*holiday\*`,
    "ana lost it: broken: because",
    "ana lost it: broken",
  ]);
  t.ok(lines.includes("| ben | 0 | 0 | 0 | 0 | 1 | 0 | 0 | 0 |"), "the failure counts");
  t.end();
});

t.test("texts of agents have no meaning in Markdown", (t) => {
  const name = "a\n# b | [c](d) <e> `f`";
  const lines = storyOf([
    leased("lease.lost", 1, name, { reason: "1\n- 2" }),
    { topic: "evidence.recorded", data: { name, command: "x `y`\n# z", exit_code: 1, task: null } },
  ]);
  const shown = "a \\# b \\| \\[c\\](d) \\<e\\> \\`f\\`";
  t.same(lines.slice(2), [
    "| agent | held | waited | lost | tasks done | failed | sent | was told | denied |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    `| ${shown} | 0 | 0 | 1 | 0 | 1 | 0 | 0 | 0 |`,
    "",
    "## Files",
    "",
    "### 1.ts",
    "",
    `- 2026-02-09 14:30:00 ${shown} lost it: 1 - 2`,
    "",
    "## Agents",
    "",
    `### ${shown}`,
    "",
    `- 2026-02-09 14:30:00 ${shown} ran \`x y # z\`: failed`,
  ]);
  t.end();
});

t.test("a story says what it could not read, and that nothing happened", (t) => {
  const lines = storyOf([{ topic: "other", data: {} }], { isCut: true, keptSince: TIME, workspace: "w" });
  t.same(lines, [
    `# ${PERIOD.from} to ${PERIOD.to}`,
    "",
    "Workspace: w",
    "",
    `Events before ${TIME} are no longer kept.`,
    "",
    "Only the first 1 events of the period were read.",
    "",
    "Nothing of note happened.",
  ]);
  t.end();
});

t.test("each event of note has its line, below what it is about", (t) => {
  const task = (topic: string, more: object = {}): Story["events"][number] => ({
    topic,
    data: { task_id: "t", title: "T", workspace: "w", holder: { id: "1", name: "ana" }, reason: null, ...more },
  });
  const lines = storyOf(
    [
      leased("lease.granted", 1, "ana", { task: "t" }),
      task("task.ready"),
      task("task.failed", { reason: "no disk" }),
      task("task.dead", { holder: null }),
      task("task.canceled", { holder: null }),
      task("task.input_required", { reason: "which?" }),
      task("task.blocked", { reason: "waits" }),
      task("task.unblocked"),
      task("task.done"),
      { topic: "evidence.recorded", data: { name: "ana", command: "npm test", exit_code: 0, task: "t" } },
      { topic: "radar.overlap", data: { paths: ["a.ts", "b.ts"] } },
      { topic: "radar.clear", data: { paths: ["a.ts", "b.ts"] } },
      { topic: "agent.stale", data: { name: "ben" } },
      { topic: "agent.denied", data: { instance: { name: "ben" }, holder: { name: "ana" }, path: "a.ts" } },
      { topic: "land.landed", source: "1", data: { branch: "tax", into: "main" } },
      { topic: "land.conflict", source: "1", data: { branch: "b", into: "main" } },
      leased("lease.waiting", 2, "ben"),
      leased("lease.released", 2, "ben"),
    ],
    { instances: [{ id: "1", name: "ana" }] },
  );
  const body = lines.slice(lines.indexOf("## Tasks")).filter((line) => line !== "");
  t.same(
    body.map((line) => line.replace("- 2026-02-09 14:30:00 ", "- ")),
    [
      "## Tasks",
      "### t: T",
      "- ana held it",
      "- ana failed at it: no disk",
      "- is dead",
      "- was canceled",
      "- ana asked a question: which?",
      "- is blocked: waits",
      "- can go on",
      "- ana finished it",
      "- ana ran `npm test`: passed",
      "## Files",
      "### a.ts, b.ts",
      "- two checkouts change it",
      "- two checkouts no longer change it",
      "### 2.ts",
      "- ben waited for it",
      "- ben stopped waiting",
      "## Agents",
      "### ben",
      "- ben fell silent",
      "- ben was denied a.ts, which ana holds",
      "### ana",
      "- ana landed tax into main",
      "- ana could not land b into main",
    ],
  );
  t.end();
});
