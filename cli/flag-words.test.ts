/** Tests that the server's error messages are rewritten in the terms of the command line. */
import t from "tap";

import { adviceFor, inFlagWords } from "./flag-words.js";

t.test("headers and members become flags, values stay", (t) => {
  const sentences: readonly (readonly [server: string, user: string])[] = [
    [
      "this needs an instance: send X-Koor-Instance or its token",
      "this needs an instance: set KOOR_INSTANCE, or run koor register NAME --save",
    ],
    ["X-Koor-Fence must be a positive whole number", "--fence must be a positive whole number"],
    ["Content-Type is longer than 256 bytes", "--content-type is longer than 256 bytes"],
    ["ttl_s must be at least 1", "--ttl must be at least 1"],
    ["expires_in_s must be at least 1", "--expires must be at least 1"],
    ["if_version must be a whole number", "--if-version must be a whole number"],
    ["fence is required", "--fence is required"],
    ["limit must be from 1 to 1000", "--limit must be from 1 to 1000"],
    ["key not found: ttl_s", "key not found: ttl_s"],
    ["title is required", "title is required"],
    ["nobody there: name:limit must be", "nobody there: name:limit must be"],
  ];
  for (const [server, user] of sentences) t.equal(inFlagWords(server), user);
  t.match(adviceFor("invalid or missing bearer token"), "KOOR_TOKEN");
  t.match(adviceFor("no such route"), "the server's address");
  t.match(adviceFor("nobody there: ben"), "name:NAME");
  t.match(adviceFor("nobody there: name:ben"), "koor instances list");
  t.match(adviceFor("nobody there: workspace:w"), "only active instances");
  t.equal(adviceFor("key not found: a"), "");
  t.end();
});
