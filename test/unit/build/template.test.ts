import { expect, it } from "vitest";
import { fillPlaces, readTemplate } from "../../../src/build/template.ts";
import { findingsOf } from "../../support/build/scratch.ts";

it("fills places, and removes the lines of those that have no value", () => {
  const text = "name=@NAME@\nport=@PORT@\nend\n";
  expect(fillPlaces(text, { NAME: "brain", PORT: undefined }, "x.sh")).toBe("name=brain\nend\n");
});

it.each([
  ["a place that it does not know", () => fillPlaces("@NEW@", { OLD: "1" }, "x.sh"), /x\.sh asks for NEW/],
  [
    "a template that is not there",
    () => readTemplate("templates/none.sh"),
    /templates\/none\.sh is not there/,
  ],
])("says that dist/ may be old for %s", async (_, call, what) => {
  const [finding] = await findingsOf(async () => call());
  expect(finding).toMatchObject({ code: "INTERNAL", what: expect.stringMatching(what) });
  expect(finding?.fix).toContain("npm run build");
});
