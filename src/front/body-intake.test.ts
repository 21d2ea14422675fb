/** How many bodies are held back at once. What becomes of one is the transports' (held-body.test.ts). */
import t from "tap";
import { HELD_BODIES_BYTES_MAX, HELD_BODY_BYTES_MAX } from "../../schemas/limits.js";
import type { Exchange } from "../transport/transport.js";
import { BodyIntake } from "./body-intake.js";

/** A request with these headers, whose body can be held back and nothing else. */
function played(headers: Readonly<Record<string, string>>): Exchange & { readonly held: boolean } {
  const exchange = {
    held: false,
    header: (name: string) => headers[name] ?? "",
    holdBody: () => {
      exchange.held = true;
    },
  };
  return exchange as unknown as Exchange & { readonly held: boolean };
}

t.test("bodies are held back as far as there is room for what is on its way of them", (t) => {
  const rows: readonly (readonly [what: string, headers: Readonly<Record<string, string>>, bytes: number])[] = [
    ["long ones", { "content-length": "5000000" }, HELD_BODY_BYTES_MAX],
    ["of a length that nobody knows", { "transfer-encoding": "chunked" }, HELD_BODY_BYTES_MAX],
    ["short ones", { "content-length": "65536" }, 65_536],
  ];
  for (const [what, headers, bytes] of rows) {
    const bodies = new BodyIntake({ now: () => 0 });
    const releases: (() => void)[] = [];
    for (;;) {
      const exchange = played(headers);
      const release = bodies.hold(exchange);
      t.equal(exchange.held, release !== null, what);
      if (release === null) break;
      releases.push(release);
    }
    t.equal(releases.length, HELD_BODIES_BYTES_MAX / bytes, what);
    t.type(bodies.hold(played({})), "function", "those without one are none");
    releases[0]?.();
    t.type(bodies.hold(played(headers)), "function", `${what}: one more when one is let go`);
    t.equal(bodies.hold(played(headers)), null, what);
  }
  t.end();
});
