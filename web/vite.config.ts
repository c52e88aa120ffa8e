import { defineConfig } from 'vite';

export default defineConfig({
  // Relative addresses: the page works wherever it is mounted, also behind a proxy that adds a path.
  base: './',
  build: {
    // The oldest browsers with everything the page needs; older ones get no polyfills.
    target: ['chrome111', 'firefox114', 'safari16.4'],
    // The files are embedded in the binary: fonts stay inside the style sheet, nothing else is worth inlining.
    assetsInlineLimit: 0,
    // Monaco alone is larger than Vite's warning limit.
    chunkSizeWarningLimit: 4096,
    rolldownOptions: {
      input: { playground: 'index.html', console: 'console.html' },
      // Libraries mark their files "use client" for server-side rendering; in a bundle for browsers it means nothing.
      onLog: (level, log, next) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') next(level, log);
      },
    },
    license: { fileName: 'licenses.md' },
  },
  server: {
    proxy: { '/console.json': 'http://127.0.0.1:8080', '/graphql': { target: 'http://127.0.0.1:8080', ws: true, changeOrigin: true } },
  },
});
