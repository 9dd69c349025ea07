import { describe, expect, it } from "vitest";
import { parseNetrc } from "../../../src/mirror/http/netrc.ts";
import { planProxy } from "../../../src/mirror/http/proxy.ts";
import { parseRetryAfter } from "../../../src/mirror/http/request.ts";

describe("parseNetrc", () => {
  const text = [
    "# machine mirror.example login commented password out",
    "machine other.example login o password other",
    "macdef init",
    "machine mirror.example login macro password macro",
    "",
    "machine mirror.example",
    "\tlogin me",
    '  account ignored password "a \\"b\\" #c"',
    "machine late.example password only login l8",
    "default login anyone password at-all",
    "machine after.example login never password seen",
  ].join("\n");

  it.each([
    ["mirror.example", "me", 'a "b" #c'],
    ["MIRROR.example", "me", 'a "b" #c'],
    ["other.example", "o", "other"],
    ["late.example", "l8", "only"],
    ["unknown.example", "anyone", "at-all"],
    ["after.example", "anyone", "at-all"],
  ])("finds the entry of %s", (host, user, password) => {
    expect(parseNetrc(text, host)).toEqual({ user, password });
  });

  it("finds nothing where there is none", () => {
    expect(parseNetrc("machine a login b password c", "d")).toBeUndefined();
    expect(parseNetrc("", "d")).toBeUndefined();
    expect(parseNetrc("machine", "d")).toBeUndefined();
    expect(parseNetrc("macdef x\nmachine d login e password f", "d")).toBeUndefined();
  });
});

const plan = (url: string, environment: Record<string, string>) => planProxy(new URL(url), environment)?.href;

describe("planProxy", () => {
  it("chooses by the protocol, the small letters first", () => {
    expect(plan("https://a.example/", { HTTPS_PROXY: "http://p:1", HTTP_PROXY: "http://q:2" })).toBe(
      "http://p:1/",
    );
    expect(plan("http://a.example/", { HTTPS_PROXY: "http://p:1", HTTP_PROXY: "http://q:2" })).toBe(
      "http://q:2/",
    );
    expect(plan("https://a.example/", { HTTPS_PROXY: "http://p:1", https_proxy: "http://s:3" })).toBe(
      "http://s:3/",
    );
    expect(plan("https://a.example/", { HTTP_PROXY: "http://q:2" })).toBeUndefined();
    expect(plan("https://a.example/", { HTTPS_PROXY: "proxy:3128" })).toBe("http://proxy:3128/");
  });

  it.each([
    ["a.example", "*", "direct"],
    ["a.example", "b.example,a.example", "direct"],
    ["a.example", "b.example A.EXAMPLE", "direct"],
    ["x.a.example", "a.example", "direct"],
    ["x.a.example", ".a.example", "direct"],
    ["x.a.example", "*.a.example", "direct"],
    ["xa.example", "a.example", "proxy"],
    ["a.example", "a.example:443", "direct"],
    ["a.example", "a.example:8443", "proxy"],
    ["a.example:8443", "a.example:8443", "direct"],
    ["127.0.0.1", "127.0.0.1", "direct"],
    ["127.0.0.1", "localhost", "proxy"],
    ["[::1]", "::1", "direct"],
    ["[::1]", "[::1]", "direct"],
    ["[::1]", "[::1]:443", "direct"],
    ["[::1]", "[::1]:444", "proxy"],
    ["a.example", " , ", "proxy"],
  ])("reaches %s with NO_PROXY=%j by: %s", (host, list, way) => {
    const planned = plan(`https://${host}/`, { HTTPS_PROXY: "http://p:1", NO_PROXY: list });
    expect(planned).toBe(way === "direct" ? undefined : "http://p:1/");
  });
});

it("reads Retry-After in both its forms", () => {
  const now = Date.UTC(2026, 10, 21, 5, 0, 0);
  expect(parseRetryAfter(null, now)).toBeUndefined();
  expect(parseRetryAfter("3", now)).toBe(3000);
  expect(parseRetryAfter("Sat, 21 Nov 2026 05:00:07 GMT", now)).toBe(7000);
  expect(parseRetryAfter("Sat, 21 Nov 2026 04:00:00 GMT", now)).toBe(0);
  expect(parseRetryAfter("soon", now)).toBeUndefined();
});
