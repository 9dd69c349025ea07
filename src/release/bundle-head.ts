/**
 * The head of a bundle. A bundle is a compressed tar of a release's modules that can be copied without the release, so
 * that its first bytes name the release. Every decompressor skips them: they are a skippable frame before zstd data (RFC
 * 8878, 3.1.2), or an extra field in the header of gzip data (RFC 1952, 2.3.1.1). Pure.
 */
import * as v from "valibot";

export type Compression = "zst" | "gz";

const IdentitySchema = v.strictObject({
  schema: v.literal(1),
  name: v.string(),
  version: v.string(),
  /** A target's name. */
  target: v.string(),
  /** See treeDigest. */
  tree: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

/** Which modules a bundle holds. */
export type BundleIdentity = Readonly<v.InferOutput<typeof IdentitySchema>>;

/** The largest head, in bytes: parseBundleHead needs this many bytes from the start of a bundle. */
export const BUNDLE_HEAD_BYTES = 1024;

/** The first of the sixteen magic numbers of a skippable frame (RFC 8878, 3.1.2). */
const SKIPPABLE = 0x184d2a50;
const ZSTD = 0xfd2fb528;
/** The two bytes that tell gantry's gzip subfield from others. */
const SUBFIELD = "Gy";
const GZIP_HEADER = 10;
const FEXTRA = 4;

/**
 * Puts the identity in front of compressed data.
 * @param data one zstd frame, or one gzip member that has no extra field
 * @throws RangeError when the identity is longer than BUNDLE_HEAD_BYTES leaves room for
 */
export function withBundleHead(
  identity: BundleIdentity,
  compression: Compression,
  data: Uint8Array,
): Uint8Array {
  const text = Buffer.from(JSON.stringify(identity));
  if (text.length > BUNDLE_HEAD_BYTES - 64) throw new RangeError("a bundle's name is too long");
  if (compression === "zst") {
    const frame = Buffer.alloc(8);
    frame.writeUInt32LE(SKIPPABLE, 0);
    frame.writeUInt32LE(text.length, 4);
    return Buffer.concat([frame, text, data]);
  }
  const extra = Buffer.alloc(6);
  extra.writeUInt16LE(text.length + 4, 0);
  extra.write(SUBFIELD, 2, "latin1");
  extra.writeUInt16LE(text.length, 4);
  const header = Buffer.from(data.subarray(0, GZIP_HEADER));
  header[3] = (header[3] ?? 0) | FEXTRA;
  return Buffer.concat([header, extra, text, data.subarray(GZIP_HEADER)]);
}

/** How a file is compressed, by its first bytes; undefined when it is neither zstd nor gzip. */
export function readCompression(start: Uint8Array): Compression | undefined {
  const bytes = Buffer.from(start);
  if (bytes.length < 4) return undefined;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gz";
  const magic = bytes.readUInt32LE(0);
  return magic === ZSTD || (magic & ~0xf) >>> 0 === SKIPPABLE ? "zst" : undefined;
}

/**
 * Parses a file's first BUNDLE_HEAD_BYTES; undefined when it is no bundle of gantry's. The identity is for messages only:
 * anybody can write a head, and only the file's digest is proof.
 */
export function parseBundleHead(start: Uint8Array): BundleIdentity | undefined {
  const bytes = Buffer.from(start);
  const text = readCompression(bytes) === "zst" ? skippableText(bytes) : extraText(bytes);
  if (text === undefined) return undefined;
  try {
    const result = v.safeParse(IdentitySchema, JSON.parse(text.toString("utf8")));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function skippableText(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 8 || bytes.readUInt32LE(0) !== SKIPPABLE) return undefined;
  const end = 8 + bytes.readUInt32LE(4);
  return end <= bytes.length ? bytes.subarray(8, end) : undefined;
}

function extraText(bytes: Buffer): Buffer | undefined {
  const from = GZIP_HEADER + 6;
  if (bytes.length < from || ((bytes[3] ?? 0) & FEXTRA) === 0) return undefined;
  if (bytes.toString("latin1", GZIP_HEADER + 2, GZIP_HEADER + 4) !== SUBFIELD) return undefined;
  const end = from + bytes.readUInt16LE(GZIP_HEADER + 4);
  return end <= bytes.length ? bytes.subarray(from, end) : undefined;
}
