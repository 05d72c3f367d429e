/** Puts what may be the cause of others first: a mistake in a lower folder shows up in the folders above it. */
import { floors } from "./folders.mjs";

const ranks = new Map(floors.flatMap((row, i) => row.map((folder) => [folder, floors.length - i])));
/** The tests' own support comes after the sources, and before what uses it. */
const supportRank = floors.length + 1;
const otherRank = floors.length + 2;

/** 1 for the lowest folders. A test has the rank of the folder that it is about. */
function rankOf(file) {
  const [first, second] = file.split("/");
  if (first !== "test") return ranks.get(first) ?? otherRank;
  if (second === "support") return supportRank;
  return supportRank + (ranks.get(second) ?? otherRank);
}

/** The things in a new order. Those of one folder stay as they were. `fileOf` is relative to the repository. */
export const causesFirst = (things, fileOf) => [...things].sort((a, b) => rankOf(fileOf(a)) - rankOf(fileOf(b)));
