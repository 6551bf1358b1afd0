// A provider of OpenID Connect on this machine, for the tests of signing in. It prints its issuer as its one line, and ends
// when its standard input does.
//
// Whoever comes is signed in at once, as the `login_hint` of the address says; nobody is asked for a password. What a test
// changes of it, it posts to /control:
//
//   /control/rotate          new keys in the place of the old ones
//   /control/hub?at=         the hub's origin, when it is known late
//   /control/sign?with=      how it signs from now on: RS256, or HS256 with the secret that the hub has too
//   /control/clock?shift_s=  the clock, ahead or (-) behind
//   /control/deny            the next who comes does not agree

import { createServer } from "node:http";
import { generateKeyPairSync, randomUUID } from "node:crypto";

import { Provider } from "oidc-provider";

const realNow = Date.now;
let shift_ms = 0;
Date.now = () => realNow() + shift_ms;

let redirect = process.env.REDIRECT_URI;

const server = createServer();
await new Promise((listening) => server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

let denies = false;
let algorithm = "RS256";
let provider;
let serve;

function rotate() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: "hub",
        client_secret: "a-secret-of-the-tests-that-is-long-enough-to-sign-with",
        redirect_uris: [redirect],
        id_token_signed_response_alg: algorithm,
      },
    ],
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "HS256"] },
    jwks: { keys: [key] },
    cookies: { keys: ["of the tests"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    ttl: { IdToken: 3600, AuthorizationCode: 60, AccessToken: 60, Grant: 3600, Session: 3600, Interaction: 600 },
    claims: { openid: ["sub"], email: ["email"] },
    // Everybody has the same address: it must make nobody the same.
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: "same@example.org", email_verified: true }),
    }),
    async loadExistingGrant(context) {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client.clientId,
        accountId: context.oidc.session.accountId,
      });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
  });
  serve = provider.callback();
}

async function interact(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const result = denies
    ? { error: "access_denied", error_description: "not today" }
    : { login: { accountId: params.login_hint ?? "somebody" } };
  denies = false;
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function control(address, response) {
  if (address.pathname === "/control/rotate") rotate();
  if (address.pathname === "/control/hub") {
    redirect = `${address.searchParams.get("at")}/sign-in/callback`;
    rotate();
  }
  if (address.pathname === "/control/sign") {
    algorithm = address.searchParams.get("with");
    rotate();
  }
  if (address.pathname === "/control/clock") shift_ms = Number(address.searchParams.get("shift_s")) * 1000;
  if (address.pathname === "/control/deny") denies = true;
  response.writeHead(204).end();
}

rotate();
server.on("request", (request, response) => {
  const address = new URL(request.url, issuer);
  if (address.pathname.startsWith("/control/")) return control(address, response);
  if (address.pathname.startsWith("/interaction/")) {
    interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
    return undefined;
  }
  return serve(request, response);
});

process.stdin.resume().on("end", () => process.exit()).on("error", () => process.exit());
console.log(issuer);
