/** Rounds for each place that is turned while it is used: few in the suite, 200 or more by scripts/adversary.mjs. */
export const ROUNDS = Number(process.env["GANTRY_ADVERSARY_ROUNDS"] ?? 20);
