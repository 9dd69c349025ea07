/** Runs before every test file. */
import { afterEach } from "vitest";
import { removeMade } from "./removal.ts";

afterEach(removeMade);
