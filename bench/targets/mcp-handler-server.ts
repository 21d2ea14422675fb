/**
 * The reference server for MCP, a process of its own. It runs the handler of the protocol library, which makes a
 * server, a web request and a web response for each call, on the same HTTP library as Koor. Its single tool answers
 * from memory with the data that Koor reads.
 */
import { createMcpHandler, Server } from "@modelcontextprotocol/server";
import uWS from "uWebSockets.js";

const answer = process.argv[3] ?? "";

const handler = createMcpHandler(() => {
  const server = new Server({ name: "reference", version: "1" }, { capabilities: { tools: { listChanged: false } } });
  server.setRequestHandler("tools/list", () => ({ tools: [] }));
  server.setRequestHandler("tools/call", () => ({ content: [{ type: "text", text: answer }] }));
  return server;
});

const app = uWS.App();

app.get("/health", (res) => {
  res.end("{}");
});

app.post("/mcp", (res, req) => {
  const headers: [string, string][] = [];
  req.forEach((name, value) => headers.push([name, value]));
  const chunks: Buffer[] = [];
  let gone = false;
  res.onAborted(() => {
    gone = true;
  });
  res.onData((chunk, isLast) => {
    chunks.push(Buffer.from(new Uint8Array(chunk)));
    if (!isLast) return;
    const parsedBody = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
    void (async () => {
      const reply = await handler.fetch(new Request("http://localhost/mcp", { method: "POST", headers }), {
        parsedBody: parsedBody,
      });
      const text = await reply.text();
      if (gone) return;
      res.cork(() => {
        res
          .writeStatus(String(reply.status))
          .writeHeader("Content-Type", reply.headers.get("content-type") ?? "")
          .end(text);
      });
    })();
  });
});

app.listen("127.0.0.1", Number(process.argv[2]), (listening) => {
  if (listening === false) process.exit(1);
});
