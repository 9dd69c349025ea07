import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { shellWord } from "../../../src/base/text.ts";

it.each(["/srv/app", "my dir", "it's", "$(id) `id` \\", "*", "", "~"])(
  "%j is one word for a shell",
  (text) => {
    const printed = execFileSync("sh", ["-c", `printf '<%s>' ${shellWord(text)}`], { encoding: "utf8" });
    expect(printed).toBe(`<${text}>`);
  },
);

it("leaves plain paths as they are", () => {
  expect(shellWord("/srv/app-1.2.3+b/x_y")).toBe("/srv/app-1.2.3+b/x_y");
});
