/** Tests lists of servers in one text: the separator, invalid lists, and the removal of duplicates. */
import t from "tap";

import { CLI_SERVERS_MAX } from "../schemas/limits/cli.js";
import { joinServers, parseServers } from "./server-list.js";

t.test("one server, or several with commas between, are parsed", (t) => {
  for (const [text, joined] of [
    ["http://a:9800", "http://a:9800/"],
    ["http://a:9800,https://b/x", "http://a:9800/,https://b/x"],
    ["http://a, http://b,HTTP://c", "http://a/,http://b/,http://c/"],
    ["http://a,http://b,http://a/", "http://a/,http://b/"],
    ["http://a,http://a:80/", "http://a/"],
    ["http://a/x,y", "http://a/x,y"],
  ] as const) {
    const servers = parseServers(text);
    t.equal(servers && joinServers(servers), joined, text);
  }
  t.end();
});

t.test("other texts are refused", (t) => {
  const many = Array.from({ length: CLI_SERVERS_MAX + 1 }, (_, at) => `http://h${at}`);
  for (const text of ["", ",", "a", "a:9800,b:9800", "http://a:9800,b:9800", "http://a,http://u@b"])
    t.equal(parseServers(text), undefined, text);
  t.equal(parseServers(many.join(",")), undefined);
  t.equal(parseServers(many.slice(1).join(","))?.length, CLI_SERVERS_MAX);
  t.end();
});
