// Draws by chance that a seed repeats.

/**
 * Numbers from 0 to 1, the same for the same seed (mulberry32).
 * @param {number} seed
 */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Some of the items, each at most once.
 * @template T
 * @param {readonly T[]} items @param {number} number at most @param {number} seed @returns {T[]}
 */
export function draw(items, number, seed) {
  const random = seeded(seed);
  const waiting = [...items];
  /** @type {T[]} */
  const drawn = [];
  for (let left = number; left > 0 && waiting.length > 0; left -= 1)
    drawn.push(...waiting.splice(Math.floor(random() * waiting.length), 1));
  return drawn;
}
