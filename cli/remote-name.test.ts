/** Tests the names that are derived from URLs of git remotes, and the parser of git's configuration format. */
import t from "tap";

import { readGitConfig } from "./git-config.js";
import { reduceRemote } from "./remote-name.js";

const NAMES: readonly (readonly [url: string, name: string | undefined])[] = [
  ["https://github.com/acme/trucks", "github.com/acme/trucks"],
  ["https://github.com/acme/trucks.git", "github.com/acme/trucks"],
  ["https://github.com/acme/trucks.git/", "github.com/acme/trucks"],
  ["https://github.com/acme/trucks//", "github.com/acme/trucks"],
  ["https://ana:s3cret@GitHub.COM:8443/Acme/Trucks.git", "github.com/Acme/Trucks"],
  ["http://github.com/acme/trucks/.git", "github.com/acme/trucks"],
  ["https://ana@corp@git.example/a.git", "git.example/a"],
  ["HTTPS://Git.Example/a", "git.example/a"],
  ["https://git.example/", "git.example"],
  ["https://git.example:443", "git.example"],
  ["ssh://git@git.example:2222/acme/trucks.git", "git.example/acme/trucks"],
  ["git+ssh://git@git.example/~ana/trucks", "git.example/~ana/trucks"],
  ["ssh://git@[2001:DB8::1]:22/acme/trucks.git", "[2001:db8::1]/acme/trucks"],
  ["git://git.example/trucks.git", "git.example/trucks"],
  ["git@GitHub.com:acme/trucks.git", "github.com/acme/trucks"],
  ["git@github.com:acme/trucks.git/", "github.com/acme/trucks"],
  ["github.com:/acme/trucks", "github.com/acme/trucks"],
  ["[git@git.example:2222]:acme/trucks.git", "git.example/acme/trucks"],
  ["git@[2001:db8::1]:acme/trucks.git", "[2001:db8::1]/acme/trucks"],
  ["work:trucks", "work/trucks"],
  ["git@bücher.example:größe/übung.git", "bücher.example/größe/übung"],
  ["codecommit::us-east-1://trucks", "trucks"],
  ["/srv/git/trucks.git", "trucks"],
  ["/srv/git/trucks.git/", "trucks"],
  ["/home/ana/trucks/.git", "trucks"],
  ["../trucks.git", "trucks"],
  ["./a:b/trucks", "trucks"],
  ["/srv/größe/übung.git", "übung"],
  ["file:///srv/git/trucks.git/", "trucks"],
  ["file://server/share/trucks.git", "trucks"],
  ["file:///C:/git/trucks.git", "trucks"],
  [String.raw`C:\git\trucks.git`, "trucks"],
  ["c:/git/trucks.git/", "trucks"],
  [String.raw`\\server\share\trucks.git`, "trucks"],
  ["/", undefined],
  ["..", undefined],
  [".", undefined],
  ["", undefined],
  ["C:", undefined],
  ["file:///", undefined],
];

t.test("a remote is reduced to host and path, and a local one to its last segment", (t) => {
  for (const [url, name] of NAMES) t.equal(reduceRemote(url), name, url);
  t.end();
});

const CONFIG = String.raw`
; a comment
[core]
	bare = false
	worktree = ../../../sub # a comment
[remote "other"] url = https://other.example/a
[Remote "origin"]
	fetch = +refs/heads/*:refs/remotes/origin/*
	URL = "https://git.example/a;b#c" ; a comment
	url = https://second.example/
	pushurl = https://push.example/
[remote "Origin"]
	url = https://another.example/
[a "b\"c\\d"] e = f\
g\
  "h  "i
[flag]
	on
`;

t.test("git's configuration is read, with quotes, comments and lines that continue", (t) => {
  const value = readGitConfig(CONFIG);
  t.equal(value("core.worktree"), "../../../sub");
  t.equal(value("remote.origin.url"), "https://git.example/a;b#c", "the first one");
  t.equal(value("remote.other.url"), "https://other.example/a", "behind the section's header");
  t.equal(value(String.raw`a.b"c\d.e`), "fg  h  i");
  t.equal(value("flag.on"), undefined, "a variable without a value");
  t.equal(value("core.nothing"), undefined);
  t.equal(readGitConfig(CONFIG.replaceAll("\n", "\r\n"))("core.worktree"), "../../../sub", "with CRLF");
  t.equal(readGitConfig("")("a.b"), undefined);
  t.end();
});
