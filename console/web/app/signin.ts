import { post } from "./api";
import { sign } from "./passkey";
import type { Me } from "./admin";

// signIn opens a session with whichever passkey the reader picks.
export async function signIn(): Promise<Me> {
  return post<Me>("/v1/session", await sign("/v1/session/challenge", {}));
}
