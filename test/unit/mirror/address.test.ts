import { describe, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import { isLoopback, openAddress } from "../../../src/mirror/address.ts";

function refusal(address: string) {
  try {
    openAddress(address);
  } catch (error) {
    return error instanceof GantryError ? error.findings[0] : error;
  }
  return undefined;
}

describe("openAddress", () => {
  it.each(["/srv/a.tar.zst", "a.tar.zst", "./oci:thing", "C:x", ""])("takes %j for a path", (path) => {
    expect(openAddress(path)).toEqual({ kind: "file", path });
  });

  it("reads file addresses", () => {
    expect(openAddress("file:///srv/a%20b.zst")).toEqual({ kind: "file", path: "/srv/a b.zst" });
    expect(refusal("file://elsewhere/a")).toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("takes the login out of a web address", () => {
    const address = openAddress("https://me:p%40ss@mirror.example:8443/a/b?x=1#y");
    expect(address).toMatchObject({ kind: "web", login: { user: "me", password: "p@ss" } });
    expect(address.kind === "web" && address.url.href).toBe("https://mirror.example:8443/a/b?x=1");
    expect(openAddress("HTTP://mirror.example/a")).toMatchObject({ kind: "web", login: undefined });
  });

  it.each([
    ["oci://registry.example/team/brain:1.0", "https://registry.example", "team/brain", "1.0"],
    ["oci://registry.example:443/brain:1.0", "https://registry.example", "brain", "1.0"],
    ["oci://localhost:5000/brain:v1", "http://localhost:5000", "brain", "v1"],
    ["oci://127.0.0.1:443/brain:v1", "http://127.0.0.1:443", "brain", "v1"],
    ["oci://[::1]:5000/brain:v1", "http://[::1]:5000", "brain", "v1"],
    ["oci+http://registry.lan/brain:v1", "http://registry.lan", "brain", "v1"],
    [
      `oci://registry.example/brain@sha256:${"a".repeat(64)}`,
      "https://registry.example",
      "brain",
      `sha256:${"a".repeat(64)}`,
    ],
  ])("reads %s", (text, origin, repository, reference) => {
    const address = openAddress(text);
    expect(address).toMatchObject({ kind: "registry", repository, reference, login: undefined });
    expect(address.kind === "registry" && address.origin.origin).toBe(origin);
  });

  it.each([
    "oci://registry.example/brain",
    "oci://registry.example/Brain:1.0",
    "oci://registry.example/a/../b:1.0",
    "oci://registry.example/brain:",
    "oci://registry.example/brain@sha256:12",
    "oci://registry.example/:1",
    "oci:///brain:1",
    "https://",
    "ftp://mirror.example/a",
    "s3://bucket/a",
  ])("refuses %s", (address) => {
    expect(refusal(address)).toMatchObject({ code: "CONFIG_INVALID", where: address });
  });

  it("shows no password, however wrong the address is", () => {
    for (const address of [
      "https://me:pa/ss@host/x",
      "ftp://me:pass@host/x",
      "oci://me:pa@ss@registry.example/Brain",
    ]) {
      expect(JSON.stringify(refusal(address))).not.toMatch(/pa\/?@?ss/);
    }
  });
});

it("knows which hosts are this machine", () => {
  expect(["localhost", "a.localhost", "127.0.0.1", "127.3.2.1", "[::1]"].every(isLoopback)).toBe(true);
  expect(["localhost.example", "128.0.0.1", "127.0.0.1.example", "[::2]"].some(isLoopback)).toBe(false);
});
