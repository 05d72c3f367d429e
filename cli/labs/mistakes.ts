/** Mistakes of a lab file on standard error, with exit code 1. */
import { BadLabFile } from "../../lab/file/mistakes.ts";

export async function reportingMistakes(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BadLabFile)) throw error;
    process.stderr.write(error.message);
    return 1;
  }
}
