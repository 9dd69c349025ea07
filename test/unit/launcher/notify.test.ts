/** What systemd would be told, as a program in systemd-notify's place gets it; test/hosts asks systemd itself. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openServiceStatus } from "../../../src/launcher/notify.ts";
import type { Reporter } from "../../../src/base/reporter.ts";

let directory = "";
let shown: string[] = [];
const reporter: Reporter = {
  step: (text) => void shown.push(text),
  progress: ({ bytes }) => void shown.push(`${bytes}`),
  warn: (text) => void shown.push(text),
  debug: (text) => void shown.push(text),
};

beforeEach(() => {
  shown = [];
  directory = mkdtempSync(join(tmpdir(), "gantry-notify-"));
  const script = `#!/bin/sh\necho "$NOTIFY_SOCKET $(env | wc -l) $*" >> '${directory}/log'\n`;
  writeFileSync(join(directory, "systemd-notify"), script);
  chmodSync(join(directory, "systemd-notify"), 0o755);
});
afterEach(() => rmSync(directory, { recursive: true }));

const environment = () => ({ PATH: `${directory}:/usr/bin:/bin`, NOTIFY_SOCKET: "/run/notify", SECRET: "1" });
const messages = () =>
  existsSync(join(directory, "log")) ? readFileSync(join(directory, "log"), "utf8").trim().split("\n") : [];
const told = () => messages().map((line) => /STATUS=(.*) EXTEND_TIMEOUT_USEC=120000000$/.exec(line)?.[1]);

it("sends the first step at once, the newest after a second, and an empty one last", async () => {
  const status = openServiceStatus(reporter, environment());
  status.reporter.step("installing 21 modules");
  for (let bytes = 0; bytes <= 1_000_000; bytes += 1000) {
    status.reporter.progress({ bytes, total: 1_000_000, current: "x" });
  }
  for (const limit = Date.now() + 10_000; told().length < 2 && Date.now() < limit;) await sleep(20);
  await status.close("");
  expect(told()).toEqual(["installing 21 modules", "installing 21 modules: 1.0 MB of 1.0 MB", ""]);
  expect(messages()[0]).toMatch(/^\/run\/notify /);
  // Everything else is shown as it was.
  expect(shown.length).toBe(1002);
});

it("says why there will be no start, on one line", async () => {
  const status = openServiceStatus(reporter, environment());
  await status.close("LIBC_TOO_OLD: x needs\nREADY=1");
  expect(told()).toEqual(["LIBC_TOO_OLD: x needs READY=1"]);
});

it("starts no process when there was nothing to tell", async () => {
  const status = openServiceStatus(reporter, environment());
  status.reporter.debug("no stamp");
  await status.close("");
  expect(messages()).toEqual([]);
});

it("says nothing after the last word", async () => {
  const status = openServiceStatus(reporter, environment());
  status.reporter.step("one");
  status.reporter.step("two");
  await status.close("");
  status.reporter.step("three");
  expect(told()).toEqual(["one", ""]);
});

it.each([
  ["there is no systemd to tell", { NOTIFY_SOCKET: "" }],
  ["there is no systemd-notify", { PATH: "/nonexistent" }],
])("does nothing where %s", async (_, change) => {
  const status = openServiceStatus(reporter, { ...environment(), ...change });
  status.reporter.step("one");
  await status.close("failed");
  expect(messages()).toEqual([]);
  expect(shown).toEqual(["one"]);
});

it("a systemd-notify that fails or cannot be executed stops nothing", async () => {
  writeFileSync(join(directory, "systemd-notify"), "#!/nonexistent\n");
  const status = openServiceStatus(reporter, environment());
  status.reporter.step("one");
  await status.close("failed");
  expect(shown).toEqual(["one"]);
});

it("runs no systemd-notify that others can change", async () => {
  chmodSync(join(directory, "systemd-notify"), 0o777);
  const status = openServiceStatus(reporter, environment());
  await status.close("a last word");
  expect(messages()).toEqual([]);
  chmodSync(join(directory, "systemd-notify"), 0o755);
  await openServiceStatus(reporter, environment()).close("a last word");
  expect(told()).toEqual(["a last word"]);
});
