// Drives a public MCP client for authorization_test.go: it is given nothing but the
// address of a resource and a client of the issuer, and finds the way by itself.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , modules, which, url, issuer, id, secret] = process.argv;
const load = (name) => import(pathToFileURL(createRequire(modules + "/").resolve(name)).href);
const parts = which === "sdk"
  ? await Promise.all(["client/index.js", "client/streamableHttp.js", "client/auth-extensions.js"].map((f) => load("@modelcontextprotocol/sdk/" + f)))
  : [await import(pathToFileURL(modules + "/@modelcontextprotocol/client/dist/index.mjs").href)];
const { Client, StreamableHTTPClientTransport, ClientCredentialsProvider } = Object.assign({}, ...parts);

const client = new Client({ name: "finder", version: "1.0" }, which === "sdk" ? {} : { versionNegotiation: { mode: "auto" } });
// The older client asks for no scope by itself, whatever the challenge says.
const scope = which === "sdk" ? { scope: "mcp" } : {};
const authProvider = new ClientCredentialsProvider({ clientId: id, clientSecret: secret, expectedIssuer: issuer, ...scope });
try {
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }));
  const tools = (await client.listTools()).tools.map((t) => t.name);
  const read = await client.callTool({ name: "read", arguments: {} });
  console.log(JSON.stringify({ tools, text: read.content[0].text, scope: (await authProvider.tokens()).scope }));
  await client.close();
} catch (e) {
  console.log(JSON.stringify({ error: `${e.name}: ${e.message}` }));
}
process.exit(0);
