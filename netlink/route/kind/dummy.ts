/** A link of kind "dummy" has no data: it drops what is sent by it. */
export const dummyKind = "dummy";
