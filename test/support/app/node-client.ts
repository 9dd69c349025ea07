// Starts the sample app on Node, however it was built, and asks it things over HTTP.
import assert from "node:assert/strict";
import { join } from "node:path";
import { startServer, type BrainOptions, type RunningServer } from "./brain-client.ts";

/** Starts a release, or the command that is given, on a free port. */
export function startNodeBrain(
  release: string | readonly string[],
  options: BrainOptions,
): Promise<RunningServer> {
  const command = typeof release === "string" ? [join(release, "node-brain")] : release;
  const env = { ...options.env, PORT: "0" };
  return startServer(command, { ...options, env }, /^node-brain listening on (http:\/\/\S+)\n/m);
}

const USER = { name: "harbour", password: "correct horse" };

/** Everything it must get right; throws an AssertionError otherwise. `fresh` when nothing is stored yet. */
export async function exerciseNodeBrain(url: string, { fresh }: { readonly fresh: boolean }): Promise<void> {
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(path, url), init);
    return { status: response.status, text: await response.text() };
  };
  const health = await ask("/api/health");
  assert.deepEqual(JSON.parse(health.text), { status: "ok", users: fresh ? 0 : 1 });
  const page = await ask("/");
  assert.match(page.text, /<h1>node-brain<\/h1>/);
  const created = await ask("/api/users", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(USER),
  });
  assert.equal(created.status, fresh ? 201 : 409);
  const basic = (password: string) => `Basic ${Buffer.from(`${USER.name}:${password}`).toString("base64")}`;
  const authorization = basic(USER.password);
  assert.equal((await ask("/api/notes", { headers: { authorization: basic("wrong one") } })).status, 401);
  if (fresh) {
    const added = await ask("/api/notes", {
      method: "POST",
      headers: { authorization },
      body: "höher, 係留",
    });
    assert.deepEqual({ ...added, text: JSON.parse(added.text) as unknown }, { status: 201, text: { id: 1 } });
  }
  const notes = await ask("/api/notes", { headers: { authorization } });
  assert.deepEqual(JSON.parse(notes.text), { notes: [{ id: 1, text: "höher, 係留" }] });
}
