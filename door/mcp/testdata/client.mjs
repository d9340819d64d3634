// Drives the public MCP client for client_test.go: one JSON command a line on
// standard input, one JSON answer a line on standard output.
import { createInterface } from "node:readline";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

let client, transport;
const aborts = new Map();
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const verbs = {
  async connect({ url, token, name }) {
    client = new Client({ name, version: "1.0" });
    client.onerror = () => {}; // a broken stream is what some tests are about
    transport = new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    });
    await client.connect(transport);
    return { server: client.getServerVersion(), instructions: client.getInstructions(), session: transport.sessionId };
  },
  list: () => client.listTools(),
  ping: () => client.ping(),
  read: ({ uri }) => client.readResource({ uri }),
  call({ n, tool, args, progress }) {
    const abort = new AbortController();
    aborts.set(n, abort);
    const options = { signal: abort.signal, timeout: 50_000 };
    if (progress) options.onprogress = (p) => say({ n, progress: p });
    return client.callTool({ name: tool, arguments: args }, undefined, options);
  },
  abort({ of }) {
    aborts.get(of).abort("no longer needed");
    return {};
  },
  async close() {
    await transport.terminateSession();
    await client.close();
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  Promise.resolve()
    .then(() => verbs[command.do](command))
    .then((ok) => say({ n: command.n, ok }))
    .catch((e) => say({ n: command.n, error: { code: e.code ?? null, message: String(e.message), data: e.data ?? null } }));
}
process.exit(0);
