/** The pages of the course, typed as they are written. */
import { describePages, pages } from "./typed.ts";

describePages(pages.filter((file) => file.startsWith("docs/learn/")));
