import { expect, expectTypeOf, test } from "vitest";
import { hideLogin, hideLogins, type RedactedUrl, showAddress, showHost } from "../../../src/base/redact.ts";

test("one address loses its login, whatever the password holds, and its query", () => {
  expect(hideLogin("https://a:b@host/x?sig=1")).toBe("https://***@host/x?…");
  expect(hideLogin("https://a:p/w@x@host/y")).toBe("https://***@host/y");
  expect(hideLogin("oci://host/app@sha256:00")).toBe("oci://host/app@sha256:00");
  expect(hideLogin("./a@b")).toBe("./a@b");
  expect(showAddress(new URL("https://host/x?sig=1"))).toBe("https://host/x?…");
});

test("only these functions make what a message takes: a raw address is no RedactedUrl", () => {
  expectTypeOf<string>().not.toExtend<RedactedUrl>();
  expectTypeOf<URL["href"]>().not.toExtend<RedactedUrl>();
  expectTypeOf(hideLogin).returns.toEqualTypeOf<RedactedUrl>();
  expect(showHost(new URL("http://a:b@proxy:3128/"))).toBe("proxy:3128");
});

test("every address of a text loses its login, and the rest of the text stays", () => {
  expect(hideLogins('GET "https://a:b@one/x" and https://c@two/@scope/y: 404')).toBe(
    'GET "https://***@one/x" and https://***@two/@scope/y: 404',
  );
});
