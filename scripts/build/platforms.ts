/** The platforms that ns-net is built for. */
export interface Platform {
  /** `linux-x64-musl`; also the folder in dist/ */
  readonly name: string;
  /** npm's words, for package.json */
  readonly cpu: "x64" | "arm64";
  readonly libc: "glibc" | "musl";
  /** The npm package with Bun's runtime. Its integrity is in package-lock.json. */
  readonly runtime: string;
  /** The C library that the executable opens, as `dlopen` finds it. */
  readonly libcFile: string;
}

const platform = (cpu: Platform["cpu"], libc: Platform["libc"]): Platform => {
  const machine = cpu === "x64" ? "x86_64" : "aarch64"; // the kernel's name
  const suffix = libc === "musl" ? "-musl" : "";
  return {
    name: `linux-${cpu}${suffix}`,
    cpu,
    libc,
    // Bun's packages "-baseline", for processors without AVX2, have the same bytes since Bun 1.4.
    runtime: `@oven/bun-linux-${cpu === "x64" ? "x64" : "aarch64"}${suffix}`,
    libcFile: libc === "musl" ? `/lib/libc.musl-${machine}.so.1` : "libc.so.6",
  };
};

export const platforms: readonly Platform[] = [
  platform("x64", "glibc"),
  platform("x64", "musl"),
  platform("arm64", "glibc"),
  platform("arm64", "musl"),
];

/** The platform of this machine, as Bun itself was built. */
export function thisPlatform(): Platform {
  const libc = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const isGlibc = libc.header?.glibcVersionRuntime !== undefined;
  return platform(process.arch === "arm64" ? "arm64" : "x64", isGlibc ? "glibc" : "musl");
}
