/**
 * The two hash tables by which loaders find exported symbols: DT_GNU_HASH (glibc elf/dl-lookup.c, do_lookup_x) and
 * DT_HASH (gABI chapter 5). A lookup stops at the first index that the caller accepts. A chain without an end is
 * reported as damage.
 */
import { eachRecord, malformed, readExactly } from "./bytes.ts";
import { DT } from "./constants.ts";
import { tableOffset, type ElfImage } from "./elf-image.ts";

export interface HashTable {
  /** The first symbol index with the name's hash that `accept` returns true for. The caller compares names. */
  find(name: string, accept: (index: number) => boolean): number | undefined;
  /** Every index in the table. */
  indexes(): Iterable<number>;
}

/** Longer than any chain of a real file. A longer one is a loop or damage. */
const MAX_CHAIN = 4096;

/**
 * Reads DT_GNU_HASH: a Bloom filter, buckets, then one hash for each symbol. A set low bit marks the end of a chain.
 */
export function gnuHashTable(image: ElfImage): HashTable | undefined {
  const start = tableOffset(image, DT.GNU_HASH, "the GNU hash table");
  if (start === undefined) return undefined;
  const { source, wide, little } = image;
  const header = readExactly(source, start, 16, "the GNU hash table");
  const count = header.getUint32(0, little);
  const first = header.getUint32(4, little);
  const bloomWords = header.getUint32(8, little);
  const shift = header.getUint32(12, little);
  const bits = wide ? 64 : 32;
  const bucketsAt = start + 16 + bloomWords * (bits / 8);
  const chainsAt = bucketsAt + count * 4;
  const bloomBit = (word: number, bit: number): boolean => {
    const half = wide && bit >= 32 === little ? 4 : 0;
    return ((source.u32(word + half, little) >>> (bit % 32)) & 1) === 1;
  };
  /** Whether the Bloom filter allows the name: both of its bits are set. A name without them is not in the table. */
  const mayHold = (hash: number): boolean => {
    if (bloomWords === 0) return true;
    const word = start + 16 + (Math.floor(hash / bits) % bloomWords) * (bits / 8);
    return bloomBit(word, hash % bits) && bloomBit(word, (hash >>> shift) % bits);
  };
  return {
    find(name, accept) {
      const wanted = gnuHash(name);
      if (count === 0 || !mayHold(wanted)) return undefined;
      const head = source.u32(bucketsAt + (wanted % count) * 4, little);
      if (head < first) return undefined;
      for (let index = head; index < head + MAX_CHAIN; index += 1) {
        const hash = source.u32(chainsAt + (index - first) * 4, little);
        if ((hash | 1) === (wanted | 1) && accept(index)) return index;
        if ((hash & 1) === 1) return undefined;
      }
      return malformed(chainsAt, "a chain of the GNU hash table has no end");
    },
    *indexes() {
      // Chains follow one another, so the end of the last bucket's chain is the end of the table.
      let last = 0;
      eachRecord(source, { offset: bucketsAt, count, size: 4, what: "the GNU hash table" }, (view, at) => {
        last = Math.max(last, view.getUint32(at, little));
      });
      if (last < first) return;
      const limit = last + MAX_CHAIN;
      while ((source.u32(chainsAt + (last - first) * 4, little) & 1) === 0) {
        last += 1;
        if (last >= limit) malformed(chainsAt, "a chain of the GNU hash table has no end");
      }
      for (let index = first; index <= last; index += 1) yield index;
    },
  };
}

/** Reads DT_HASH: the numbers of buckets and of chain entries, then both arrays. Index 0 ends a chain. */
export function sysvHashTable(image: ElfImage): HashTable | undefined {
  const start = tableOffset(image, DT.HASH, "the hash table");
  if (start === undefined) return undefined;
  const { source, little } = image;
  const header = readExactly(source, start, 8, "the hash table");
  const count = header.getUint32(0, little);
  const chains = header.getUint32(4, little);
  const word = (index: number): number => source.u32(start + 8 + index * 4, little);
  return {
    find(name, accept) {
      if (count === 0) return undefined;
      let index = word(sysvHash(name) % count);
      for (let steps = 0; index !== 0; steps += 1) {
        if (index >= chains) malformed(start, "a chain of the hash table leads outside of it");
        if (steps > MAX_CHAIN) malformed(start, "a chain of the hash table has no end");
        if (accept(index)) return index;
        index = word(count + index);
      }
      return undefined;
    },
    *indexes() {
      // nchain is the number of symbols; the file's size bounds it, because one symbol takes 16 bytes.
      const limit = Math.min(chains, Math.ceil(source.size / 16));
      for (let index = 1; index < limit; index += 1) yield index;
    },
  };
}

/** The last name and its hash, kept because one name is looked up in many objects in turn. */
let hashed = { name: "", hash: 5381 };

function gnuHash(name: string): number {
  if (hashed.name === name) return hashed.hash;
  let hash = 5381;
  for (let index = 0; index < name.length; index += 1) {
    hash = (Math.imul(hash, 33) + name.charCodeAt(index)) | 0;
  }
  hashed = { name, hash: hash >>> 0 };
  return hashed.hash;
}

function sysvHash(name: string): number {
  let hash = 0;
  for (let index = 0; index < name.length; index += 1) {
    hash = ((hash << 4) + name.charCodeAt(index)) >>> 0;
    const high = hash & 0xf000_0000;
    hash = (hash ^ (high >>> 24)) & ~high;
  }
  return hash >>> 0;
}
