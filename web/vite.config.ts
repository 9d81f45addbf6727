// Builds the console into web/dist and fails when the first load grows past its budget (gzipped; what is loaded lazily is not counted).
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

const BUDGET_BYTES = { script: 60_000, style: 12_000 };

function budget(): Plugin {
  return {
    name: 'budget',
    generateBundle(_options, bundle) {
      const gzipped = (content: string | Uint8Array): number => gzipSync(content, { level: 9 }).byteLength;
      const firstLoad = new Set<string>();
      const add = (file: string): void => {
        const chunk = bundle[file];
        if (chunk?.type !== 'chunk' || firstLoad.has(file)) return;
        firstLoad.add(file);
        for (const imported of chunk.imports) add(imported);
      };
      for (const [file, output] of Object.entries(bundle)) if (output.type === 'chunk' && output.isEntry) add(file);
      let scriptBytes = 0;
      const styles = new Set<string>();
      for (const file of firstLoad) {
        const chunk = bundle[file];
        if (chunk?.type !== 'chunk') continue;
        scriptBytes += gzipped(chunk.code);
        for (const style of chunk.viteMetadata?.importedCss ?? []) styles.add(style);
      }
      let styleBytes = 0;
      for (const file of styles) {
        const style = bundle[file];
        if (style?.type === 'asset') styleBytes += gzipped(style.source);
      }
      this.info(
        `first load: ${scriptBytes} of ${BUDGET_BYTES.script} bytes of script, ${styleBytes} of ${BUDGET_BYTES.style} of style, gzipped`,
      );
      if (scriptBytes > BUDGET_BYTES.script)
        this.error(`the first load's script is ${scriptBytes} bytes gzipped, ${BUDGET_BYTES.script} are allowed`);
      if (styleBytes > BUDGET_BYTES.style) this.error(`the styles are ${styleBytes} bytes gzipped, ${BUDGET_BYTES.style} are allowed`);
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [budget()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // browsers with light-dark(), oklch() and :has(), so that styles ship as written
    target: ['chrome125', 'firefox128', 'safari17.5'],
    // nothing inlined and no polyfill: the content security policy allows files of this origin only
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
