import { defineConfig } from "vitest/config";

// One module for the tab and for the report; styles are in it, so nothing else is fetched.
export default defineConfig({
  build: {
    outDir: process.env.OUT_DIR ?? "../static",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "src/main.tsx", formats: ["es"], fileName: () => "index.js" },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
