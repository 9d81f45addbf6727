// The page around signing in: the product's name, a quiet trace, one panel.
import type { ComponentChildren } from 'preact';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { info } from '../session.ts';

export function SignInFrame({ title, lede, children }: { title: string; lede: string; children: ComponentChildren }) {
  return (
    <main class="gateway">
      <div class="trace" aria-hidden="true">
        <svg viewBox="0 0 1200 160" preserveAspectRatio="none">
          <path
            d="M0 84C60 84 70 62 130 62S200 102 270 102 330 76 380 76 430 90 470 90 500 70 540 70L552 70 560 18 570 140 580 70 640 70C690 70 700 92 760 92S840 58 910 58 990 96 1050 96 1140 80 1200 80"
            vector-effect="non-scaling-stroke"
          />
        </svg>
      </div>
      <section class="panel gateway-panel">
        <p class="brand">
          <Icon name="gate" />
          {text.product}
        </p>
        <h1>{title}</h1>
        <p class="lede">{lede}</p>
        {children}
      </section>
      <footer>
        {location.host}
        {info.value === null ? null : ` · ${info.value.version}`}
      </footer>
    </main>
  );
}
