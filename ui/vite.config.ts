import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const service = process.env.KEYBEARER_URL ?? 'http://127.0.0.1:7420'
const clientSource = fileURLToPath(new URL('../client/src/index.ts', import.meta.url))

/** "npm run dev -w ui" shows the page of the sources over a running service; an access key file stands in for a sign-in. */
function devHeaders(): Record<string, string> {
  const file = process.env.KEYBEARER_DEV_KEY_FILE
  return file === undefined ? {} : { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` }
}

const proxy = { target: service, changeOrigin: true, headers: { ...devHeaders(), origin: service, 'sec-fetch-site': 'same-origin' } }

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@keybearer/client': clientSource } },
  build: {
    outDir: 'dist',
    assetsDir: 'assets',
    target: 'es2022',
    // Browsers that know light-dark(): rewritten for older ones it would follow the system and not the choice on the page.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: { port: 5173, proxy: { '/v1': proxy, '/openapi.json': proxy, '/livez': proxy } },
})
