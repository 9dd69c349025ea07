/**
 * BLAKE2b with a digest of any length, without a key (RFC 7693). minisign uses the 256-bit digest as a secret key's
 * checksum. Node has only the 512-bit one, of which the other is no prefix. This is slow and only for short inputs; files
 * are hashed by node:crypto.
 */

const MASK = 2n ** 64n - 1n;
const BLOCK = 128;
const ROUNDS = 12;

/** RFC 7693, 2.6: the first 64 bits of the fractions of the square roots of the first eight primes. */
const INITIAL: readonly bigint[] = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];

/** RFC 7693, 2.7: the order in which a round takes the block's sixteen words, one hexadecimal digit each. */
const ORDER = [
  "0123456789abcdef",
  "ea489fd61c02b753",
  "b8c052fdae367194",
  "7931dcbe265a40f8",
  "905724afe1bc683d",
  "2c6a0b834d75fe19",
  "c51fed4a0763928b",
  "db7ec13950f4862a",
  "6fe9b308c2d714a5",
  "a2847615fb9e3cd0",
].map((row) => Array.from(row, (digit) => Number.parseInt(digit, 16)));

/** The four words that each of a round's eight steps mixes: first the columns, then the diagonals. */
const STEPS = ["048c", "159d", "26ae", "37bf", "05af", "16bc", "278d", "349e"].map((row) =>
  Array.from(row, (digit) => Number.parseInt(digit, 16)),
);

/**
 * The BLAKE2b digest of some bytes.
 * @param length of the digest in bytes, 1 to 64
 */
export function blake2b(message: Uint8Array, length: number): Buffer {
  const blocks = Math.max(1, Math.ceil(message.length / BLOCK));
  const padded = Buffer.alloc(blocks * BLOCK);
  padded.set(message);
  let state = INITIAL.map((word, index) => (index === 0 ? word ^ BigInt(0x01010000 + length) : word));
  for (let block = 1; block <= blocks; block += 1) {
    const words = readWords(padded.subarray((block - 1) * BLOCK, block * BLOCK));
    state = compress(state, words, Math.min(message.length, block * BLOCK), block === blocks ? MASK : 0n);
  }
  const digest = Buffer.alloc(64);
  for (const [index, word] of state.entries()) digest.writeBigUInt64LE(word, index * 8);
  return digest.subarray(0, length);
}

function readWords(block: Buffer): bigint[] {
  return Array.from({ length: 16 }, (_, index) => block.readBigUInt64LE(index * 8));
}

/**
 * @param taken how many bytes of the message this block ends
 * @param last all ones for the last block, else zero
 */
function compress(state: readonly bigint[], words: readonly bigint[], taken: number, last: bigint): bigint[] {
  const v = [...state, ...INITIAL];
  const at = (index: number | undefined) => v[index ?? 0] ?? 0n;
  v[12] = at(12) ^ BigInt(taken);
  v[14] = at(14) ^ last;
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = ORDER[round % ORDER.length] ?? [];
    for (const [step, [a = 0, b = 0, c = 0, d = 0]] of STEPS.entries()) {
      const mix = (word: number, first: number, second: number) => {
        v[a] = (at(a) + at(b) + (words[order[word] ?? 0] ?? 0n)) & MASK;
        v[d] = rotateRight(at(d) ^ at(a), first);
        v[c] = (at(c) + at(d)) & MASK;
        v[b] = rotateRight(at(b) ^ at(c), second);
      };
      mix(2 * step, 32, 24);
      mix(2 * step + 1, 16, 63);
    }
  }
  return state.map((word, index) => word ^ at(index) ^ at(index + 8));
}

function rotateRight(word: bigint, bits: number): bigint {
  return (word >> BigInt(bits)) | ((word << BigInt(64 - bits)) & MASK);
}
