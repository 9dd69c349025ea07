/**
 * Wide tables: the suite runs a part of one, drawn anew each time, and says what it leaves out.
 * GANTRY_TEST_WHOLE=1 runs everything: `node scripts/test.mjs --whole` and `node scripts/test-hosts.mjs --whole` set it.
 * GANTRY_TEST_SEED=N draws the same part again.
 */
import { draw } from "./draw.mjs";

/**
 * @param title of the table, for the line that names what is left out
 * @param most cases of the part
 * @returns the cases to run, in the table's order
 */
export function partOf<T>(title: string, cases: readonly T[], most: number): readonly T[] {
  if (process.env["GANTRY_TEST_WHOLE"] === "1" || cases.length <= most) return cases;
  const told = process.env["GANTRY_TEST_SEED"];
  const seed = told === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(told);
  const drawn = new Set(draw([...cases.keys()], most, seed));
  const left = cases.filter((_, index) => !drawn.has(index)).map((one) => JSON.stringify(one));
  console.log(`${title}: left out with GANTRY_TEST_SEED=${seed}: ${left.join(" ")}`);
  return cases.filter((_, index) => drawn.has(index));
}
