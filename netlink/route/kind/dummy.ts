/** A link of kind "dummy" has no data. It drops what is sent to it. */
export const dummyKind = "dummy";
