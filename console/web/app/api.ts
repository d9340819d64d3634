import { keepTime } from "./clock";

// A Problem is a refusal (RFC 9457) as people are shown it: what happened, what
// to do next, and last the machine's word for it.
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint: string;
  constructor(status: number, code: string, detail: string, hint = "") {
    super(detail);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.hint = hint;
  }
}

// unreachable is the problem of a request that got no answer.
const unreachable = (method: string) =>
  new Problem(0, "unreachable", "the server does not answer",
    method === "GET" ? "look at the network, then try again" : "nobody can tell from here whether it arrived; look at History before you try again");

// problemOf is any failure as a Problem.
export function problemOf(e: unknown): Problem {
  if (e instanceof Problem) return e;
  return new Problem(0, "console_failed", e instanceof Error ? e.message : String(e), "load the page again");
}

export const aborted = (e: unknown): boolean => e instanceof DOMException && e.name === "AbortError";

async function call(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = { method, headers: { Accept: "application/json" }, cache: "no-store" };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { Accept: "application/json", "Content-Type": "application/json" };
  }
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (e) {
    throw aborted(e) ? e : unreachable(method);
  }
  keepTime(answer.headers.get("Date"));
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer: Response): Promise<Problem> {
  try {
    const p = (await answer.json()) as Partial<Record<"code" | "detail" | "title" | "hint", string>>;
    return new Problem(answer.status, p.code ?? `http_${answer.status}`, p.detail ?? p.title ?? "refused", p.hint);
  } catch {
    return new Problem(answer.status, `http_${answer.status}`, "the server answered with something that is not for this page", "load the page again");
  }
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> => (await call("GET", path, undefined, signal)).json() as Promise<T>;
export const getText = async (path: string): Promise<string> => (await call("GET", path)).text();
export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return parsed<T>(await call("POST", path, body));
}
export const put = async <T>(path: string, body: unknown): Promise<T> => parsed<T>(await call("PUT", path, body));
export async function remove<T = void>(path: string, body?: unknown): Promise<T> {
  return parsed<T>(await call("DELETE", path, body));
}
async function parsed<T>(answer: Response): Promise<T> {
  const text = await answer.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

// at makes a path of parts that may hold anything.
export const at = (...parts: readonly string[]): string => "/v1/" + parts.map(encodeURIComponent).join("/");
