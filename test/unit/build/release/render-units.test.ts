import { describe, expect, it } from "vitest";
import { describeService } from "../../../../src/build/release/describe-service.ts";
import { renderUnits } from "../../../../src/build/release/render-units.ts";
import type { Service } from "../../../../src/release/service-schema.ts";

const service = {
  user: "brain",
  description: "Thinks",
  type: "exec",
  arguments: [],
  directories: [],
  memory: "75%",
  tasks: 512,
  healthWindow: 30,
  healthSettle: 3,
  activateTimeout: 600,
  snapshot: false,
  exposure: "public",
} satisfies Service;
const render = (changes: Partial<Service> = {}) =>
  renderUnits({ binary: "brain", gantry: "0.1.0", service: { ...service, ...changes } }, "test-brain-v0.1.0");

/** The settings of a unit file as systemd.syntax(7) reads them: sections, comments, one assignment a line. */
function parseUnit(text: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  let section = "";
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.endsWith("\\")) throw new Error(`continues: ${line}`);
    const heading = /^\[(\w+)\]$/.exec(line);
    if (heading !== null) section = heading[1] ?? "";
    else {
      const [, key = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (key === "") throw new Error(`neither a section nor a setting: ${line}`);
      settings.set(`${section}.${key}`, [...(settings.get(`${section}.${key}`) ?? []), value]);
    }
  }
  return settings;
}
const unit = (changes: Partial<Service> = {}) => parseUnit(render(changes)["systemd/brain.service"] ?? "");

