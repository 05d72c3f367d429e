/**
 * The folders of the sources, from the top of the house to the ground. A file may import from its own folder and from
 * the folders of later rows; folders of one row do not know each other. test/house.test.ts holds this.
 */
export const floors = [
  ["main.ts"],
  ["cli"],
  ["plugin"],
  ["plan"],
  ["step"],
  ["reference", "ipam"],
  ["kernel", "store"],
  ["netlink", "conf"],
  ["sys", "ip"],
];
