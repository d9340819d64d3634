import { post, Problem } from "./api";
import type { AskCeremony, CreateCeremony } from "./admin";

// A Signed is a credential as JSON; what is in it is for the server to read.
type Signed = ReturnType<PublicKeyCredential["toJSON"]>;

// What the browser's own dialogue can come to, said plainly.
function said(e: unknown, made: boolean): Problem {
  if (e instanceof Problem) return e;
  const name = e instanceof DOMException ? e.name : "";
  const nothing = made ? "no passkey was made" : "nothing was recorded";
  if (name === "NotAllowedError" || name === "AbortError") return new Problem(0, "passkey_not_used", `the passkey was not used, so ${nothing}`, "try again when you are ready");
  if (name === "InvalidStateError") return new Problem(0, "passkey_exists", "this device already holds a passkey of yours here", "use it, or make one on another device");
  if (name === "SecurityError") return new Problem(0, "passkey_address", "this address cannot use passkeys", "open the page under the address that the server names as its own");
  return new Problem(0, "passkey_failed", `the browser could not use the passkey: ${e instanceof Error ? e.message : String(e)}`, "try another browser or device");
}

function supported(): void {
  if (typeof PublicKeyCredential === "undefined" || !("parseRequestOptionsFromJSON" in PublicKeyCredential)) {
    throw new Problem(0, "passkey_unsupported", "this browser cannot use passkeys", "use a current Chrome, Edge, Firefox or Safari");
  }
}

// stopped fails as soon as the reader wants no signature any more: a browser may
// take its time to end a dialogue that it has just begun.
const stopped = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const stop = () => reject(new DOMException("stopped", "AbortError"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });

// sign has a passkey sign what the server asks for; the answer goes back to it.
export async function sign(path: string, about: unknown, signal?: AbortSignal): Promise<{ ceremony: string; credential: Signed }> {
  try {
    supported();
    const asked = await post<AskCeremony>(path, about);
    const how: CredentialRequestOptions = { publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.public_key) };
    if (signal) how.signal = signal;
    const credential = await Promise.race([navigator.credentials.get(how), ...(signal ? [stopped(signal)] : [])]);
    if (!(credential instanceof PublicKeyCredential)) throw new Problem(0, "passkey_not_used", "the browser gave no passkey", "try again");
    return { ceremony: asked.ceremony, credential: credential.toJSON() };
  } catch (e) {
    throw said(e, false);
  }
}

// make creates a passkey as a ceremony says.
export async function make(asked: CreateCeremony): Promise<Signed> {
  try {
    supported();
    const credential = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.public_key) });
    if (!(credential instanceof PublicKeyCredential)) throw new Problem(0, "passkey_not_used", "the browser made no passkey", "try again");
    return credential.toJSON();
  } catch (e) {
    throw said(e, true);
  }
}