describe("the unit", () => {
  it("runs the release's own script as its user", () => {
    const settings = unit({ arguments: ["serve", "--quiet"] });
    expect(settings.get("Service.ExecStart")).toEqual(["/opt/brain/current/brain serve --quiet"]);
    expect(settings.get("Service.User")).toEqual(["brain"]);
    expect(settings.get("Service.Type")).toEqual(["exec"]);
  });

  it("does not restart for a permanent error, and does for a temporary one", () => {
    const [codes = ""] = unit().get("Service.RestartPreventExitStatus") ?? [];
    expect(codes.split(" ")).toEqual(["64", "65", "66", "69", "70", "71", "73", "77", "78"]);
    expect(unit().get("Unit.StartLimitIntervalSec")).toEqual(["0"]);
  });

  it("has the variables and limits of the app", () => {
    const environment = { MODE: 'a "b" \\ 100%', EMPTY: "" };
    const settings = unit({ cpu: "150%", openFiles: 65_536, environment });
    expect(settings.get("Service.CPUQuota")).toEqual(["150%"]);
    expect(settings.get("Service.LimitNOFILE")).toEqual(["65536"]);
    const written = String.raw`"MODE=a \"b\" \\ 100%%" "EMPTY="`;
    expect(settings.get("Service.Environment")).toEqual(["HOME=%S/brain", written]);
  });

  it("starts the app among its data, or in the release", () => {
    const places = { data: "%S/brain", release: "/opt/brain/current" };
    expect(unit().get("Service.WorkingDirectory")).toEqual([places.data]);
    for (const workingDirectory of ["data", "release"] as const)
      expect(unit({ workingDirectory }).get("Service.WorkingDirectory")).toEqual([places[workingDirectory]]);
  });

  it("leaves out what is not set", () => {
    const settings = unit();
    for (const name of ["CPUQuota", "LimitNOFILE"]) expect(settings.has(`Service.${name}`)).toBe(false);
    expect(settings.get("Service.Environment")).toEqual(["HOME=%S/brain"]);
    expect(settings.has("Service.ReadWritePaths")).toBe(false);
    expect(settings.has("Unit.RequiresMountsFor")).toBe(false);
    expect(render()).not.toHaveProperty("systemd/brain.socket");
  });

  it("tells the app its port, and lets it have a privileged one", () => {
    const plain = unit({ port: 8080 });
    expect(plain.get("Service.Environment")).toContain("PORT=8080");
    expect(plain.get("Service.CapabilityBoundingSet")).toEqual([""]);
    expect(plain.get("Service.PrivateUsers")).toEqual(["yes"]);
    const privileged = unit({ port: 443 });
    expect(privileged.get("Service.AmbientCapabilities")).toEqual(["CAP_NET_BIND_SERVICE"]);
    expect(privileged.get("Service.PrivateUsers")).toEqual(["no"]);
    expect(parseUnit(render({ port: 443 })["systemd/brain.socket"] ?? "").get("Socket.ListenStream")).toEqual(
      ["443"],
    );
  });

  it("listens to other processes than the app only where it has to", () => {
    expect(unit().has("Service.NotifyAccess")).toBe(false);
    expect(unit({ type: "notify" }).get("Service.NotifyAccess")).toEqual(["all"]);
  });

  it("gives an app that says when it is ready as long as it asked for", () => {
    expect(unit({ type: "notify", healthWindow: 600 }).get("Service.TimeoutStartSec")).toEqual(["600"]);
    expect(unit({ healthWindow: 5 }).get("Service.TimeoutStartSec")).toEqual(["90"]);
  });

  it.each([
    ["a specifier", "100 % of %h", "100 %% of %%h"],
    ["a continuation", "ends in \\", "ends in"],
    ["a place", "about @USER@", "about @USER@"],
    ["a comment", "# not a comment", "# not a comment"],
  ])("takes %s in the description as text", (_, description, written) => {
    const settings = unit({ description });
    expect(settings.get("Unit.Description")).toEqual([written]);
    expect([...settings.keys()]).toEqual([...unit().keys()]);
    const user = (render({ description })["systemd/brain.sysusers"] ?? "")
      .split("\n")
      .find((line) => line.startsWith("u "));
    expect(user).toMatch(/^u brain - "[^"\\:]*" \/var\/lib\/brain$/);
  });

  it.each([
    ["a space", "a b", '"a b"'],
    ["nothing", "", '""'],
    ["a quote", 'say "x"', '"say \\"x\\""'],
    ["a variable", "$HOME", '"$$HOME"'],
    ["a specifier", "%n", '"%%n"'],
    ["a backslash", "a\\", '"a\\\\"'],
    ["a command's end", ";", '";"'],
  ])("takes %s in an argument as text", (_, argument, written) => {
    expect(unit({ arguments: [argument] }).get("Service.ExecStart")).toEqual([
      `/opt/brain/current/brain ${written}`,
    ]);
  });

  it("is not made for a target without systemd", () => {
    expect(renderUnits({ binary: "brain", gantry: "0.1.0" }, "test-brain-v0.1.0")).toEqual({});
  });
});

describe("the service of an app", () => {
  const { user: _, description: __, ...settings } = service;
  const describeApp = (binary: string, description?: string) =>
    describeService({
      name: "@scope/app",
      packageJson: description === undefined ? {} : { description },
      settings: { binary, service: settings },
    });

  it.each([
    ["brain", "brain"],
    ["My.App", "my-app"],
    ["7zip", "_7zip"],
    ["backup", "_backup"],
    ["root", "_root"],
    ["systemd-thing", "_systemd-thing"],
    ["a".repeat(40), "a".repeat(31)],
  ])("%s runs as %s", (binary, user) => {
    expect(describeApp(binary).user).toBe(user);
  });

  it("says whether its user was named, and so may be one that the host has", () => {
    expect(describeApp("brain")).not.toHaveProperty("userNamed");
    const named = describeService({
      name: "app",
      packageJson: {},
      settings: { binary: "brain", service: { ...settings, user: "brain" } },
    });
    expect(named).toMatchObject({ user: "brain", userNamed: true });
  });

  it("is described by the package, on one line", () => {
    expect(describeApp("app", "Thinks\n  a lot").description).toBe("Thinks a lot");
    expect(describeApp("app").description).toBe("@scope/app");
  });
});
