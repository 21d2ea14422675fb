import t from "tap";
import { serverAddress } from "./server-address.js";

t.test("agents reach the server at its API's port", (t) => {
  const page = { origin: "http://build.example:9847", hostname: "build.example" };
  for (const [bind, address] of [
    ["localhost:9800", "http://localhost:9800"],
    ["127.0.0.1:9801", "http://127.0.0.1:9801"],
    ["[::1]:9800", "http://[::1]:9800"],
    ["0.0.0.0:9800", "http://build.example:9800"],
    ["[::]:9800", "http://build.example:9800"],
    [":9800", "http://build.example:9800"],
    ["", "http://build.example:9847"],
    ["/run/koor.sock", "http://build.example:9847"],
  ] as const)
    t.equal(serverAddress(bind, page), address, bind);
  t.end();
});
