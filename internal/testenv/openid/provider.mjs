// Runs an OpenID provider on loopback: node provider.mjs NODE_MODULES, with its
// clients as JSON on standard input. It prints its issuer, and ends with the input.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules] = process.argv.slice(2);
const found = createRequire(modules + "/").resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(found).href);

const said = (async function* () {
  let text = "";
  for await (const chunk of process.stdin) {
    text += chunk;
    for (let end; (end = text.indexOf("\n")) >= 0; text = text.slice(end + 1)) yield text.slice(0, end);
  }
})();
const { clients, lifetime } = JSON.parse((await said.next()).value);

const server = createServer((req, res) => provider.callback()(req, res));
await new Promise((up) => server.listen(0, "127.0.0.1", up));
const issuer = `http://127.0.0.1:${server.address().port}`;
const { generateKeyPairSync } = await import("node:crypto");
const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const provider = new Provider(issuer, {
  clients: (clients ?? []).map((c) => ({ redirect_uris: [], response_types: [], grant_types: ["client_credentials"], id_token_signed_response_alg: "ES256", ...c })),
  jwks: { keys: [{ ...jwk, use: "sig", alg: "ES256", kid: "of-this-run" }] },
  scopes: ["mcp", "write"],
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
  ttl: { ClientCredentials: lifetime || 300 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_, resource) => ({
        scope: "mcp write", audience: resource, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
});
console.log(issuer);
for await (const _ of said);
process.exit(0);
