/**
 * The folders of the sources, from the top of the house to the ground. A file may import from its own folder and from
 * folders of later rows. Folders of one row must not import from each other. test/house.test.ts checks this.
 */
export const floors = [
  ["main.ts"],
  ["cli"],
  ["lab", "agent"],
  ["explain"],
  ["plugin"],
  ["plan"],
  ["step"],
  ["reference", "ipam"],
  ["kernel", "store"],
  ["netlink", "conf"],
  ["sys", "ip"],
];
