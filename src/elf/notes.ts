/**
 * The x86 ISA level that a file declares as needed (x86-64 psABI, GNU_PROPERTY_X86_ISA_1_NEEDED), which glibc 2.33 and
 * newer checks before loading. A file without the note declares nothing.
 */
import { readExactly } from "./bytes.ts";
import { EM, PT } from "./constants.ts";
import type { ElfImage, Segment } from "./elf-image.ts";

const NT_GNU_PROPERTY_TYPE_0 = 5;
const X86_ISA_1_NEEDED = 0xc000_8002;
/** Limit in bytes. Notes of real files take a few hundred. */
const MAX_NOTES = 65_536;

/** 1 to 4 for x86-64-v1 to v4; undefined when nothing is declared. */
export function readIsaLevel(image: ElfImage): number | undefined {
  if (image.machine !== EM.X86_64) return undefined;
  for (const segment of image.segments) {
    if (segment.type !== PT.GNU_PROPERTY && segment.type !== PT.NOTE) continue;
    const mask = readNeededMask(image, segment);
    if (mask !== undefined && mask !== 0) return 32 - Math.clz32(mask);
  }
  return undefined;
}

function readNeededMask(image: ElfImage, segment: Segment): number | undefined {
  const { little } = image;
  const size = Math.min(segment.fileSize, MAX_NOTES, Math.max(0, image.source.size - segment.offset));
  const view = readExactly(image.source, segment.offset, size, "the notes");
  const align = segment.align === 8 ? 8 : 4;
  // Header and name are padded together: their sum is aligned, and not the length of the name alone.
  const padded = (length: number): number => Math.ceil(length / align) * align;
  for (let at = 0; at + 12 <= size;) {
    const nameSize = view.getUint32(at, little);
    const bodySize = view.getUint32(at + 4, little);
    const body = at + padded(12 + nameSize);
    const isGnu = nameSize === 4 && at + 16 <= size && view.getUint32(at + 12, false) === 0x474e_5500;
    if (isGnu && view.getUint32(at + 8, little) === NT_GNU_PROPERTY_TYPE_0 && body + bodySize <= size) {
      const mask = findProperty(view, body, body + bodySize, little);
      if (mask !== undefined) return mask;
    }
    at = body + padded(bodySize);
  }
  return undefined;
}

function findProperty(view: DataView, start: number, end: number, little: boolean): number | undefined {
  for (let at = start; at + 8 <= end;) {
    const size = view.getUint32(at + 4, little);
    if (view.getUint32(at, little) === X86_ISA_1_NEEDED && size === 4 && at + 12 <= end) {
      return view.getUint32(at + 8, little);
    }
    at += 8 + Math.ceil(size / 8) * 8;
  }
  return undefined;
}
