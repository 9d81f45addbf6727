// The Settings page, for administrators: a list of sections, and the one that the address names. A phone shows one of the two at a time.
import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { api } from '../api.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Icon } from '../parts/icon.tsx';
import { may } from '../session.ts';
import '../styles/settings.css';
import { AuditSection } from './audit-section.tsx';
import { BackupSection } from './backup-section.tsx';
import { CertificateSection } from './certificate-section.tsx';
import { ConfigurationSection } from './configuration-section.tsx';
import { EnrolmentSection } from './enrolment-section.tsx';
import { KeysSection } from './keys-section.tsx';
import { RetentionSection } from './retention-section.tsx';
import { readSettingsQuery, SECTIONS, type SectionName, writeSettingsQuery } from './settings-query.ts';
import { StorageSection } from './storage-section.tsx';
import { useAnswer } from './use-answer.ts';
import { UsersSection } from './users-section.tsx';

const words = text.settings;

export function SettingsPage() {
  if (!may('admin')) return <Empty {...words.forbidden} />;
  return <Sections />;
}

function Sections() {
  const { url, route } = useLocation();
  const { section, q } = readSettingsQuery(url);
  const shown = section ?? 'users';
  useEffect(() => {
    document.title = `${section === null ? words.title : words.sections[section]} · ${text.product}`;
  }, [section]);
  return (
    <div class={section === null ? 'settings-page' : 'settings-page is-chosen'}>
      <div class="page-head">
        <h1>{words.title}</h1>
        {section === null ? null : (
          <a class="btn set-back" href="/settings">
            <Icon name="more" />
            {words.back}
          </a>
        )}
      </div>
      <nav class="set-nav" aria-label={words.title}>
        {SECTIONS.map((name) => (
          <a key={name} href={writeSettingsQuery({ section: name, q: '' })} aria-current={name === shown ? 'page' : undefined}>
            <span>
              {words.sections[name]}
              <small>{words[name].lede}</small>
            </span>
            <Icon name="more" />
          </a>
        ))}
      </nav>
      <div class="set-body" key={shown}>
        <SectionOf name={shown} q={q} onFilter={(next) => route(writeSettingsQuery({ section: shown, q: next }), true)} />
      </div>
    </div>
  );
}

function SectionOf({ name, q, onFilter }: { name: SectionName; q: string; onFilter(q: string): void }) {
  switch (name) {
    case 'users':
      return <UsersSection />;
    case 'keys':
      return <KeysSection />;
    case 'enrolment':
      return <EnrolmentSection />;
    case 'audit':
      return <AuditSection q={q} onFilter={onFilter} />;
    case 'retention':
    case 'backup':
    case 'certificate':
    case 'storage':
    case 'configuration':
      return <WithSettings name={name} q={q} onFilter={onFilter} />;
    default: {
      const unknown: never = name;
      return unknown;
    }
  }
}

/** Sections that show a part of the configuration. */
function WithSettings({
  name,
  q,
  onFilter,
}: {
  name: 'retention' | 'backup' | 'certificate' | 'storage' | 'configuration';
  q: string;
  onFilter(q: string): void;
}) {
  const answer = useAnswer(() => api.get('/v1/settings'));
  switch (name) {
    case 'retention':
      return <RetentionSection answer={answer} />;
    case 'backup':
      return <BackupSection answer={answer} />;
    case 'certificate':
      return <CertificateSection answer={answer} />;
    case 'storage':
      return <StorageSection answer={answer} />;
    case 'configuration':
      return <ConfigurationSection answer={answer} q={q} onFilter={onFilter} />;
    default: {
      const unknown: never = name;
      return unknown;
    }
  }
}
