import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  BUNDLE,
  describeBoth,
  expectBundle,
  expectFinding,
  SECRET,
  sendBundle,
} from "../../support/mirror/bench.ts";
import { unusedPort } from "../../support/mirror/servers.ts";

describeBoth("reaching a mirror", (bench) => {
  it("follows redirects with the credentials at home", async () => {
    const other = await bench.serve(sendBundle);
    const server = await bench.serve((request, answer) => {
      if (request.url === "/b") answer.writeHead(302, { location: "/c" }).end();
      else answer.writeHead(307, { location: `http://x:y@127.0.0.1:${other.port}/d?sig=${SECRET}` }).end();
    });
    expectBundle(await bench.run(`http://me:${SECRET}@127.0.0.1:${server.port}/b`));
    const basic = `Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`;
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([basic, basic]);
    expect(other.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it("does not follow circles, other protocols, or a way out of TLS", async () => {
    const server = await bench.serve((request, answer) => {
      answer.writeHead(302, { location: request.url === "/ftp" ? "ftp://a/b" : "/circle" }).end();
    });
    const address = `http://127.0.0.1:${server.port}`;
    expectFinding(await bench.run(`${address}/circle`), "NETWORK_FAILED", /redirects in circles/);
    expectFinding(await bench.run(`${address}/ftp`), "NETWORK_FAILED", /no web address/);
    const secure = await bench.serve(
      (_, answer) => answer.writeHead(302, { location: "http://localhost/b" }).end(),
      bench.certificate,
    );
    const outcome = await bench.run(`https://localhost:${secure.port}/b`, {
      environment: { NODE_EXTRA_CA_CERTS: bench.authority.file },
    });
    expectFinding(outcome, "NETWORK_FAILED", /redirects to localhost without encryption/);
  });

  it("authenticates by token and by netrc, and refuses a netrc that others can read", async () => {
    const server = await bench.serve((request, answer) => {
      if (request.headers.authorization === undefined) answer.writeHead(401).end();
      else sendBundle(request, answer, 1);
    });
    const address = `http://127.0.0.1:${server.port}/b`;
    expectBundle(await bench.run(address, { environment: { GANTRY_TOKEN: SECRET } }));
    bench.clear();
    const netrc = join(bench.work, "my-netrc");
    writeFileSync(netrc, `machine 127.0.0.1 login me password ${SECRET}\n`, { mode: 0o600 });
    expectBundle(await bench.run(address, { environment: { NETRC: netrc } }));
    bench.clear();
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${SECRET}`,
      `Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`,
    ]);
    chmodSync(netrc, 0o644);
    const outcome = await bench.run(address, { environment: { NETRC: netrc } });
    const finding = expectFinding(outcome, "PERMISSION_DENIED", /can be read or changed by others/);
    expect(finding?.fix).toBe(`chmod 600 ${netrc}`);
  });

  it("trusts the authorities it is told of, by either variable, and no others", async () => {
    const server = await bench.serve(sendBundle, bench.certificate);
    const address = `https://localhost:${server.port}/b`;
    for (const name of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"]) {
      expectBundle(await bench.run(address, { environment: { [name]: bench.authority.file } }));
      bench.clear();
    }
    expectFinding(
      await bench.run(address),
      "NETWORK_FAILED",
      /issued by an authority that is not known here/,
    );
    const gone = await bench.run(address, { environment: { NODE_EXTRA_CA_CERTS: join(bench.work, "none") } });
    expectFinding(gone, "CONFIG_INVALID", /^NODE_EXTRA_CA_CERTS names a file that cannot be read$/);
  });

  it("tells an expired certificate, another host's and a server without TLS apart", async () => {
    const environment = { NODE_EXTRA_CA_CERTS: bench.authority.file };
    const expired = await bench.serve(sendBundle, bench.authority.expired);
    const foreign = await bench.serve(sendBundle, bench.authority.elsewhere);
    const plain = await bench.serve(sendBundle);
    const first = await bench.run(`https://localhost:${expired.port}/b`, { environment });
    expectFinding(first, "NETWORK_FAILED", /expired, or this machine's clock is wrong/);
    const second = await bench.run(`https://localhost:${foreign.port}/b`, { environment });
    expectFinding(second, "NETWORK_FAILED", /^the certificate that localhost:\d+ shows is for another host$/);
    const third = await bench.run(`https://localhost:${plain.port}/b`, { environment });
    expectFinding(third, "NETWORK_FAILED", /does not speak TLS/);
  });

  it("goes through a proxy for http and https with its login, and obeys NO_PROXY", async () => {
    const plain = await bench.serve(sendBundle);
    const secure = await bench.serve(sendBundle, bench.certificate);
    const way = await bench.proxy(`me:${SECRET}`);
    const environment = {
      http_proxy: `http://me:${SECRET}@127.0.0.1:${way.port}`,
      HTTPS_PROXY: `http://me:${SECRET}@127.0.0.1:${way.port}`,
      NO_PROXY: "localhost, .internal",
      NODE_EXTRA_CA_CERTS: bench.authority.file,
    };
    expectBundle(await bench.run(`http://mirror.test:${plain.port}/b`, { environment }));
    bench.clear();
    expectBundle(await bench.run(`https://mirror.test:${secure.port}/b`, { environment }));
    bench.clear();
    expect(way.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET http://mirror.test:${plain.port}/b`,
      `CONNECT mirror.test:${secure.port}`,
    ]);
    expectBundle(await bench.run(`https://localhost:${secure.port}/b`, { environment }));
    expect(way.seen).toHaveLength(2);
    // The proxy's login is the proxy's alone.
    expect(secure.seen[0]?.headers).not.toHaveProperty("proxy-authorization");
  });

  it("says when the proxy is what fails", async () => {
    const secure = await bench.serve((_, answer) => answer.end(BUNDLE), bench.certificate);
    const way = await bench.proxy(`me:${SECRET}`);
    for (const address of [`https://mirror.test:${secure.port}/b`, `http://mirror.test:${secure.port}/b`]) {
      const proxied = `http://me:wrong@127.0.0.1:${way.port}`;
      const outcome = await bench.run(address, {
        environment: { HTTPS_PROXY: proxied, HTTP_PROXY: proxied },
      });
      expectFinding(outcome, "PERMISSION_DENIED", /^the proxy 127\.0\.0\.1:\d+ wants credentials/);
    }
    const nothing = `http://127.0.0.1:${await unusedPort()}`;
    const outcome = await bench.run(`https://mirror.test/b`, { environment: { HTTPS_PROXY: nothing } });
    expectFinding(outcome, "NETWORK_FAILED", /^mirror\.test \(through the proxy 127\.0\.0\.1:\d+\) refuses/);
    const socks = await bench.run("https://mirror.test/b", {
      environment: { HTTPS_PROXY: `socks5://a:${SECRET}@b` },
    });
    expectFinding(
      socks,
      "CONFIG_INVALID",
      /^HTTPS_PROXY is "socks5:\/\/\*\*\*@b", which is no http or https/,
    );
  });
});
