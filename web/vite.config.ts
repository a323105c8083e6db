import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

// The lab: unhashed names, so that a build changes only the files whose source changed.
export default defineConfig({
  base: "/static/",
  plugins: [preact({ devToolsEnabled: false })],
  worker: { format: "es", rollupOptions: { output: { entryFileNames: "[name].js" } } },
  build: {
    outDir: "../src/sightline/lab/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      output: {
        entryFileNames: "app.js",
        chunkFileNames: "[name].js",
        assetFileNames: (asset) => (asset.names[0] === "index.css" ? "app.css" : "[name][extname]"),
      },
    },
  },
  server: {
    proxy: {
      "/api": { target: "http://127.0.0.1:8765", ws: true },
    },
  },
});
