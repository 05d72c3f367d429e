/** The version of this executable, which the build defines. */
declare const NSNET_VERSION: string;

export const ownVersion = typeof NSNET_VERSION === "string" ? NSNET_VERSION : "development";
