// Drives the public MCP client of revision 2026-07-28 for stateless_test.go: it
// connects, lists, makes three calls one after the other, and prints what came.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const [, , url, token] = process.argv;
const client = new Client({ name: "hurried", version: "1.0" }, { versionNegotiation: { mode: "auto" } });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } }));
const tools = (await client.listTools()).tools.map((t) => t.name);
const call = (name, args) => client.callTool({ name, arguments: args });
const read = await call("read_file", { region: "eu-wést", n: 42 });
const write = await call("write_file", { path: "/a" });
const drop = await call("drop_all", {});
console.log(JSON.stringify({ revision: client.getNegotiatedProtocolVersion(), tools, read, write, drop }));
await client.close();
process.exit(0);
