import { defineConfig } from "vite";

// The stand-alone trace player: one script without a dependency, for Jupyter, docs, reports and the lab alike.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: "../src/sightline/core",
    emptyOutDir: false,
    target: "es2022",
    lib: { entry: "src/player.ts", name: "SightlinePlayer", formats: ["iife"], fileName: () => "player.js" },
  },
});
