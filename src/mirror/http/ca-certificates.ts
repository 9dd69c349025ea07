/**
 * Reads the CA certificates that are trusted. NODE_EXTRA_CA_CERTS adds to the runtime's own, as in Node. SSL_CERT_FILE
 * replaces them, as in OpenSSL and curl. Both are read here because no runtime does both: Node ignores SSL_CERT_FILE
 * without a flag. An unreadable file is an error.
 */
import { rootCertificates } from "node:tls";
import { GantryError } from "../../base/errors.ts";
import type { Environment } from "../../base/environment.ts";
import { readRegularFile } from "../../base/files/index.ts";

/** Matches one certificate; some runtimes read only the first one of a string. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * @returns the PEM certificates to trust; undefined when neither variable is set
 * @throws GantryError CONFIG_INVALID
 */
export function readCaCertificates(environment: Environment): readonly string[] | undefined {
  const extra = environment["NODE_EXTRA_CA_CERTS"] ?? "";
  const whole = environment["SSL_CERT_FILE"] ?? "";
  if (extra === "" && whole === "") return undefined;
  return [
    ...(whole === "" ? rootCertificates : readCertificates("SSL_CERT_FILE", whole)),
    ...(extra === "" ? [] : readCertificates("NODE_EXTRA_CA_CERTS", extra)),
  ];
}

function readCertificates(variable: string, path: string): readonly string[] {
  const found = readText(variable, path).match(CERTIFICATE);
  if (found !== null) return found;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `${variable} names a file that holds no certificate in PEM form`,
    where: path,
    fix: "convert it with openssl x509, or unset the variable",
  });
}

function readText(variable: string, path: string): string {
  try {
    return readRegularFile(path).toString("latin1");
  } catch {
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: `${variable} names a file that cannot be read`,
      where: path,
      fix: "correct the path, or unset the variable",
    });
  }
}
