/** A keyring: the keys that may sign the releases of a service. key-succession.ts changes it. Pure. */
import { GantryError } from "../../base/errors.ts";
import { encodePublicKey, formatKeyId, parsePublicKey, parseSignature } from "./minisign.ts";

export interface Keyring {
  /**
   * Public keys as lines that begin with RW: a release needs a signature by one of them. Empty when none is pinned.
   * Revoked keys stay in the list, so that a service whose only key is revoked does not become one without a key.
   */
  readonly pinned: readonly string[];
  /** Keys that are never trusted again. */
  readonly revoked: readonly string[];
}

/** The keys that may sign: pinned and not revoked. */
export function trustedKeys({ pinned, revoked }: Keyring): string[] {
  return pinned.filter((key) => !revoked.includes(key));
}

/**
 * The trusted key of a keyring that a signature names. The signature itself is not verified here.
 * @param where the signature's file, for messages
 * @throws GantryError SIGNATURE_INVALID when the signature names another key, or a revoked one
 */
export function requireSigner(ring: Keyring, signature: string, where: string): string {
  const signer = signerOf(signature, where);
  const found = trustedKeys(ring).find((key) => keyIdOf(key) === signer);
  if (found !== undefined) return found;
  const ids = trustedKeys(ring).map(keyIdOf);
  const trusted = ids.length === 0 ? "no key is trusted any more" : `the key to trust is ${ids.join(" or ")}`;
  const isRevoked = ring.revoked.some((key) => keyIdOf(key) === signer);
  throw new GantryError({
    code: "SIGNATURE_INVALID",
    what: `signed with key ${signer}, ${isRevoked ? "which is revoked" : `and ${trusted}`}`,
    where,
    fix: "take the release and its signature from their publisher again; a new key comes with a statement of the old one",
  });
}

/** Whether the key that a signature names is in the keyring, trusted or revoked. */
export function knowsSigner(ring: Keyring, signature: string, where: string): boolean {
  const signer = signerOf(signature, where);
  return [...ring.pinned, ...ring.revoked].some((key) => keyIdOf(key) === signer);
}

function signerOf(signature: string, where: string): string {
  return formatKeyId(parseSignature(signature, where).keyId);
}

/** The key's id, as minisign shows it. */
export function keyIdOf(key: string): string {
  return formatKeyId(parsePublicKey(key).keyId);
}

/** The keys that a manifest pins, as lines that begin with RW. */
export function pinnedKeys(publicKey: string | readonly string[] | undefined): string[] {
  if (publicKey === undefined) return [];
  return [publicKey].flat().map((key) => encodePublicKey(parsePublicKey(key)));
}
