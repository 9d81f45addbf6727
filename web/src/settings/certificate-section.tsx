// The certificate of the gateway: for whom it is good, until when, and what people compare.
import type { CertificateView, SettingsView } from '../../../gateway/protocol/rest.ts';
import { nowMs } from '../clock.ts';
import { formatAge, formatDate } from '../format.ts';
import { text } from '../i18n/en.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Empty } from '../parts/empty.tsx';
import { Loaded, Section } from './section.tsx';
import type { Answer } from './use-answer.ts';

const words = text.settings.certificate;

export function CertificateSection({ answer }: { answer: Answer<SettingsView> }) {
  return (
    <Section name="certificate" lede={words.lede}>
      <Loaded answer={answer}>
        {({ certificate }) => (certificate === null ? <Empty {...words.none} /> : <Certificate certificate={certificate} />)}
      </Loaded>
    </Section>
  );
}

function Certificate({ certificate }: { certificate: CertificateView }) {
  const { names, issuer, notAfterAt, renewsAt, fingerprint, authority } = certificate;
  const ends = (at: string): string => words.endsIn(formatAge(Date.parse(at) - nowMs.value), formatDate(Date.parse(at)));
  return (
    <>
      <dl class="panel set-facts">
        <div>
          <dt>{words.names}</dt>
          <dd class="names">
            {names.map((name) => (
              <span class="tag mono" key={name}>
                {name}
              </span>
            ))}
          </dd>
        </div>
        <div>
          <dt>{words.ends}</dt>
          <dd>{ends(notAfterAt)}</dd>
        </div>
        <div>
          <dt>{words.renews}</dt>
          <dd>{renewsAt === null ? words.own : words.renewsAt(formatDate(Date.parse(renewsAt)))}</dd>
        </div>
        <div>
          <dt>{words.issuer}</dt>
          <dd>{issuer}</dd>
        </div>
        <div>
          <dt>{words.fingerprint}</dt>
          <dd>
            <Fingerprint value={fingerprint} />
          </dd>
        </div>
      </dl>
      {authority === null ? null : (
        <div class="panel" role="group" aria-label={words.authority}>
          <header>
            <h3>{words.authority}</h3>
            <a class="btn small end" href="/ca.crt" download>
              {words.download}
            </a>
          </header>
          <dl class="set-facts">
            <div>
              <dt>{words.ends}</dt>
              <dd>{ends(authority.notAfterAt)}</dd>
            </div>
            <div>
              <dt>{words.fingerprint}</dt>
              <dd data-authority>
                <Fingerprint value={authority.fingerprint} />
              </dd>
            </div>
          </dl>
          <p class="panel-note">{words.how}</p>
        </div>
      )}
    </>
  );
}

/** In groups of four digits, as people read it out to each other. */
function Fingerprint({ value }: { value: string }) {
  const groups = value.replaceAll(':', '').match(/.{4}/g) ?? [];
  return (
    <span class="fingerprint">
      <code class="mono">
        {groups.map((group, index) => (
          <span key={index}>{group} </span>
        ))}
      </code>
      <CopyButton content={value} />
    </span>
  );
}
