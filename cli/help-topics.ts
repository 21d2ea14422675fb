/**
 * The texts of `koor help TOPIC`. Each text explains briefly a subject that concerns many commands. docs/cli.md has the
 * details. Data only; loaded only by `help`.
 */
import type { HelpTopicName } from "./help-topic-names.js";

/** Returns the text of a topic. `program` is the name with which the program was called. */
export function formatTopic(topic: HelpTopicName, program: string): string {
  return HELP_TOPICS[topic].replace(/\bkoor (?=[a-z])/g, `${program} `);
}

/** The texts of the topics. formatTopic replaces `koor` by the name with which the program was called. */
export const HELP_TOPICS: Readonly<Record<HelpTopicName, string>> = {
  identity: `A command acts as an instance of an agent. The first of these names the instance:

  1. KOOR_INSTANCE, the id of an instance
  2. the session of the agent's client: KOOR_SESSION, or the variable that the client sets
  3. .koor/instance.json in this folder or above, up to the working tree of git

If there is none of them, a command acts as no instance. "koor register NAME --save" registers an instance and writes
the file. "koor whoami" shows the instance of commands here, and the source that names it.

  koor register ana --save
  koor whoami
  KOOR_INSTANCE=fce695c0-5b87-490d-8fb5-572c39a9f810 koor message list
`,
  settings: `\
A command needs the server's URL and, if the server asks for one, a token. The first source that has one counts:

  URL    1. --server             2. --context
         3. KOOR_SERVER          4. KOOR_CONTEXT
         5. the folder's file: .koor/settings.json here or above, else settings.json here
         6. koor init --join     7. .koor/project.json
         8. .koor/instance.json  9. the context that "koor context use" has chosen
         10. your own settings   11. http://localhost:9800
  token  --context, KOOR_TOKEN, KOOR_CONTEXT, the folder's file, the chosen context, your own settings, the instance

Your own settings are in ~/.config/koor/settings.json, and your contexts are in contexts.json next to it. A token goes
only to a server that you have named yourself, or that it was saved with. Several URLs, separated by commas, are the
servers of one cluster: any of them may answer.

  koor config set server http://localhost:9800
  koor config set --user token s3cret
  koor context use lan
  koor status --server http://a:9800,http://b:9800
`,
  globs: `Two kinds of patterns choose things by their names. Quote them, so that the shell does not expand them.

Resources of leases and tasks are divided by "/":
  *        any characters within one segment
  ?        one character within a segment
  **       as a whole segment: any number of segments, or none
  {ts,tsx} each of the alternatives
  A resource without wildcards also covers everything below it: path:lib covers lib/a.ts.

Topics of events are divided by ".":
  *        any characters within one segment; alone: every topic
  ?        one character within a segment
  **       one or more whole segments: build.** is build.done and build.web.done, but not build

  koor lease acquire 'path:src/orders/**'
  koor events subscribe 'build.**'
`,
  durations: `A duration is a number with a unit: 500ms, 90s, 10m, 1h30m. Every flag that takes a time takes a duration.

A flag with a point in time also takes a duration: for --from and --to the time before now, for --not-before the time
from now. For --wait of lists and for --expires, a number without a unit is in seconds.

  koor audit --from 2h
  koor audit --from 2026-02-09T14:30:00Z
  koor lease acquire deploy --ttl 30m --wait 1h30m
`,
  "exit-codes": `  0    success
  1    refused: the server refused the request, another agent holds the resource, or a check failed
  2    wrong usage, or a token that may not go to the server
  3    failed: the server could not be reached or failed, or a file could not be read or written
  124  koor wait: the time is up

"koor lease run" and "koor task work --once" pass on the exit code of their command.

  koor lease check src/a.ts || echo 'another agent edits it'
`,
  output: `\
The answer goes to stdout, errors and warnings go to stderr. If stdout is a pipe or a file, the answer is one line of
JSON. On a terminal a list is a table, and any other answer has a line for each member; times are relative to now.

  --json        JSON on a terminal, too
  --pretty      indented JSON
  --fields A,B  only these members: columns on a terminal, else JSON. A dot selects a nested member: holder.name
  --no-color    no colors; NO_COLOR=1 and TERM=dumb do the same

A table fits the width of the terminal. Columns that do not fit are left out, unless --fields names them.

  koor lease list --fields id,holder.name,expires_at
  koor task list --state ready --json | jq -r '.tasks[].id'
`,
  waiting: `\
"koor wait" waits for any of several conditions, and prints the first one that holds, with a cursor. The wait does not
poll, and costs a model no tokens. Exit code 124 says that the time is up.

  koor wait --message --task --timeout 10m
  koor wait --event 'build.*' --after CURSOR

--after with the cursor of the last answer continues there, so that nothing is missed. Other commands wait for one
thing:

  koor lease acquire deploy --wait 10m      until it is free
  koor task claim --wait 10m                until there is a task
  koor events subscribe 'build.**'          every event, until it is stopped
`,
  hooks: `\
"koor init" connects the clients of agents in a project to Koor. Their hooks ask the server before each edit, so that
no agent overwrites the work of another. "koor uninit" removes everything again.

  koor init --dry-run          print what would be written
  koor init --client claude    connect one client
  koor init --guard            also refuse commits that touch what others have leased
  koor doctor                  check the hooks, the server and this machine
`,
};
