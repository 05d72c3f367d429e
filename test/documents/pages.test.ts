/**
 * Every page of the documents is typed as it is written, and prints what it shows. `npm run documents` records the output
 * again; its difference is to be read.
 */
import { describePages, pages } from "./typed.ts";

/** Those of the course are a file of their own, so that both run at once. */
describePages(pages.filter((file) => !file.startsWith("docs/learn/")));
